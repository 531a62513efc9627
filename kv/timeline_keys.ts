/**
 * The part of the data model (`keys.ts`) that is made of chunks: segments, the order in which they
 * changed, and what they are found by.
 *
 * @module
 */
import { type Stored, wearerPrefix } from "./keys.ts";

const MS_PER_DAY = 24 * 60 * 60 * 1000;

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

/** The blocks of a session, or of all sessions of a wearer, that are not put together yet. */
export function searchPrefix(wearer: string, sessionId?: string): Deno.KvKey {
  const all = [...wearerPrefix(wearer), "search"];
  return sessionId === undefined ? all : [...all, sessionId];
}

/**
 * What several sessions are found by that are over: their blocks put together, so that many short
 * sessions are few values. All of them began on the same day; when their last captions were, and
 * their `expiresAtMs`, lie within a day, and the record's own are the latest of them. Only `timeline/search/_day_block.ts` reads inside.
 */
export interface SearchDayRecord extends Stored {
  /** For each of the blocks that were put together, the session that it was of. */
  readonly sessions: readonly string[];
  /** What else is known of each of them. */
  readonly parts: Uint8Array;
  /** When the last of their captions was (wall time): by then all of it is past. */
  readonly endMs: number;
  readonly runCount: number;
  readonly runs: Uint8Array;
  readonly words: string;
  readonly postings: Uint8Array;
}

/**
 * Holds a {@link SearchDayRecord}.
 *
 * @param dayMs when the day began on which the sessions did; see {@link dayOf}
 * @param place from 0: as many as it takes
 */
export function searchDayKey(wearer: string, dayMs: number, place: number): Deno.KvKey {
  return [...searchDayPrefix(wearer, dayMs), place];
}

/** What the sessions of a day, or of all days, are found by that are over. */
export function searchDayPrefix(wearer: string, dayMs?: number): Deno.KvKey {
  const all = [...wearerPrefix(wearer), "search_day"];
  return dayMs === undefined ? all : [...all, dayMs];
}

/**
 * All that a wearer is found by: the sessions' own blocks first, then those of the days. What moves
 * from the former to the latter while it is being listed is met twice at most, and never missed.
 */
export function searchRange(wearer: string): Deno.KvListSelector {
  return { start: searchPrefix(wearer), end: [...searchDayPrefix(wearer), Infinity] };
}

/** When the day began (in UTC) in which this moment lies. */
export function dayOf(epochMs: number): number {
  return Math.floor(epochMs / MS_PER_DAY) * MS_PER_DAY;
}
