/**
 * What a firing rests on, as clients see it.
 *
 * @module
 */
import type { Evidence } from "../kv/firing_keys.ts";

/** Which chunks, and what was answered of them. */
export function evidenceView({ chunks, answerCount, meanChance, answers }: Evidence) {
  const mean_chance = Math.round(meanChance * 1000) / 1000;
  return { chunks, answers: { count: answerCount, mean_chance, last: answers } };
}
