/**
 * What a rule's message is made of: words, and fields that are filled in when it fires.
 *
 * @module
 */
import { z } from "zod";

/** What each field will stand for. */
export const MESSAGE_FIELDS = {
  rule: "the rule's name",
  state: "`seen` or `not seen`",
  seen: "what the second look said, or the caption where there is none",
  at: "when the rule fired, local time",
  since: "since when it held, local time",
  for: "how long it held",
} as const;

/** Says what was seen and when, for either kind of rule, in words of ours alone. */
export const DEFAULT_MESSAGE = "{rule}: {state} since {since}.";

/** Well below what Poke takes (P4), as fields grow. */
export const MAX_MESSAGE_CHARS = 1_000;

const TEXT_MUST = `must be a text of 1 to ${MAX_MESSAGE_CHARS} characters`;
const CONTROL_MUST = "must hold no control characters but line breaks";
const NAMES = Object.keys(MESSAGE_FIELDS).map((name) => `{${name}}`).join(" ");
const FIELD_MUST = `must hold no fields and braces but ${NAMES}`;

const FIELD = /\{([a-z]+)\}/g;

/** A template as somebody writes it. */
export const MESSAGE = z.string({ error: TEXT_MUST })
  .transform((given) => given.trim())
  .superRefine((text, context) => {
    const message = problemWith(text);
    if (message) context.addIssue({ code: "custom", message });
  });

function problemWith(text: string): string | null {
  if (text.length > MAX_MESSAGE_CHARS || !/[\p{L}\p{N}\p{S}]/u.test(text)) return TEXT_MUST;
  if (/(?![\n\u200c\u200d])[\p{C}]/u.test(text)) return CONTROL_MUST;
  const rest = text.replace(
    FIELD,
    (whole, name) => Object.hasOwn(MESSAGE_FIELDS, name) ? "" : whole,
  );
  return /[{}]/.test(rest) ? FIELD_MUST : null;
}
