/**
 * Writes what captions are found by, in the commit that writes the chunk.
 *
 * A session has one open block, which each caption rewrites. When it is full it is added to the
 * session's last large block, or becomes the next one, and an empty one takes its place. So a caption
 * costs one small read and one small write, and a hundred thousand captions are some hundred values.
 *
 * Nothing is kept in memory: each chunk goes on from what KV holds. That makes it safe to call again,
 * whether or not the commit before went through, and on another process that takes the session over
 * (the commit checks the owner, so what was read is still what is there).
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Clock } from "../../clock.ts";
import type { ChunkFacts, SessionFacts } from "../../kv/keys.ts";
import { searchBlockKey, type SearchBlockRecord } from "../../kv/timeline_keys.ts";
import type { Alongside } from "../../kv/session_writer.ts";
import {
  addRun,
  append,
  type Block,
  decode,
  type Draft,
  emptyDraft,
  encode,
  type Run,
  sizeOf,
  STEM_MARK,
} from "./_block.ts";
import { wordsOf } from "./_words.ts";

/** The open block is rewritten with each caption: small enough to cost little. */
const MAX_OPEN_RUNS = 64;
const MAX_OPEN_BYTES = 8 * 1024;
/** KV holds 64 KiB in a value; the rest is for what else the record says. */
const MAX_BLOCK_BYTES = 56 * 1024;
/** Of a caption so many different words are indexed: the model's longest is 16,384 characters. */
const MAX_CAPTION_WORDS = 200;
/** The same caption after a longer time is another hit. */
const MAX_GAP_MS = 30_000;

/** What {@link createSearchIndexer} needs. */
export interface SearchIndexerOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  /** Hears of whom a session has its first caption: time to look after those before. */
  readonly begun?: (wearer: string) => void;
}

/** What comes into the books with each chunk so that its caption is found. */
export function createSearchIndexer({ kv, clock, begun }: SearchIndexerOptions): Alongside {
  return async (commit, session, chunk, keptForMs) => {
    if (chunk.outcome.status !== "captioned") return;
    const { caption } = chunk.outcome;
    const terms = termsOf(caption);
    if (terms.size === 0) return;
    const { wearer, id } = session;
    const keyOf = (place: number | "open") => searchBlockKey(wearer, id, place);
    const expiresAtMs = keptForMs === Infinity ? null : clock.epochMs() + keptForMs;
    const set = (key: Deno.KvKey, block: Block) => {
      const record: SearchBlockRecord = { ...block, version: 1, expiresAtMs };
      commit.set(key, record, keptForMs === Infinity ? {} : { expireIn: keptForMs });
    };
    const { value } = await kv.get<SearchBlockRecord>(keyOf("open"));
    if (!value) begun?.(wearer);
    const open = value ? decode(value) : emptyDraft(chunk.index);
    const run = { first: chunk.index, last: chunk.index, ...timesOf(session, chunk) };
    const hash = hashOf(caption);
    if (extendRun(open, run, hash)) return set(keyOf("open"), encode(open));
    let next = open;
    if (value && isFull(open, value)) {
      const large = await withOpen(kv, keyOf, open);
      set(keyOf(large.into), large);
      next = emptyDraft(large.into);
    }
    addRun(next, run, terms);
    next.lastCaption = hash;
    set(keyOf("open"), encode(next));
  };
}

/** The session's last large block with the open one added, or the open one as the next large block. */
async function withOpen(
  kv: Deno.Kv,
  keyOf: (place: number) => Deno.KvKey,
  open: Draft,
): Promise<Block> {
  const { value } = await kv.get<SearchBlockRecord>(keyOf(open.into));
  if (value) {
    const large = decode(value);
    append(large, open);
    const encoded = encode(large);
    if (sizeOf(encoded) <= MAX_BLOCK_BYTES) return encoded;
  }
  return encode({ ...open, into: open.runs[0]!.first });
}

/** Makes the last run longer if it says the same; the same chunk again changes nothing. */
function extendRun(open: Draft, { last, startMs, endMs }: Run, hash: string): boolean {
  const newest = open.runs.at(-1);
  if (!newest) return false;
  if (open.lastCaption !== hash || startMs - newest.endMs > MAX_GAP_MS) return false;
  open.runs[open.runs.length - 1] = { ...newest, last, endMs };
  return true;
}

function isFull(open: Draft, stored: Block): boolean {
  return open.runs.length >= MAX_OPEN_RUNS || sizeOf(stored) >= MAX_OPEN_BYTES;
}

function termsOf(caption: string): Set<string> {
  const terms = new Set<string>();
  let count = 0;
  for (const { text, stem } of wordsOf(caption)) {
    if (terms.has(text)) continue;
    if (count++ === MAX_CAPTION_WORDS) break;
    terms.add(text);
    if (stem !== text) terms.add(STEM_MARK + stem);
  }
  return terms;
}

/** When the chunk was seen: the session's clock goes on with the wall's, also over a reconnect. */
function timesOf({ startedAtMs }: SessionFacts, { startS, endS }: ChunkFacts) {
  return {
    startMs: Math.round(startedAtMs + startS * 1000),
    endMs: Math.round(startedAtMs + endS * 1000),
  };
}

function hashOf(caption: string): string {
  return createHash("sha256").update(caption).digest("base64").slice(0, 16);
}
