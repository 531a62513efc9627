/**
 * The chunks of a stretch of time, of all sessions of a wearer, in the order in which they were seen.
 *
 * @module
 */
import {
  chunkPrefix,
  type ChunkRecord,
  hasExpired,
  sessionKey,
  type SessionRecord,
  sessionStartPrefix,
} from "../kv/keys.ts";
import type { AnsweredChunk } from "./_turn.ts";

/** Sessions that began earlier than this before the stretch are not looked into. */
const LOOK_BACK_MS = 24 * 60 * 60 * 1000;
/** Of a stretch no more chunks are read: a day of one stream. */
export const MAX_CHUNKS = 90_000;

/** What is known of a chunk. */
export interface PastChunk extends AnsweredChunk {
  readonly outcome: ChunkRecord["outcome"];
}

/** Which. Times are wall time, `toMs` is not included. */
export interface Stretch {
  readonly wearer: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Rejects with KV's own error. */
export async function pastChunks(
  kv: Deno.Kv,
  stretch: Stretch,
  nowMs: number,
): Promise<{ readonly chunks: readonly PastChunk[]; readonly isWhole: boolean }> {
  const { wearer, fromMs, toMs } = stretch;
  const prefix = sessionStartPrefix(wearer);
  const starts = kv.list({
    start: [...prefix, fromMs - LOOK_BACK_MS],
    end: [...prefix, toMs],
  });
  const chunks: PastChunk[] = [];
  for await (const { key } of starts) {
    const { value } = await kv.get<SessionRecord>(sessionKey(wearer, String(key.at(-1))));
    if (!value || hasExpired(value, nowMs)) continue;
    for await (const chunk of chunksOf(kv, value, stretch, nowMs)) {
      if (chunks.push(chunk) > MAX_CHUNKS) {
        return { chunks: sorted(chunks.slice(0, MAX_CHUNKS)), isWhole: false };
      }
    }
  }
  return { chunks: sorted(chunks), isWhole: true };
}

async function* chunksOf(
  kv: Deno.Kv,
  { id, startedAtMs }: SessionRecord,
  { wearer, fromMs, toMs }: Stretch,
  nowMs: number,
): AsyncGenerator<PastChunk, void, void> {
  const entries = kv.list<ChunkRecord>({ prefix: chunkPrefix(wearer, id) }, { batchSize: 500 });
  for await (const { value: { index, startS, endS, outcome, ...stored } } of entries) {
    const startMs = startedAtMs + startS * 1000;
    const endMs = startedAtMs + endS * 1000;
    if (startMs >= toMs) return;
    if (startMs < fromMs || hasExpired(stored, nowMs)) continue;
    yield { session: id, index, startMs, endMs, outcome };
  }
}

function sorted(chunks: PastChunk[]): PastChunk[] {
  return chunks.sort((a, b) => a.endMs - b.endMs);
}
