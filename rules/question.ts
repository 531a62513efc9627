/**
 * A rule's condition as a question to a model (SPEC R4).
 *
 * @module
 */
import type { Question } from "../inference/client.ts";
import type { Rule } from "../kv/rule_keys.ts";

/** What is asked for a rule, and which rule an answer is for. */
export interface AskedRule {
  readonly ruleId: string;
  /** The rule's version when it was asked: an answer to other words is none to these. */
  readonly version: number;
}

/** How people begin when they say what they want to be told of; it is not to be seen. */
const BEGINNINGS: readonly RegExp[] = [
  /^(please|pls|can you|could you|would you)\b[\s,]*/i,
  /^(tell|let|warn|alert|notify|inform|remind|text|message|ping)\s+(me|us|my \p{L}+|him|her|them)(\s+know)?\s+(?=(when|if|once|as soon as|in case|that)\b)/iu,
  /^(when(ever)?|if|once|as soon as|in case|that)\s+/i,
];

/** What the answer to a rule's question is known by. */
export function questionIdOf({ id, version }: Pick<Rule, "id" | "version">): string {
  return `${id}.${version}`;
}

/** The question that stands for a rule among those that go with each chunk. */
export function questionOf(rule: Pick<Rule, "id" | "version" | "when">): Question {
  return { id: questionIdOf(rule), text: questionTextOf(rule.when) };
}

/** One yes/no question of a condition; the condition itself stands in it as a quotation. */
export function questionTextOf(when: string): string {
  const seen = BEGINNINGS.reduce((text, beginning) => text.replace(beginning, "") || text, when);
  const quoted = seen.replace(/[\s.!?…]+$/, "").replace(/["“”„«»]/g, "'") || "'";
  return `Can this be seen: "${quoted}"?`;
}

/** Whether the question was about the rule's condition as it is now, whatever else was changed since. */
export function answersRule(
  questionId: string,
  { id, version, whenVersion = 1 }: Pick<Rule, "id" | "version" | "whenVersion">,
): boolean {
  const asked = askedRuleOf(questionId);
  return asked?.ruleId === id && asked.version >= whenVersion && asked.version <= version;
}

/** The rule that an answer is for. Null: it was asked by somebody else. */
export function askedRuleOf(questionId: string): AskedRule | null {
  const [, ruleId, version] = /^(.+)\.(\d+)$/.exec(questionId) ?? [];
  return ruleId === undefined ? null : { ruleId, version: Number(version) };
}
