/**
 * A wearer's month in a database: many sessions, each chunk with a caption.
 *
 * @module
 */
import { systemClock } from "../clock.ts";
import type { ChunkFacts, LiveSession } from "../kv/keys.ts";
import type { Alongside } from "../kv/session_writer.ts";
import { createSessionStore } from "../kv/sessions.ts";

const RETENTION_DAYS = 30;
const MONTH_MS = 29 * 24 * 60 * 60 * 1000;
/** Minutes in which somebody looks for the keys, and afternoons. */
export const CHUNKS_PER_SESSION: readonly number[] = [20, 60, 200, 600, 1500];
/** Writers at once: KV waits for the disk. */
const WRITERS = 4;

export const WEARER = "bench";

/** What is written. */
export interface Books {
  readonly kv: Deno.Kv;
  readonly captionCount: number;
  /** Each session has one of these lengths. */
  readonly chunksPerSession: readonly number[];
  readonly nextCaption: () => string;
  readonly random: () => number;
  readonly alongside: readonly Alongside[];
}

/** Writes all captions as streams would, one commit a chunk. Returns how many sessions that took. */
export async function writeBooks(books: Books): Promise<number> {
  const { kv, captionCount, chunksPerSession, random, alongside } = books;
  const clock = systemClock;
  const store = createSessionStore({ kv, clock, retentionDays: RETENTION_DAYS, alongside });
  const lengths: number[] = [];
  for (let left = captionCount; left > 0;) {
    const length = chunksPerSession[Math.floor(random() * chunksPerSession.length)]!;
    lengths.push(Math.min(length, left));
    left -= length;
  }
  const startMs = clock.epochMs() - MONTH_MS;
  let next = 0;
  const write = async () => {
    for (let at = next++; at < lengths.length; at = next++) {
      const session = sessionAt(at, startMs + (at / lengths.length) * MONTH_MS);
      const writer = store.begin(session);
      for (let index = 0; index < lengths[at]!; index++) {
        const counted = { ...session, chunkCount: index + 1, captionCount: index + 1 };
        await writer.write(counted, chunkAt(session.id, index, books.nextCaption()));
      }
      const endedAtMs = session.startedAtMs + lengths[at]! * 1000;
      const over = { status: "ended", endedAtMs, closeCode: 1000, reason: "bye" } as const;
      await writer.write({ ...session, ...over, chunkCount: lengths[at]! });
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  return lengths.length;
}

function sessionAt(at: number, startedAtMs: number): LiveSession {
  return {
    id: `session-${at}-00000000-0000-0000-0000`,
    wearer: WEARER,
    owner: "bench",
    resume: null,
    prompt: "Describe what is to be seen.",
    accounted: { frame: 0, atS: 0 },
    status: "live",
    startedAtMs: Math.round(startedAtMs),
    lastFrameAtMs: null,
    frameCount: 0,
    byteCount: 0,
    chunkCount: 0,
    captionCount: 0,
    errorCount: 0,
    identity: null,
  };
}

function chunkAt(sessionId: string, index: number, caption: string): ChunkFacts {
  return {
    sessionId,
    index,
    startS: index,
    endS: index + 1,
    recordedAtMs: systemClock.epochMs(),
    lastFrame: index * 3,
    capturedAtMs: null,
    frameCount: 3,
    byteCount: 150_000,
    sentFrameCount: 3,
    outcome: { status: "captioned", caption, latencyMs: 300, tokensGenerated: 20, model: "bench" },
  };
}
