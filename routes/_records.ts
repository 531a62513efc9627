/**
 * Records as clients see them: no secrets, no owners, times that a person can read.
 *
 * @module
 */
import type { ChunkRecord, SessionRecord } from "../kv/keys.ts";
import { type SegmentRecord } from "../kv/timeline_keys.ts";
import { timeFields } from "./_times.ts";

/** @param zone null: UTC only */
export function segmentView(segment: SegmentRecord, zone: string | null) {
  return {
    id: segment.id,
    session: segment.session,
    ...timeFields("started_at", segment.startedAtMs, zone),
    ...timeFields("ended_at", segment.endedAtMs, zone),
    caption: segment.caption,
    chunks: segment.chunkCount,
    first_chunk: segment.firstIndex,
    last_chunk: segment.lastIndex,
  };
}

/** @param zone null: UTC only */
export function sessionView(session: SessionRecord, zone: string | null) {
  const end = session.status === "live"
    ? { endedAtMs: null, closeCode: null, reason: null }
    : session;
  return {
    id: session.id,
    status: session.status,
    ...timeFields("started_at", session.startedAtMs, zone),
    ...timeFields("last_frame_at", session.lastFrameAtMs, zone),
    ...timeFields("ended_at", end.endedAtMs, zone),
    close_code: end.closeCode,
    close_reason: end.reason,
    prompt: session.prompt,
    frames: session.frameCount,
    bytes: session.byteCount,
    chunks: session.chunkCount,
    captions: session.captionCount,
    errors: session.errorCount,
    model_app: session.identity?.appName ?? null,
    model_class: session.identity?.className ?? null,
  };
}

/** @param zone null: UTC only */
export function chunkView(
  chunk: ChunkRecord,
  { startedAtMs }: SessionRecord,
  zone: string | null,
) {
  const { outcome } = chunk;
  const said = outcome.status === "captioned"
    ? {
      caption: outcome.caption,
      latency_ms: outcome.latencyMs,
      tokens_generated: outcome.tokensGenerated,
      model: outcome.model,
      ...outcome.answers && { answers: outcome.answers },
    }
    : { inference_error: outcome.error };
  return {
    index: chunk.index,
    ...timeFields("started_at", startedAtMs + chunk.startS * 1000, zone),
    ...timeFields("ended_at", startedAtMs + chunk.endS * 1000, zone),
    ...timeFields("captured_at", chunk.capturedAtMs, zone),
    ...timeFields("recorded_at", chunk.recordedAtMs, zone),
    chunk_start_s: chunk.startS,
    chunk_end_s: chunk.endS,
    frame: chunk.lastFrame,
    frames: chunk.frameCount,
    frames_sent: chunk.sentFrameCount,
    bytes: chunk.byteCount,
    ...said,
  };
}
