/**
 * Finds what a wearer has seen by the words of the captions.
 *
 * Reads all of the wearer's blocks (see `_reading.ts`), in one listing, and of the chunks only those of
 * the hits.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { chunkKey, type ChunkRecord, hasExpired } from "../../kv/keys.ts";
import type { Terms } from "./_block.ts";
import { Sought } from "./_matching.ts";
import { type Candidate, type Found, rank } from "./_ranking.ts";
import { type ReadBlock, readBlocks } from "./_reading.ts";
import { Turns } from "./_turns.ts";
import { type Word, wordsOf } from "./_words.ts";

/** More sessions than these are read faster when their blocks have been put together. */
const MAX_LOOSE_SESSIONS = 32;
/** KV reads so many keys at once. */
const MAX_KEYS_READ = 10;

/** A word of the search in a caption. */
export interface Match {
  /** As the search has it. */
  readonly word: string;
  /** Where the caption has it, in UTF-16 units; `to` is behind it. */
  readonly from: number;
  readonly to: number;
}

/** A scene that was found: one caption, and the chunks in a row that have it. */
export interface Hit {
  readonly session: string;
  /** Indices of the chunks in their session, both included. */
  readonly chunks: { readonly first: number; readonly last: number };
  /** UTC, ISO 8601. */
  readonly started_at: string;
  readonly ended_at: string;
  readonly caption: string;
  /** Compares the hits of one search, and nothing else. */
  readonly score: number;
  readonly matched: readonly Match[];
}

/** What is looked for. */
export interface SearchRequest {
  readonly wearer: string;
  /** As {@link soughtIn} reads them: at least one. */
  readonly words: readonly Sought[];
  readonly limit: number;
  /** Wall time; only what was seen between. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** What {@link createSearch} needs. */
export interface SearchOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  /** Hears of whom a search met many blocks that could be put together. */
  readonly crowded?: (wearer: string) => void;
}

/** The best hits, best first. Rejects with KV's own error. */
export type Search = (request: SearchRequest) => Promise<Hit[]>;

/** The words of a search, each once; empty if it has none that says something. */
export function soughtIn(text: string): Sought[] {
  const byText = new Map<string, Word>();
  for (const word of wordsOf(text)) if (!byText.has(word.text)) byText.set(word.text, word);
  return [...byText.values()].map((word) => new Sought(word, text.slice(word.from, word.to)));
}

/** Opens the search; it holds nothing of its own. */
export function createSearch({ kv, clock, crowded = () => {} }: SearchOptions): Search {
  return async (request) => {
    const nowMs = clock.epochMs();
    const turns = new Turns(clock);
    const { blocks, looseSessions } = await readBlocks(kv, request, nowMs, turns);
    if (looseSessions > MAX_LOOSE_SESSIONS) crowded(request.wearer);
    const candidates = await rank(await find(blocks, request, turns), nowMs, turns);
    return await hitsOf(kv, request, candidates, nowMs);
  };
}

/** What each block has of each word; a word that none of them has may have been mistaken. */
async function find(
  blocks: readonly ReadBlock[],
  { words, fromMs, toMs }: SearchRequest,
  turns: Turns,
): Promise<Found[]> {
  const perWord: (Float32Array | null)[][] = [];
  for (const word of words) {
    let found = await inAll(blocks, (terms) => word.find(terms), turns);
    if (!found.some(Boolean)) {
      found = await inAll(blocks, (terms) => word.findMistaken(terms), turns);
    }
    perWord.push(found);
  }
  return blocks.map((block, at) => {
    const isAllWithin = block.parts.every(({ startMs, endMs }) =>
      startMs >= fromMs && endMs <= toMs
    );
    const isWithin = isAllWithin
      ? null
      : block.runs().map(({ startMs, endMs }) => endMs >= fromMs && startMs <= toMs);
    return { block, weights: perWord.map((found) => found[at]!), isWithin };
  });
}

async function inAll<T>(
  blocks: readonly ReadBlock[],
  look: (terms: Terms) => T,
  turns: Turns,
): Promise<T[]> {
  const all: T[] = [];
  for (const { terms } of blocks) {
    all.push(look(terms));
    await turns.pass();
  }
  return all;
}

/** Looks up the best until there are enough: a chunk may be gone before its words are. */
async function hitsOf(
  kv: Deno.Kv,
  { wearer, words, limit }: SearchRequest,
  candidates: readonly Candidate[],
  nowMs: number,
): Promise<Hit[]> {
  const hits: Hit[] = [];
  for (let at = 0; at < candidates.length && hits.length < limit; at += limit) {
    const batch = candidates.slice(at, at + limit);
    const chunks = await readAll(kv, batch.map((candidate) => lastChunkKey(wearer, candidate)));
    for (const [place, candidate] of batch.entries()) {
      const chunk = chunks[place];
      if (!chunk || hasExpired(chunk, nowMs) || chunk.outcome.status !== "captioned") continue;
      hits.push(hitOf(candidate, chunk.outcome.caption, words));
    }
  }
  return hits.slice(0, limit);
}

function lastChunkKey(wearer: string, { block, part, run }: Candidate): Deno.KvKey {
  return chunkKey(wearer, part.sessionId, block.runs()[run]!.last);
}

async function readAll(kv: Deno.Kv, keys: readonly Deno.KvKey[]): Promise<(ChunkRecord | null)[]> {
  const parts: Promise<(ChunkRecord | null)[]>[] = [];
  for (let at = 0; at < keys.length; at += MAX_KEYS_READ) {
    const part = kv.getMany<ChunkRecord[]>(keys.slice(at, at + MAX_KEYS_READ));
    parts.push(part.then((entries) => entries.map(({ value }) => value)));
  }
  return (await Promise.all(parts)).flat();
}

function hitOf(
  { block, part, run, score }: Candidate,
  caption: string,
  words: readonly Sought[],
): Hit {
  const { first, last, startMs, endMs } = block.runs()[run]!;
  return {
    session: part.sessionId,
    chunks: { first, last },
    started_at: new Date(startMs).toISOString(),
    ended_at: new Date(endMs).toISOString(),
    caption,
    score: Math.round(score * 1000) / 1000,
    matched: matchesOf(caption, words),
  };
}

/** Where the caption has the words; each of its own words stands for the one that it is most like. */
function matchesOf(caption: string, words: readonly Sought[]): Match[] {
  return wordsOf(caption).flatMap((word) => {
    const [best] = words.map((sought) => ({ sought, weight: sought.rate(word) }))
      .filter(({ weight }) => weight > 0)
      .sort((one, other) => other.weight - one.weight);
    return best ? [{ word: best.sought.label, from: word.from, to: word.to }] : [];
  });
}
