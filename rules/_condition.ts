/**
 * What a rule looks for, in plain words: one condition about what can be seen, not a message to the
 * model.
 *
 * These shapes keep honest mistakes and plain attempts out; no list of shapes is complete. What makes
 * a rule harmless is elsewhere: the model is asked each condition by itself and answers nothing but
 * how likely yes is, so words that talk it round fire their own rule and no more; what is sent, and
 * where to, stands in the rule and never in an answer.
 *
 * @module
 */
import { z } from "zod";

/** With every chunk go the words of all active rules: twenty of these are about 1,000 tokens. */
export const MAX_CONDITION_CHARS = 200;

const TEXT_MUST = `must be one condition in plain words, 2 to ${MAX_CONDITION_CHARS} characters`;
const LINE_MUST = "must be one line without control characters";
const MARKS_MUST = "must hold no markup: none of < > { } [ ] | ` \\, no ###, ---, ===, ***";
const SENTENCE_MUST = "must be one sentence";
const VISIBLE_MUST = "must say what is to be seen, and not tell the model what to do";

/** All that has no shape on paper, but what joins letters and emoji. */
const INVISIBLE = /(?![\u200c\u200d])\p{C}|[\p{Zl}\p{Zp}]/u;
const MARKUP = /[<>{}[\]|`\\]|([-=#*_~"])\1{2}/;

/** What is said to a model, in English. Tried on folded text. */
const INSTRUCTIONS: readonly RegExp[] = [
  // "Ignore the above"
  /\b(ignore|disregard|forget|override|bypass|discard)\b.*\b(above|below|previous|prior|earlier|before|preceding|instructions?|prompts?|rules?|questions?|everything|frames?|images?|pictures?|that|this|it)\b/,
  // "You are now a pirate", "from now on", "act as root"
  /\byou(r| are| re|'re)? (now|are|must|should|will|shall|have to|need to|can only|an?|task|job|role|instructions?|prompt)\b/,
  /\b(from now on|act as|pretend|role ?-?play|behave (as|like)|as an? (ai|assistant|language model))\b/,
  // "Answer yes", "always say yes"
  /\b(answer|answers|answering|reply|respond|output)\b.*\b(yes|no|true|false|only|with)\b/,
  /\b(say|write|print|return|repeat|confirm|always|just|simply)\W+(yes|no|true|false)\W*$/,
  /\byes or no\b|\b(new|system|developer|hidden|following) (instructions?|prompt|message|mode)\b|\bjailbreak/,
  // "System: ..."
  /\b(system|assistant|user|human|developer|model|ai|instructions?|answer|question)\s*:/,
];

/** A condition as somebody writes it; trimmed and composed when it is read. */
export const CONDITION = z.string({ error: TEXT_MUST })
  .transform((given) => given.trim().normalize("NFC"))
  .superRefine((text, context) => {
    const message = problemWith(text);
    if (message) context.addIssue({ code: "custom", message });
  });

function problemWith(text: string): string | null {
  if (text.length > MAX_CONDITION_CHARS) return TEXT_MUST;
  if (INVISIBLE.test(text)) return LINE_MUST;
  if ((text.match(/\p{L}/gu) ?? []).length < 2) return TEXT_MUST;
  const folded = fold(text);
  if (MARKUP.test(folded)) return MARKS_MUST;
  if (INSTRUCTIONS.some((shape) => shape.test(folded))) return VISIBLE_MUST;
  return [...SENTENCES.segment(text)].length > 1 ? SENTENCE_MUST : null;
}

const SENTENCES = new Intl.Segmenter("en", { granularity: "sentence" });

/** What a reader takes the text for: other widths and styles of letters, accents, joiners. */
function fold(text: string): string {
  return text.normalize("NFKD").replace(/[\p{M}\u200c\u200d]/gu, "").replace(/[’‘]/g, "'")
    .replace(/\s+/g, " ").toLowerCase();
}
