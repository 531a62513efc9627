/**
 * Reads all that a wearer is found by: the blocks of sessions, and those that were put together.
 *
 * @module
 */
import { hasExpired } from "../../kv/keys.ts";
import {
  type SearchBlockRecord,
  type SearchDayRecord,
  searchPrefix,
  searchRange,
} from "../../kv/timeline_keys.ts";
import { type Run, runsOf, type Terms } from "./_block.ts";
import { dayRunsOf, type Part, partsOf } from "./_day_block.ts";
import type { Turns } from "./_turns.ts";
import { NumberReader } from "./_varints.ts";

/** So many values are made ready at once, at most 2 MiB: meanwhile nobody else has a turn. */
const LIST_BATCH = 32;

/** A part, and where its runs are. */
export interface PlacedPart extends Part {
  /** Number of its first run in the block. */
  readonly from: number;
}

/** A block as a search reads it: of one session, or of several. */
export interface ReadBlock {
  readonly terms: Terms;
  /** What counts of it. */
  readonly parts: readonly PlacedPart[];
  /** All of its runs, by their number. */
  readonly runs: () => readonly Run[];
}

/** What was read. */
export interface Reading {
  readonly blocks: readonly ReadBlock[];
  /** Sessions whose blocks are not put together. */
  readonly looseSessions: number;
}

/**
 * Lists a wearer's blocks that reach into the time from `fromMs` to `toMs`. A block that is being
 * moved may be met in both places (see `searchRange`): it counts once.
 */
export async function readBlocks(
  kv: Deno.Kv,
  { wearer, fromMs, toMs }: { wearer: string; fromMs: number; toMs: number },
  nowMs: number,
  turns: Turns,
): Promise<Reading> {
  const blocks: ReadBlock[] = [];
  const met = new Set<string>();
  const loose = new Set<string>();
  const dayAt = searchPrefix(wearer).length - 1;
  const listed = kv.list<SearchBlockRecord | SearchDayRecord>(searchRange(wearer), {
    batchSize: LIST_BATCH,
  });
  for await (const { key, value } of listed) {
    await turns.pass();
    const isOfDay = key[dayAt] === "search_day";
    if (!isOfDay) loose.add(String(key.at(-2)));
    const block = isOfDay
      ? ofDay(value as SearchDayRecord)
      : ofSession(key, value as SearchBlockRecord);
    const parts = block.parts.filter((part) => {
      const name = `${part.sessionId} ${part.first}`;
      if (met.has(name)) return false;
      met.add(name);
      const isOutside = part.endMs < fromMs || part.startMs > toMs;
      return !isOutside && !hasExpired({ version: 1, ...part }, nowMs);
    });
    if (parts.length > 0) blocks.push({ ...block, parts });
  }
  return { blocks, looseSessions: loose.size };
}

function ofSession(key: Deno.KvKey, block: SearchBlockRecord): ReadBlock {
  const first = new NumberReader(block.runs).next();
  const part = { ...block, sessionId: String(key.at(-2)), first, from: 0 };
  return { terms: block, parts: [part], runs: once(() => runsOf(block)) };
}

function ofDay(record: SearchDayRecord): ReadBlock {
  const all = partsOf(record);
  let from = 0;
  const parts = all.map((part) => {
    const placed = { ...part, from };
    from += part.runCount;
    return placed;
  });
  return { terms: record, parts, runs: once(() => dayRunsOf(all, record)) };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => made ??= make();
}
