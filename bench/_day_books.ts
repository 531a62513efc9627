/**
 * Writes a day into the books as streams do: one commit for each chunk, with the session, the index
 * and the timeline in it.
 *
 * @module
 */
import { systemClock } from "../clock.ts";
import { type ChunkFacts, DEFAULT_WEARER, type LiveSession } from "../kv/keys.ts";
import type { Alongside } from "../kv/session_writer.ts";
import { createSessionStore, type SessionStore } from "../kv/sessions.ts";
import { createSearchIndexer } from "../timeline/search/indexer.ts";
import { segmentsAlongside } from "../timeline/segments.ts";
import type { DayChunk, DayScript, DaySession } from "./_day_script.ts";

const RETENTION_DAYS = 30;
const FRAMES_PER_CHUNK = 3;
const FRAME_BYTES = 50_000;

/** The whole of what comes into the books with a chunk; `nothing` to see what that costs. */
export type Alongsides = "as in production" | "nothing";

/** Writes the day of wearer `default`; it ends now. */
export async function writeDay(
  kv: Deno.Kv,
  { sessions, chunkCount }: Pick<DayScript, "sessions" | "chunkCount">,
  beside: Alongsides = "as in production",
): Promise<void> {
  const made = { kv, clock: systemClock, retentionDays: RETENTION_DAYS };
  const alongside: Alongside[] = beside === "nothing"
    ? []
    : [createSearchIndexer(made), segmentsAlongside(made)];
  const store = createSessionStore({ ...made, alongside });
  const dayMs = systemClock.epochMs() - chunkCount * 1000;
  for (const session of sessions) await writeSession(store, session, dayMs);
}

async function writeSession(store: SessionStore, day: DaySession, dayMs: number): Promise<void> {
  let session: LiveSession = begun(day, dayMs);
  const writer = store.begin(session);
  await writer.write(session);
  for (const chunk of day.chunks) {
    const captions = chunk.caption === null ? 0 : 1;
    session = {
      ...session,
      frameCount: session.frameCount + FRAMES_PER_CHUNK,
      byteCount: session.byteCount + FRAMES_PER_CHUNK * FRAME_BYTES,
      chunkCount: session.chunkCount + 1,
      captionCount: session.captionCount + captions,
      errorCount: session.errorCount + 1 - captions,
    };
    await writer.write(session, factsOf(chunk, dayMs));
  }
  const endedAtMs = session.startedAtMs + day.chunks.length * 1000;
  await writer.write({ ...session, status: "ended", endedAtMs, closeCode: 1000, reason: "bye" });
}

function begun({ id, atS }: DaySession, dayMs: number): LiveSession {
  return {
    id,
    wearer: DEFAULT_WEARER,
    owner: "bench",
    resume: null,
    prompt: "Describe what is to be seen in one or two sentences.",
    accounted: { frame: 0, atS: 0 },
    status: "live",
    startedAtMs: dayMs + atS * 1000,
    lastFrameAtMs: null,
    frameCount: 0,
    byteCount: 0,
    chunkCount: 0,
    captionCount: 0,
    errorCount: 0,
    identity: null,
  };
}

function factsOf({ sessionId, index, atS, caption }: DayChunk, dayMs: number): ChunkFacts {
  return {
    sessionId,
    index,
    startS: index,
    endS: index + 1,
    recordedAtMs: dayMs + (atS + 1) * 1000,
    lastFrame: (index + 1) * FRAMES_PER_CHUNK,
    capturedAtMs: dayMs + (atS + 1) * 1000,
    frameCount: FRAMES_PER_CHUNK,
    byteCount: FRAMES_PER_CHUNK * FRAME_BYTES,
    sentFrameCount: FRAMES_PER_CHUNK,
    outcome: caption === null
      ? { status: "failed", error: "The model did not answer within 60 s" }
      : { status: "captioned", caption, latencyMs: 312, tokensGenerated: 24, model: "bench" },
  };
}
