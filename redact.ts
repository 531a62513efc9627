/**
 * Keeps secrets out of what people read (WIRE A4, P4).
 *
 * @module
 */

/** Takes the place of a secret. */
export const REDACTED = "[redacted]";

/** Takes secrets out of texts and JSON values. */
export interface Redactor {
  text(text: string): string;
  /** The same value without the secrets in any of its texts or names. */
  json(value: unknown): unknown;
}

/**
 * Finds secrets as they are, and with any of their characters percent-encoded, or escaped as JSON
 * may do it. Empty secrets are no secrets.
 */
export function createRedactor(...secrets: readonly string[]): Redactor {
  const spellings = secrets.filter((secret) => secret !== "")
    .map((secret) => Array.from(secret, anySpelling).join(""));
  if (spellings.length === 0) return { text: (value) => value, json: (value) => value };
  const pattern = new RegExp(spellings.join("|"), "g");
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

/** Text with the user and password taken out of any address in it: `https://[redacted]@host`. */
export function redactAddresses(text: string): string {
  return text.replace(/:\/\/[^\s/@]+@/g, `://${REDACTED}@`);
}

/** A path with its query's names kept and their values taken out. */
export function redactQuery(url: URL): string {
  const names = [...new Set(url.searchParams.keys())];
  if (names.length === 0) return url.pathname;
  return `${url.pathname}?${names.map((name) => `${name}=${REDACTED}`).join("&")}`;
}

/** `%2f`, `%2F`, `\u002f`, `\/` or the character: the longest first, as `%` also begins `%25`. */
function anySpelling(char: string): string {
  const literal = `\\\\?${RegExp.escape(char)}`;
  const code = char.codePointAt(0)!;
  if (code > 0x7f) return literal;
  const hex = code.toString(16).padStart(2, "0");
  const anyCase = hex.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
  return `(?:%${anyCase}|\\\\u00${anyCase}|${literal})`;
}
