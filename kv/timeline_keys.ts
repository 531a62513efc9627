/**
 * The part of the data model (`keys.ts`) that is made of chunks: segments, the order in which they
 * changed, and what they are found by.
 *
 * @module
 */
import { type Stored, wearerPrefix } from "./keys.ts";

/** A stretch of time in which a session's captions said the same. */
export interface Segment {
  readonly id: string;
  readonly wearer: string;
  readonly session: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** What the first of its chunks said; the others said the same. */
  readonly caption: string;
  readonly chunkCount: number;
  /** Its first and its last chunk; those between that failed do not count. */
  readonly firstIndex: number;
  readonly lastIndex: number;
}

/** One segment, as stored. */
export type SegmentRecord = Segment & Stored;

/**
 * Which segment a commit began or extended: one for each segment, under the versionstamp of the last
 * commit that changed it. So in the order of their keys these are what a watcher has to be told.
 */
export interface SegmentChangeRecord extends Stored {
  readonly startedAtMs: number;
  readonly session: string;
  readonly firstIndex: number;
}

/** Holds a {@link SegmentRecord}. */
export function segmentKey(
  wearer: string,
  { startedAtMs, session, firstIndex }: Pick<Segment, "startedAtMs" | "session" | "firstIndex">,
): Deno.KvKey {
  return [...segmentPrefix(wearer), startedAtMs, session, firstIndex];
}

/** All segments of a wearer, in the order in which they began. */
export function segmentPrefix(wearer: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "segment"];
}

/** Holds the {@link SegmentRecord} of a session that may still be extended. */
export function segmentTailKey(wearer: string, sessionId: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "segment_tail", sessionId];
}

/**
 * Holds a {@link SegmentChangeRecord}.
 *
 * @param at a versionstamp; the symbol of `kv.commitVersionstamp()`: that of the commit itself
 */
export function segmentChangeKey(wearer: string, at: string | symbol): Deno.KvKey {
  return [...segmentChangePrefix(wearer), at];
}

/** What changed in a wearer's timeline, in the order of the commits. */
export function segmentChangePrefix(wearer: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "segment_change"];
}

/**
 * The words of a stretch of one session's captions; only `timeline/search/_block.ts` reads inside.
 * They lie in the value and not in the key, since keys hold no personal text.
 */
export interface SearchBlockRecord extends Stored {
  /** Index of the chunk under which the block lies when it is no longer the open one. */
  readonly into: number;
  /** The wall time that its captions span. */
  readonly startMs: number;
  readonly endMs: number;
  readonly runCount: number;
  readonly runs: Uint8Array;
  readonly words: string;
  readonly postings: Uint8Array;
  /** Hash of the newest caption: the same again makes the run longer. */
  readonly lastCaption: string;
}

/** Holds a {@link SearchBlockRecord}: of a session one is open, the others are full or nearly so. */
export function searchBlockKey(
  wearer: string,
  sessionId: string,
  place: number | "open",
): Deno.KvKey {
  return [...searchPrefix(wearer, sessionId), place];
}

/** All that a session, or all sessions of a wearer, are found by. */
export function searchPrefix(wearer: string, sessionId?: string): Deno.KvKey {
  const all = [...wearerPrefix(wearer), "search"];
  return sessionId === undefined ? all : [...all, sessionId];
}
