/**
 * What a firing rests on: which chunks, and what was answered of them.
 *
 * @module
 */
import type { ChunkSpan, Evidence, EvidentAnswer } from "../kv/firing_keys.ts";

/** Of all rules of a wearer this is in one value of KV. */
const MAX_ANSWERS = 5;
const MAX_SPANS = 4;

/** How likely the condition's words are true, by what was answered. */
export function chanceIn({ yes, confidence }: Pick<EvidentAnswer, "yes" | "confidence">): number {
  return yes ? confidence : 1 - confidence;
}

/** What it rests on with one more answer; null: it is the first. */
export function evidenceWith(before: Evidence | null, answer: EvidentAnswer): Evidence {
  const count = before?.answerCount ?? 0;
  const mean = before?.meanChance ?? 0;
  return {
    chunks: spansWith(before?.chunks ?? [], answer),
    answerCount: count + 1,
    meanChance: (mean * count + chanceIn(answer)) / (count + 1),
    answers: [...before?.answers ?? [], answer].slice(-MAX_ANSWERS),
  };
}

function spansWith(spans: readonly ChunkSpan[], { session, index }: EvidentAnswer): ChunkSpan[] {
  const at = spans.findIndex((span) => span.session === session);
  if (at < 0) return [...spans, { session, first: index, last: index }].slice(-MAX_SPANS);
  return spans.map((span, other) => other === at ? { ...span, last: index } : span);
}
