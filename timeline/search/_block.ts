/**
 * A block: what a stretch of one session's captions is found by, in one KV value.
 *
 * - A **run** is one caption over one or more chunks: a scene that stands still is described in the
 *   same words for minutes, and is one hit.
 * - `words` is `\n` and then, for each term in the order of the alphabet, the term, `\t`, the offset
 *   of its list in `postings` in base 36, `\n`. A term is a word, or `~` and the stem of words that
 *   are not their own stem. So a search finds a word, and all that begin with it, by halving, and
 *   reads no other.
 * - A list in `postings` is a count and the numbers of the runs, each as its distance to the last.
 *
 * @module
 */
import type { SearchBlockRecord } from "../../kv/timeline_keys.ts";
import { NumberReader, putNumber, putSigned } from "./_varints.ts";

/** Stands before stems, so that they are no words. */
export const STEM_MARK = "~";

const RADIX = 36;

/** One caption, and the chunks that it is the caption of. */
export interface Run {
  /** Indices of chunks in their session. */
  readonly first: number;
  readonly last: number;
  /** Wall time. */
  readonly startMs: number;
  readonly endMs: number;
}

/** A block that can be added to. */
export interface Draft {
  into: number;
  lastCaption: string;
  readonly runs: Run[];
  /** Term -> numbers of runs, ascending. */
  readonly postings: Map<string, number[]>;
}

/** What a block says, in the form that KV holds. */
export type Block = Omit<SearchBlockRecord, "version" | "expiresAtMs">;

/** The part of a block in which words are looked up. */
export type Terms = Pick<Block, "words" | "postings" | "runCount">;

/** A block that holds nothing yet. */
export function emptyDraft(into: number): Draft {
  return { into, lastCaption: "", runs: [], postings: new Map() };
}

/** Adds a run with its terms. */
export function addRun(draft: Draft, run: Run, terms: Iterable<string>): void {
  const number = draft.runs.push(run) - 1;
  for (const term of terms) addPosting(draft.postings, term, [number]);
}

/** Adds the runs of a block that comes later in the same session. */
export function append(draft: Draft, later: Draft): void {
  const offset = draft.runs.length;
  draft.runs.push(...later.runs);
  for (const [term, numbers] of later.postings) {
    addPosting(draft.postings, term, numbers.map((number) => number + offset));
  }
  draft.lastCaption = later.lastCaption;
}

/** Adds numbers behind those that the term has. */
export function addPosting(postings: Map<string, number[]>, term: string, numbers: number[]): void {
  const list = postings.get(term);
  if (list) list.push(...numbers);
  else postings.set(term, numbers);
}

/** The block as KV holds it. */
export function encode({ into, lastCaption, runs, postings }: Draft): Block {
  return {
    into,
    lastCaption,
    startMs: runs[0]?.startMs ?? 0,
    endMs: runs.at(-1)?.endMs ?? 0,
    runCount: runs.length,
    runs: encodeRuns(runs),
    ...encodePostings(postings),
  };
}

/** Terms and their lists as KV holds them. */
export function encodePostings(
  postings: ReadonlyMap<string, readonly number[]>,
): Pick<Block, "words" | "postings"> {
  const bytes: number[] = [];
  let words = "\n";
  for (const term of [...postings.keys()].sort()) {
    const numbers = postings.get(term)!;
    words += `${term}\t${bytes.length.toString(RADIX)}\n`;
    putNumber(bytes, numbers.length);
    let before = 0;
    for (const number of numbers) {
      putNumber(bytes, number - before);
      before = number;
    }
  }
  return { words, postings: new Uint8Array(bytes) };
}

/** Runs of one session as KV holds them. */
export function encodeRuns(runs: readonly Run[]): Uint8Array {
  const bytes: number[] = [];
  let [index, ms] = [0, 0];
  for (const { first, last, startMs, endMs } of runs) {
    putNumber(bytes, first - index);
    putNumber(bytes, last - first);
    putSigned(bytes, startMs - ms);
    putSigned(bytes, endMs - startMs);
    [index, ms] = [last, endMs];
  }
  return new Uint8Array(bytes);
}

/** The runs of a block, in order. */
export function runsOf({ runs, runCount }: Pick<Block, "runs" | "runCount">): Run[] {
  return readRuns(new NumberReader(runs), runCount);
}

/** Reads so many runs of one session. */
export function readRuns(reader: NumberReader, count: number): Run[] {
  const decoded: Run[] = [];
  let [index, ms] = [0, 0];
  while (decoded.length < count) {
    const first = index + reader.next();
    const last = first + reader.next();
    const startMs = ms + reader.nextSigned();
    const endMs = startMs + reader.nextSigned();
    decoded.push({ first, last, startMs, endMs });
    [index, ms] = [last, endMs];
  }
  return decoded;
}

/** The block in a form that can be added to. */
export function decode(block: Block): Draft {
  const { into, lastCaption } = block;
  return { into, lastCaption, runs: runsOf(block), postings: decodePostings(block) };
}

/** Terms and their lists in a form that can be added to. */
export function decodePostings(terms: Pick<Terms, "words" | "postings">): Map<string, number[]> {
  const postings = new Map<string, number[]>();
  for (const line of terms.words.split("\n")) {
    if (line === "") continue;
    const [term, offset] = line.split("\t") as [string, string];
    postings.set(term, listAt(terms, offset));
  }
  return postings;
}

/** Where in `words` the first term begins that is this text or behind it in the alphabet. */
export function firstNotBefore(words: string, text: string): number {
  // Both stand on the first letter of a term, or on the end.
  let [low, high] = [1, words.length];
  while (low < high) {
    const at = words.lastIndexOf("\n", Math.floor((low + high - 1) / 2)) + 1;
    if (words.slice(at, words.indexOf("\t", at)) < text) low = words.indexOf("\n", at) + 1;
    else high = at;
  }
  return low;
}

/** The numbers of the runs in the list at this offset, in base 36. */
export function listAt({ postings }: Pick<Terms, "postings">, offset: string): number[] {
  const reader = new NumberReader(postings, parseInt(offset, RADIX));
  const numbers: number[] = [];
  let number = 0;
  for (let left = reader.next(); left > 0; left--) {
    number += reader.next();
    numbers.push(number);
  }
  return numbers;
}

/** About as many bytes as KV will count: V8 writes text in one byte a letter, or in two. */
export function sizeOf({ words, runs, postings }: Block): number {
  return words.length * bytesPerChar(words) + runs.length + postings.length;
}

/** In how many bytes V8 writes each letter of a text. */
export function bytesPerChar(text: string): 1 | 2 {
  // deno-lint-ignore no-control-regex
  return /[^\x00-\xff]/.test(text) ? 2 : 1;
}
