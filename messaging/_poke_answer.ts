/**
 * What Poke's answer says, fit to be passed on: bounded, and without the key that it may echo.
 *
 * @module
 */
import { readAtMost } from "./_read_at_most.ts";
import { createRedactor } from "../redact.ts";

const MAX_BODY_BYTES = 64 * 1024;
const MAX_TEXT_CHARS = 1_000;
const MAX_REMARK_CHARS = 300;

/** An escaped character of the key takes up to this many. */
const MAX_SPELLING_CHARS = 6;

/** Poke's answer: its JSON, `{ text }` where it was no JSON or too long, null where it was empty. */
export async function readPokeAnswer(response: Response, key: string): Promise<unknown> {
  const { text: raw, isCut } = await readAtMost(response, MAX_BODY_BYTES);
  const redactor = createRedactor(key);
  if (!isCut) {
    try {
      return raw.trim() === "" ? null : redactor.json(JSON.parse(raw));
    } catch {
      // No JSON: passed on as text.
    }
  }
  const text = redactor.text(raw);
  // What was cut off may have begun within the key.
  const whole = isCut ? text.slice(0, -MAX_SPELLING_CHARS * key.length) : text;
  return { text: shorten(whole, MAX_TEXT_CHARS) };
}

/** What a person would want to read of an answer that is an error; empty where it says nothing. */
export function remarkOf(answer: unknown): string {
  const remark = saying(answer) ?? "";
  // A page for browsers says nothing in its first line.
  if (remark.trimStart().startsWith("<")) return "";
  return shorten(remark.replace(/[\s\p{Cc}]+/gu, " ").trim(), MAX_REMARK_CHARS);
}

function saying(answer: unknown): string | undefined {
  if (typeof answer === "string") return answer;
  if (typeof answer !== "object" || answer === null) return undefined;
  const fields = new Map(Object.entries(answer));
  for (const name of ["message", "error", "detail", "text"]) {
    const said = saying(fields.get(name));
    if (said) return said;
  }
  return undefined;
}

function shorten(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1).toWellFormed()}…`;
}
