/**
 * What is seen now: the streams that are open, and the newest that is in the books.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { hasExpired, type LiveSession, sessionKey, type SessionRecord } from "../kv/keys.ts";
import { streamPlacesKey, type StreamPlacesRecord } from "../kv/ration_keys.ts";
import { type SegmentRecord, segmentTailKey } from "../kv/timeline_keys.ts";
import { Pages } from "./pages.ts";

/** A stream whose place nobody counts is open if a frame of it came into the books so lately. */
const QUIET_MS = 60_000;
/** So many sessions, the newest, may be open without a place. */
const MAX_SESSIONS = 10;

/** What a glance needs. */
export interface NowOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
}

/** What a glance sees. */
export interface Glance {
  readonly streams: readonly LiveSession[];
  /** The newest first: by when they ended, as one that began long ago may still go on. */
  readonly segments: readonly SegmentRecord[];
}

/**
 * Looks what a wearer sees. Rejects with KV's own error.
 *
 * @param most segments, at most
 */
export async function lookNow(
  { kv, clock }: NowOptions,
  wearer: string,
  most: number,
): Promise<Glance> {
  const pages = new Pages({ kv, clock });
  const range = { fromMs: null, toMs: null };
  const newest = (limit: number) => ({ order: "newest", limit, after: null }) as const;
  const [places, sessions, segments] = await Promise.all([
    kv.get<StreamPlacesRecord>(streamPlacesKey(wearer)),
    pages.sessions(wearer, range, newest(MAX_SESSIONS)),
    pages.segments(wearer, range, newest(most)),
  ]);
  const nowMs = clock.epochMs();
  const held = (places.value?.places ?? []).filter(({ untilMs }) => untilMs > nowMs)
    .map(({ streamId }) => streamId);
  const lately = sessions!.items.filter((session) => isLive(session) && isFresh(session, nowMs));
  const open = new Set([...held, ...lately.map(({ id }) => id)]);
  const streams: LiveSession[] = [];
  const byId = new Map(segments!.items.map((segment) => [segment.id, segment]));
  await Promise.all([...open].map(async (id) => {
    const [{ value: session }, { value: tail }] = await kv.getMany<[SessionRecord, SegmentRecord]>(
      [sessionKey(wearer, id), segmentTailKey(wearer, id)],
    );
    if (session && isLive(session)) streams.push(session);
    if (tail && !hasExpired(tail, nowMs)) byId.set(tail.id, tail);
  }));
  return {
    streams: streams.sort((one, other) => other.startedAtMs - one.startedAtMs),
    segments: [...byId.values()].sort((one, other) => other.endedAtMs - one.endedAtMs)
      .slice(0, most),
  };
}

function isLive(session: SessionRecord): session is SessionRecord & LiveSession {
  return session.status === "live";
}

/** A process that died could not say that its streams are over. */
function isFresh({ lastFrameAtMs, startedAtMs }: LiveSession, nowMs: number): boolean {
  return (lastFrameAtMs ?? startedAtMs) > nowMs - QUIET_MS;
}
