/**
 * Reads the timeline, the sessions and their chunks a page at a time.
 *
 * A page ends at a key, and the next one begins behind it: what comes into the books meanwhile moves
 * nothing.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import {
  chunkPrefix,
  type ChunkRecord,
  hasExpired,
  sessionKey,
  type SessionRecord,
  sessionStartPrefix,
  type Stored,
} from "../kv/keys.ts";
import { segmentPrefix, type SegmentRecord } from "../kv/timeline_keys.ts";
import { MAX_SEGMENT_MS } from "./segments.ts";

/** The first and the last moment that JavaScript can name; times outside it are none. */
export const MAX_EPOCH_MS = 8.64e15;
/** Deno KV lists so many at once, at most. */
const MAX_BATCH = 500;
/** Deno KV gets so many values at once, at most. */
const MAX_GET_MANY = 10;

/** Where a page ends: the parts of the last key behind its prefix. */
export type Position = readonly (string | number)[];

/** Which page. */
export interface PageRequest {
  readonly order: "newest" | "oldest";
  readonly limit: number;
  /** Null: the first. */
  readonly after: Position | null;
}

/** A stretch of time, without its end; null: without that bound. */
export interface TimeRange {
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

/** A page, and where the next one begins; null: there is none. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: Position | null;
}

/** The outcome of reading a page: null where `after` is no position that a page of these can end at. */
export type PageOutcome<T> = Page<T> | null;

/** What pages are read from. */
export interface PagesOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
}

/** A part of a list: from the first part `low` (included) to `high` (not included). */
interface Stretch<T> {
  readonly prefix: Deno.KvKey;
  readonly low: number;
  readonly high: number;
  /** What a position looks like. */
  readonly shape: readonly ("string" | "number")[];
  readonly belongs?: (value: T) => boolean;
}

/** Reads pages. Every method rejects with KV's own error. */
export class Pages {
  readonly #kv: Deno.Kv;
  readonly #clock: Clock;

  constructor({ kv, clock }: PagesOptions) {
    this.#kv = kv;
    this.#clock = clock;
  }

  /** Segments that reach into the range, in the order in which they began. */
  segments(
    wearer: string,
    { fromMs, toMs }: TimeRange,
    request: PageRequest,
  ): Promise<PageOutcome<SegmentRecord>> {
    return this.#read<SegmentRecord>({
      prefix: segmentPrefix(wearer),
      low: fromMs === null ? -MAX_EPOCH_MS : fromMs - MAX_SEGMENT_MS,
      high: toMs ?? Infinity,
      shape: ["number", "string", "number"],
      belongs: ({ startedAtMs, endedAtMs }) =>
        fromMs === null || startedAtMs >= fromMs || endedAtMs > fromMs,
    }, request);
  }

  /** Sessions that began in the range, in that order. */
  async sessions(
    wearer: string,
    { fromMs, toMs }: TimeRange,
    request: PageRequest,
  ): Promise<PageOutcome<SessionRecord>> {
    const [low, high] = [fromMs ?? -MAX_EPOCH_MS, toMs ?? Infinity];
    const prefix = sessionStartPrefix(wearer);
    const page = await this.#readKeys({ prefix, low, high, shape: ["number", "string"] }, request);
    if (!page) return null;
    const keys = page.items.map(({ key }) => sessionKey(wearer, key.at(-1) as string));
    const items: SessionRecord[] = [];
    for (let at = 0; at < keys.length; at += MAX_GET_MANY) {
      const found = await this.#kv.getMany<SessionRecord[]>(keys.slice(at, at + MAX_GET_MANY));
      items.push(...found.flatMap(({ value }) => value ? [value] : []));
    }
    return { items, next: page.next };
  }

  /** The chunks of a session, in the order of their index. */
  chunks(
    wearer: string,
    sessionId: string,
    request: PageRequest,
  ): Promise<PageOutcome<ChunkRecord>> {
    const prefix = chunkPrefix(wearer, sessionId);
    return this.#read({ prefix, low: 0, high: Infinity, shape: ["number"] }, request);
  }

  async #read<T extends Stored>(
    stretch: Stretch<T>,
    request: PageRequest,
  ): Promise<PageOutcome<T>> {
    const page = await this.#readKeys(stretch, request);
    return page && { items: page.items.map(({ value }) => value), next: page.next };
  }

  async #readKeys<T extends Stored>(
    stretch: Stretch<T>,
    { order, limit, after }: PageRequest,
  ): Promise<Page<Deno.KvEntry<T>> | null> {
    const { prefix, low, high, belongs = () => true } = stretch;
    if (after && !fits(after, stretch)) return null;
    const isNewest = order === "newest";
    const start = [...prefix, ...!isNewest && after ? after : [low]];
    const end = [...prefix, ...isNewest && after ? after : [high]];
    const options = { reverse: isNewest, batchSize: Math.min(limit + 2, MAX_BATCH) };
    const items: Deno.KvEntry<T>[] = [];
    const nowMs = this.#clock.epochMs();
    for await (const entry of this.#kv.list<T>({ start, end }, options)) {
      const isAfter = after !== null &&
        positionOf(entry, prefix).every((part, at) => part === after[at]);
      if (isAfter || hasExpired(entry.value, nowMs) || !belongs(entry.value)) continue;
      if (items.length === limit) return { items, next: positionOf(items.at(-1)!, prefix) };
      items.push(entry);
    }
    return { items, next: null };
  }
}

function positionOf({ key }: Deno.KvEntry<unknown>, prefix: Deno.KvKey): Position {
  return key.slice(prefix.length) as (string | number)[];
}

/** KV throws at a key that is none, and at a range that runs backwards. */
function fits(after: Position, { shape, low, high }: Stretch<never>): boolean {
  const [first] = after;
  return after.length === shape.length && after.every((part, at) => typeof part === shape[at]) &&
    // For KV, -0 lies before 0.
    typeof first === "number" && first >= low && first < high && !Object.is(first, -0);
}
