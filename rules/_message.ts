/**
 * What a rule's message is made of: words, and fields that are filled in when it fires.
 *
 * @module
 */
import { z } from "zod";
import { hasHidden } from "./_hidden.ts";

/** What can be filled in. */
export const MESSAGE_FIELDS = [
  /** The rule's name. */
  "rule",
  /** `seen` or `not seen`. */
  "state",
  /** What the model said at the second look; without one the caption. */
  "seen",
  /** When the rule fired, in local time. */
  "at",
  /** Since when it had held by then, in local time. */
  "since",
  /** For how long. */
  "for",
] as const;

/** What was seen and since when, for either kind of rule, in none of the model's words. */
export const DEFAULT_MESSAGE = "{rule}: {state} since {since}.";

/** Well below what Poke takes (P4), as fields grow when they are filled in. */
export const MAX_MESSAGE_CHARS = 1_000;

const TEXT_MUST = `must be a text of 1 to ${MAX_MESSAGE_CHARS} characters`;
const HIDDEN_MUST = "must hold no control characters but line breaks, and no hidden ones";
const FIELDS_SHOWN = MESSAGE_FIELDS.map((name) => `{${name}}`).join(" ");
const FIELD_MUST = `must hold no fields and braces but ${FIELDS_SHOWN}`;
const FIELD = new RegExp(`\\{(${MESSAGE_FIELDS.join("|")})\\}`, "g");

/** A template as somebody writes it; trimmed when it is read. */
export const MESSAGE = z.string({ error: TEXT_MUST })
  .transform((given) => given.trim().replaceAll("\r\n", "\n"))
  .superRefine((text, context) => {
    const message = problemWith(text);
    if (message) context.addIssue({ code: "custom", message });
  });

function problemWith(text: string): string | null {
  const isText = text.length <= MAX_MESSAGE_CHARS && /[\p{L}\p{N}\p{S}]/u.test(text);
  if (!isText) return TEXT_MUST;
  if (hasHidden(text.replaceAll("\n", ""))) return HIDDEN_MUST;
  return /[{}]/.test(text.replace(FIELD, "")) ? FIELD_MUST : null;
}
