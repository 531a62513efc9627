/**
 * What a rule looks for, in plain words: one condition about what can be seen, not a message to the
 * model.
 *
 * These shapes keep honest mistakes and plain attempts in English out; no list of shapes is complete.
 * What makes a rule harmless is elsewhere: the model is asked each condition by itself and answers
 * nothing but how likely yes is, so words that talk it round fire their own rule and no more; what is
 * sent, and where to, stands in the rule. (Its author may have the model's words in it, `{seen}`.)
 *
 * @module
 */
import { z } from "zod";
import { hasHidden, withoutJoiners } from "./_hidden.ts";

/** With every chunk go the words of all active rules: twenty of these are about 1,000 tokens. */
export const MAX_CONDITION_CHARS = 200;

const TEXT_MUST = `must be one condition in plain words, 2 to ${MAX_CONDITION_CHARS} characters`;
const LINE_MUST = "must be one line without control characters and other hidden ones";
const MARKS_MUST = "must hold no markup: none of < > { } [ ] | ` \\ and no ###, ---, ===, ***";
const SENTENCE_MUST = "must be one sentence";
const VISIBLE_MUST = "must say what is to be seen, and not tell the model what to do";

const MARKUP = /[<>{}[\]|`\\]|([-=#*_~"'])\1{2}/;

/** What is said to models. Tried on folded text. */
const INSTRUCTIONS: readonly RegExp[] = [
  // "Ignore the above", "forget all rules"
  /\b(ignore|disregard|forget|override|discard)\b.*\b(above|below|previous|prior|earlier|preceding|instructions?|prompts?|rules?|questions?|everything|frames?|images?|pictures?|you)\b/,
  /\b(ignore|disregard|forget|override|discard) all\b/,
  // "You are now a pirate", "your task is", "from now on"
  /\byou( are|'re| re)? (now|must|should|will|shall|have to|need to)\b|\byou( are|'re| re) an?\b/,
  /\byour (task|job|role|goal|instructions?|prompt|answers?|reply)\b/,
  /\b(from now on|act as|pretend|role ?-?play|behave (as|like)|as an? (ai|assistant|language model))\b/,
  // "Answer yes", "reply only with", "always say yes"
  /\b(answer|answers|answering|reply|respond|output)\W+(with|only|in)\b/,
  /\b(answer|answers|answering|reply|respond|output)\W+(\w+\W+){0,3}(yes|true|false|no\W*$)/,
  /\b(say|write|print|return|repeat|confirm|always|just|simply)\W+(yes|no|true|false)\W*$/,
  /\byes or no\b|\bsystem prompt\b|\b(developer|god|admin) mode\b|\bnew instructions\b|\bjailbreak/,
  // "System: ..."
  /\b(system|assistant|user|human|developer|model|ai|instructions?|question|answer)\s*:/,
];

const SENTENCES = new Intl.Segmenter("en", { granularity: "sentence" });

/** A condition as somebody writes it; trimmed and composed when it is read. */
export const CONDITION = z.string({ error: TEXT_MUST })
  .transform((given) => given.trim().normalize("NFC"))
  .superRefine((text, context) => {
    const message = problemWith(text);
    if (message) context.addIssue({ code: "custom", message });
  });

function problemWith(text: string): string | null {
  if (text.length > MAX_CONDITION_CHARS) return TEXT_MUST;
  if (hasHidden(text)) return LINE_MUST;
  if ((text.match(/\p{L}/gu) ?? []).length < 2) return TEXT_MUST;
  const folded = fold(text);
  if (MARKUP.test(folded)) return MARKS_MUST;
  if (INSTRUCTIONS.some((shape) => shape.test(folded))) return VISIBLE_MUST;
  return [...SENTENCES.segment(text)].length > 1 ? SENTENCE_MUST : null;
}

/** As it is read out: without the widths and styles of letters, accents and joiners. */
function fold(text: string): string {
  return withoutJoiners(text).normalize("NFKD").replace(/\p{M}/gu, "").replace(/[’‘]/g, "'")
    .replace(/\s+/g, " ").toLowerCase();
}
