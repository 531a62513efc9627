/**
 * A day block: the blocks of several sessions that are over, put together in one KV value.
 *
 * What was one block stays one **part** with its own time, so a search finds and ranks as if they had
 * never been put together, and a part can be taken out again with all of its words.
 *
 * `words` and `postings` are those of `_block.ts`; runs are numbered through all parts. The numbers
 * of a part are how many runs it has, its first chunk, its start (as the distance to that of the part
 * before), its length, and when it expires (0: never).
 *
 * @module
 */
import type { SearchBlockRecord, SearchDayRecord } from "../../kv/timeline_keys.ts";
import {
  addPosting,
  bytesPerChar,
  decodePostings,
  encodePostings,
  encodeRuns,
  readRuns,
  type Run,
  runsOf,
} from "./_block.ts";
import { NumberReader, putNumber, putSigned } from "./_varints.ts";

/** What was one block of one session. */
export interface Part {
  readonly sessionId: string;
  readonly runCount: number;
  /** Index of its first chunk: with the session it tells a part from all others. */
  readonly first: number;
  readonly startMs: number;
  readonly endMs: number;
  /** Null: kept for good. */
  readonly expiresAtMs: number | null;
}

/** At most so many bytes: an offset has four digits, and of a part only the first run is far away. */
const TERM_CHARS = 6;
const NUMBER_BYTES = 2;
const RUN_BYTES = 8;
const PART_BYTES = 64;

/** A day block that can be added to. */
export class DayDraft {
  readonly parts: Part[];
  readonly runs: Run[];
  /** Term -> numbers of runs, ascending. */
  readonly postings: Map<string, number[]>;
  #chars = 1;
  #perChar = 1;
  #bytes = 0;

  constructor(
    parts: Part[] = [],
    runs: Run[] = [],
    postings: Map<string, number[]> = new Map(),
  ) {
    [this.parts, this.runs, this.postings] = [parts, runs, postings];
    for (const part of parts) this.#bytes += bytesOf(part);
    for (const [term, numbers] of postings) this.#count(term, numbers.length, true);
  }

  /** Adds a block of a session; false: it would take more than `maxBytes` in KV, and is not added. */
  add(sessionId: string, block: SearchBlockRecord, maxBytes: number): boolean {
    const [runs, postings] = [runsOf(block), decodePostings(block)];
    const { runCount, startMs, endMs, expiresAtMs } = block;
    const part = { sessionId, runCount, first: runs[0]!.first, startMs, endMs, expiresAtMs };
    const before = [this.#chars, this.#perChar, this.#bytes] as const;
    this.#bytes += bytesOf(part);
    for (const [term, { length }] of postings) this.#count(term, length, !this.postings.has(term));
    if (this.parts.length > 0 && this.#chars * this.#perChar + this.#bytes > maxBytes) {
      [this.#chars, this.#perChar, this.#bytes] = before;
      return false;
    }
    const offset = this.runs.length;
    this.parts.push(part);
    for (const run of runs) this.runs.push(run);
    for (const [term, numbers] of postings) {
      addPosting(this.postings, term, numbers.map((number) => number + offset));
    }
    return true;
  }

  #count(term: string, numbers: number, isNew: boolean): void {
    this.#bytes += NUMBER_BYTES * numbers;
    if (!isNew) return;
    this.#bytes += NUMBER_BYTES;
    this.#chars += term.length + TERM_CHARS;
    this.#perChar = Math.max(this.#perChar, bytesPerChar(term));
  }
}

function bytesOf({ sessionId, runCount }: Part): number {
  return PART_BYTES + 2 * sessionId.length + RUN_BYTES * runCount;
}

/** Tells parts whose time is over. */
export function isGoneBy(nowMs: number): (part: Part) => boolean {
  return ({ expiresAtMs }) => expiresAtMs !== null && expiresAtMs <= nowMs;
}

/** The day block without some of its parts: none of their words is left. */
export function withoutParts(day: DayDraft, isGone: (part: Part) => boolean): DayDraft {
  const [parts, runs]: [Part[], Run[]] = [[], []];
  /** For each run its new number; -1: it is gone. */
  const renumbered: number[] = [];
  for (const part of day.parts) {
    const isLeft = !isGone(part);
    if (isLeft) parts.push(part);
    for (let left = part.runCount; left > 0; left--) {
      renumbered.push(isLeft ? runs.push(day.runs[renumbered.length]!) - 1 : -1);
    }
  }
  const postings = new Map<string, number[]>();
  for (const [term, numbers] of day.postings) {
    const left = numbers.map((number) => renumbered[number]!).filter((number) => number >= 0);
    if (left.length > 0) postings.set(term, left);
  }
  return new DayDraft(parts, runs, postings);
}

/** The day block as KV holds it; it expires with the last of its parts. */
export function encodeDay({ parts, runs, postings }: DayDraft): SearchDayRecord {
  const [partBytes, runBytes]: [number[], number[]] = [[], []];
  let [at, ms] = [0, 0];
  for (const { runCount, first, startMs, endMs, expiresAtMs } of parts) {
    putNumber(partBytes, runCount);
    putNumber(partBytes, first);
    putSigned(partBytes, startMs - ms);
    putSigned(partBytes, endMs - startMs);
    putNumber(partBytes, expiresAtMs ?? 0);
    for (const byte of encodeRuns(runs.slice(at, at + runCount))) runBytes.push(byte);
    [at, ms] = [at + runCount, startMs];
  }
  return {
    version: 1,
    expiresAtMs: latest(parts),
    sessions: parts.map(({ sessionId }) => sessionId),
    parts: new Uint8Array(partBytes),
    endMs: Math.max(...parts.map(({ endMs }) => endMs)),
    runCount: runs.length,
    runs: new Uint8Array(runBytes),
    ...encodePostings(postings),
  };
}

/** The parts of a day block, in order. */
export function partsOf({ sessions, parts }: SearchDayRecord): Part[] {
  const reader = new NumberReader(parts);
  let ms = 0;
  return sessions.map((sessionId) => {
    const [runCount, first] = [reader.next(), reader.next()];
    const startMs = ms += reader.nextSigned();
    const endMs = startMs + reader.nextSigned();
    const expiresAtMs = reader.next() || null;
    return { sessionId, runCount, first, startMs, endMs, expiresAtMs };
  });
}

/** The runs of a day block, through all parts. */
export function dayRunsOf(parts: readonly Part[], { runs }: SearchDayRecord): Run[] {
  const reader = new NumberReader(runs);
  return parts.flatMap(({ runCount }) => readRuns(reader, runCount));
}

/** The day block in a form that can be added to. */
export function decodeDay(record: SearchDayRecord): DayDraft {
  const parts = partsOf(record);
  return new DayDraft(parts, dayRunsOf(parts, record), decodePostings(record));
}

function latest(parts: readonly Part[]): number | null {
  let latestMs = 0;
  for (const { expiresAtMs } of parts) {
    if (expiresAtMs === null) return null;
    latestMs = Math.max(latestMs, expiresAtMs);
  }
  return latestMs;
}
