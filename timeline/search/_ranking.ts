/**
 * Which runs come first.
 *
 * A run's score is the sum over the words of the search, each by how rare it is (BM25's idf) and how
 * well it was found; times the share of the words that it has, so that two words together stand above
 * a rare one alone; times a little more for what is recent. Unlike BM25, how often a caption has a
 * word and how long it is do not count: captions are one or two sentences.
 *
 * @module
 */
import type { PlacedPart, ReadBlock } from "./_reading.ts";
import type { Turns } from "./_turns.ts";

/** How much more a caption of this moment counts than one of long ago. */
export const RECENCY_BOOST = 0.5;
/** A caption of this age has half of that left. */
export const RECENCY_HALF_LIFE_MS = 3 * 24 * 60 * 60 * 1000;

/** So many of the best are looked up at most: those whose chunk is gone make way for others. */
const MAX_CANDIDATES = 1000;

/** A block, and for each word of the search what was found of it there. */
export interface Found {
  readonly block: ReadBlock;
  readonly weights: readonly (Float32Array | null)[];
  /** Whether the run lies in the time that is asked for; null: all of them do. */
  readonly isWithin: readonly boolean[] | null;
}

/** A run that may become a hit. */
export interface Candidate {
  readonly block: ReadBlock;
  readonly part: PlacedPart;
  /** Its number in the block. */
  readonly run: number;
  readonly score: number;
}

/** The best runs, best first; of equals the newest. */
export async function rank(
  all: readonly Found[],
  nowMs: number,
  turns: Turns,
): Promise<Candidate[]> {
  const runCount = all.reduce((sum, { block }) => sum + block.terms.runCount, 0);
  const wordCount = all[0]?.weights.length ?? 0;
  const rarity: number[] = [];
  while (rarity.length < wordCount) {
    await turns.pass();
    rarity.push(idf(all, rarity.length, runCount));
  }
  let best: Candidate[] = [];
  let least = 0;
  for (const found of all) {
    if (found.weights.every((weights) => weights === null)) continue;
    await turns.pass();
    for (const candidate of candidatesOf(found, rarity, nowMs)) {
      if (candidate.score < least) continue;
      best.push(candidate);
      if (best.length < 4 * MAX_CANDIDATES) continue;
      best = best.sort(byRank).slice(0, MAX_CANDIDATES);
      least = best.at(-1)!.score;
    }
  }
  return best.sort(byRank).slice(0, MAX_CANDIDATES);
}

function* candidatesOf(
  found: Found,
  rarity: readonly number[],
  nowMs: number,
): Generator<Candidate, void> {
  const { block, isWithin } = found;
  for (const part of block.parts) {
    const recency = recencyOf(part, nowMs);
    for (let run = part.from; run < part.from + part.runCount; run++) {
      const score = recency * scoreOf(found, run, rarity);
      if (score > 0 && isWithin?.[run] !== false) yield { block, part, run, score };
    }
  }
}

function scoreOf({ weights }: Found, run: number, rarity: readonly number[]): number {
  let sum = 0;
  let count = 0;
  for (let word = 0; word < weights.length; word++) {
    const weight = weights[word]?.[run] ?? 0;
    if (weight === 0) continue;
    sum += weight * rarity[word]!;
    count++;
  }
  return sum * count / weights.length;
}

/** How rare a word is: ln(1 + (N - n + 0.5) / (n + 0.5)), n of N runs having it. */
function idf(all: readonly Found[], word: number, runCount: number): number {
  let having = 0;
  for (const { weights } of all) {
    for (const weight of weights[word] ?? []) if (weight > 0) having++;
  }
  return Math.log(1 + (runCount - having + 0.5) / (having + 0.5));
}

/** A part is minutes to hours long, so its runs are of one age here. */
function recencyOf({ endMs }: PlacedPart, nowMs: number): number {
  const ageMs = Math.max(0, nowMs - endMs);
  return 1 + RECENCY_BOOST * 2 ** (-ageMs / RECENCY_HALF_LIFE_MS);
}

function byRank(one: Candidate, other: Candidate): number {
  return other.score - one.score || other.part.endMs - one.part.endMs ||
    (other.run - other.part.from) - (one.run - one.part.from);
}
