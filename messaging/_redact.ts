/**
 * Taking a secret out of what somebody else wrote (WIRE A4, P4).
 *
 * @module
 */
import { REDACTED } from "../redact.ts";

/** Takes one secret out of texts and JSON values. */
export interface Redactor {
  text(text: string): string;
  /** The same value without the secret in any of its texts or names. */
  json(value: unknown): unknown;
}

/**
 * Finds the secret as it is, and with any of its characters percent-encoded, or escaped as JSON may
 * do it.
 *
 * @param secret 1 or more ASCII characters
 */
export function createRedactor(secret: string): Redactor {
  const pattern = new RegExp(Array.from(secret, anySpelling).join(""), "g");
  const text = (value: string) => value.replace(pattern, REDACTED);
  const json = (value: unknown): unknown => {
    if (typeof value === "string") return text(value);
    if (Array.isArray(value)) return value.map(json);
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).map(([name, inner]) => [text(name), json(inner)]);
    return Object.fromEntries(entries);
  };
  return { text, json };
}

/** `%2f`, `%2F`, `\u002f`, `\/` or the character: the longest first, as `%` also begins `%25`. */
function anySpelling(char: string): string {
  const hex = char.charCodeAt(0).toString(16).padStart(2, "0");
  const anyCase = hex.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
  return `(?:%${anyCase}|\\\\u00${anyCase}|\\\\?${RegExp.escape(char)})`;
}
