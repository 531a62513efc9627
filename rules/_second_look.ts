/**
 * The second look: the rule's question once more, on fresh frames, answered in words.
 *
 * @module
 */
import type { Rule } from "../kv/rule_keys.ts";
import { questionTextOf } from "./question.ts";

/** What became of asking for a second look. */
export type LookAnswer =
  | { readonly kind: "answered"; readonly text: string }
  | { readonly kind: "failed"; readonly reason: string };

/** Asks about frames of the session that are still to come. Resolves always. */
export type SecondLook = (sessionId: string, question: string) => Promise<LookAnswer>;

/** What the second look says of the rule. */
export type SecondOpinion =
  | { readonly kind: "agrees" | "disagrees"; readonly words: string }
  | { readonly kind: "none"; readonly reason: string };

/** As long as an event needs. */
const MAX_WORDS_CHARS = 500;

/** What is asked. */
export function lookQuestionOf({ when }: Pick<Rule, "when">): string {
  return `${
    questionTextOf(when)
  } Begin with yes or no, then say in one short sentence what is seen.`;
}

/** Reads the answer strictly: it must begin with yes or no, else it says nothing. */
export function opinionIn(kind: Rule["kind"], answer: LookAnswer): SecondOpinion {
  if (answer.kind === "failed") return { kind: "none", reason: answer.reason };
  const [, word, rest = ""] = /^[\s"'“*]*(yes|no)\b[\s"'”*.,:;!–—-]*([^]*)$/i.exec(answer.text) ??
    [];
  if (!word) return { kind: "none", reason: "the answer was neither yes nor no" };
  const isSeen = word.toLowerCase() === "yes";
  const words = rest.trim().slice(0, MAX_WORDS_CHARS).toWellFormed();
  return { kind: isSeen === (kind === "seen") ? "agrees" : "disagrees", words };
}
