/**
 * Makes segments of chunks, in the commit that writes the chunk: the timeline is never behind the
 * books, and never ahead of them.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { type ChunkFacts, hasExpired, type SessionFacts, type Stored } from "../kv/keys.ts";
import type { Alongside } from "../kv/session_writer.ts";
import {
  type Segment,
  segmentChangeKey,
  type SegmentChangeRecord,
  segmentKey,
  type SegmentRecord,
  segmentTailKey,
} from "../kv/timeline_keys.ts";
import { saysTheSame } from "./_same.ts";

/** After so long without a caption nobody knows what was in between: a new segment begins. */
export const MAX_GAP_MS = 30_000;
/**
 * No segment is extended beyond this. So whoever asks for a stretch of time has to look back no
 * further for what reaches into it (`pages.ts`).
 */
export const MAX_SEGMENT_MS = 60 * 60 * 1000;

/** What segments are made with. */
export interface SegmentOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
}

/**
 * Extends the last segment of the chunk's session, or begins one. Chunks that failed, or said
 * nothing, change nothing.
 *
 * It reads what to extend from KV, so it goes on wherever the session does. That is safe without a
 * check of its own, as the writer's own check fails where another has written since.
 */
export function segmentsAlongside({ kv, clock }: SegmentOptions): Alongside {
  return async (commit, session, chunk, keptForMs) => {
    const caption = captionOf(chunk);
    if (caption === null) return;
    const { wearer, id } = session;
    const tailKey = segmentTailKey(wearer, id);
    const found = await kv.get<SegmentRecord>(tailKey);
    const nowMs = clock.epochMs();
    const tail = found.value && !hasExpired(found.value, nowMs) ? found.value : null;
    // The commit is tried again, and had gone through before.
    if (tail && chunk.index <= tail.lastIndex) return;
    const begun = segmentOf(session, chunk, caption);
    const extended = tail && extendedBy(tail, begun);
    // One change for each segment: the older one lies under the commit that wrote the tail.
    if (extended) commit.delete(segmentChangeKey(wearer, found.versionstamp!));
    const expiresAtMs = keptForMs === Infinity ? null : nowMs + keptForMs;
    const expiry = keptForMs === Infinity ? {} : { expireIn: keptForMs };
    const stored: Stored = { version: 1, expiresAtMs };
    const segment: SegmentRecord = { ...extended ?? begun, ...stored };
    const { startedAtMs, firstIndex } = segment;
    const change: SegmentChangeRecord = { startedAtMs, session: id, firstIndex, ...stored };
    commit.set(segmentKey(wearer, segment), segment, expiry);
    commit.set(tailKey, segment, expiry);
    commit.set(segmentChangeKey(wearer, kv.commitVersionstamp()), change, expiry);
  };
}

function captionOf({ outcome }: ChunkFacts): string | null {
  return outcome.status === "captioned" && outcome.caption.trim() ? outcome.caption : null;
}

/** The chunk as a segment of its own. */
function segmentOf(session: SessionFacts, chunk: ChunkFacts, caption: string): Segment {
  const { index } = chunk;
  return {
    id: `${session.id}.${index}`,
    wearer: session.wearer,
    session: session.id,
    startedAtMs: Math.round(session.startedAtMs + chunk.startS * 1000),
    endedAtMs: Math.round(session.startedAtMs + chunk.endS * 1000),
    caption,
    chunkCount: 1,
    firstIndex: index,
    lastIndex: index,
  };
}

/** The segment with what follows it; null: that is another. */
function extendedBy(tail: Segment, next: Segment): Segment | null {
  const belongs = next.startedAtMs - tail.endedAtMs <= MAX_GAP_MS &&
    next.endedAtMs - tail.startedAtMs <= MAX_SEGMENT_MS &&
    // With the first caption, not the last: else it could change word by word into anything.
    saysTheSame(tail.caption, next.caption);
  if (!belongs) return null;
  const { endedAtMs, lastIndex } = next;
  return { ...tail, endedAtMs, lastIndex, chunkCount: tail.chunkCount + 1 };
}
