/**
 * What messages are called.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** Hexadecimal digits of milliseconds since 1970: enough until the year 10889. */
const TIME_DIGITS = 12;
const NAME_DIGITS = 20;

/** Sorts by time; the same for the same name and time. The name cannot be read from it. */
export function messageIdOf(atMs: number, name: string): string {
  const time = Math.max(0, Math.floor(atMs)).toString(16).padStart(TIME_DIGITS, "0");
  return `${time}-${sha256Of(name).slice(0, NAME_DIGITS)}`;
}

/** SHA-256 at once: a commit that is being put together cannot wait. */
export function sha256Of(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
