/**
 * Which records of a wearer are past a moment. It reads in the order of time where the keys have one,
 * so it costs what is past, not what there is.
 *
 * @module
 */
import { type RuleEventRecord, ruleEventsPrefix } from "./firing_keys.ts";
import {
  chunkPrefix,
  type ChunkRecord,
  sessionKey,
  type SessionRecord,
  sessionStartPrefix,
} from "./keys.ts";
import { streamPlacesKey, type StreamPlacesRecord } from "./ration_keys.ts";
import { messagePrefix, type MessageRecord } from "./outbox_keys.ts";
import {
  type SearchBlockRecord,
  searchDayPrefix,
  type SearchDayRecord,
  searchPrefix,
  segmentChangePrefix,
  type SegmentChangeRecord,
  segmentPrefix,
  type SegmentRecord,
  segmentTailKey,
} from "./timeline_keys.ts";

/** No segment is longer (`timeline/segments.ts`): a change says when its own began. */
export const MAX_SEGMENT_MS = 60 * 60 * 1000;

/** Where KV was away, chunks come into the books late; for longer than this no session waits. */
const MAX_DELAY_MS = 24 * 60 * 60 * 1000;

/** Where and when to look. Times are wall time. */
export interface PastQuery {
  readonly kv: Deno.Kv;
  readonly wearer: string;
  /** What is of this moment or older is past. */
  readonly cutoffMs: number;
  readonly nowMs: number;
}

/** What lies under a key that is past, as it was read: who deletes it checks that it is still so. */
export type PastEntry = Deno.KvEntry<unknown>;

/**
 * All that is past. A session is as old as the last that is known of it, and goes with its place in
 * the order of beginnings; what is live is never past.
 */
export async function* pastEntries(query: PastQuery): AsyncGenerator<PastEntry, void, void> {
  yield* pastSegments(query);
  yield* pastChanges(query);
  yield* pastDays(query);
  yield* pastMessages(query);
  yield* pastRuleEvents(query);
  const { kv, wearer, cutoffMs, nowMs } = query;
  const places = await kv.get<StreamPlacesRecord>(streamPlacesKey(wearer));
  const open = places.value?.places.filter(({ untilMs }) => untilMs > nowMs) ?? [];
  const live = new Set(open.map(({ streamId }) => streamId));
  for await (const start of kv.list({ prefix: sessionStartPrefix(wearer) })) {
    const [startedAtMs, id] = start.key.slice(-2) as [number, string];
    // Nothing is older than the session that it is part of.
    if (startedAtMs > cutoffMs) return;
    const session = await kv.get<SessionRecord>(sessionKey(wearer, id));
    yield* pastParts(query, id);
    if (live.has(id) || session.value && newestOf(session.value, nowMs) > cutoffMs) continue;
    if (session.value) yield session as PastEntry;
    yield start;
  }
}

/** Chunks in the order of their writing, and what is made of them. */
async function* pastParts({ kv, wearer, cutoffMs }: PastQuery, id: string) {
  for await (const entry of kv.list<ChunkRecord>({ prefix: chunkPrefix(wearer, id) })) {
    if (entry.value.recordedAtMs > cutoffMs) break;
    yield entry;
  }
  for await (const entry of kv.list<SearchBlockRecord>({ prefix: searchPrefix(wearer, id) })) {
    if (entry.value.endMs <= cutoffMs) yield entry;
  }
  const tail = await kv.get<SegmentRecord>(segmentTailKey(wearer, id));
  if (tail.value && tail.value.endedAtMs <= cutoffMs) yield tail;
}

async function* pastSegments({ kv, wearer, cutoffMs }: PastQuery) {
  for await (const entry of kv.list<SegmentRecord>({ prefix: segmentPrefix(wearer) })) {
    if (entry.value.startedAtMs > cutoffMs) return;
    if (entry.value.endedAtMs <= cutoffMs) yield entry;
  }
}

/** Those of which nothing is left to be kept; what is partly past is rewritten (`sweep.ts`). */
async function* pastDays({ kv, wearer, cutoffMs }: PastQuery) {
  for await (const entry of kv.list<SearchDayRecord>({ prefix: searchDayPrefix(wearer) })) {
    const [dayMs] = entry.key.slice(-2) as [number, number];
    // Nothing in it is older than the day on which its sessions began.
    if (dayMs > cutoffMs) return;
    if (entry.value.endMs <= cutoffMs) yield entry;
  }
}

/** Few, and in the order of time for each rule only: all are looked at. */
async function* pastRuleEvents({ kv, wearer, cutoffMs }: PastQuery) {
  for await (const entry of kv.list<RuleEventRecord>({ prefix: ruleEventsPrefix(wearer) })) {
    if (entry.value.dueMs <= cutoffMs) yield entry;
  }
}

/** In the order of the commits, which is about that of the segments. */
async function* pastChanges({ kv, wearer, cutoffMs }: PastQuery) {
  for await (const entry of kv.list<SegmentChangeRecord>({ prefix: segmentChangePrefix(wearer) })) {
    if (entry.value.startedAtMs > cutoffMs + MAX_DELAY_MS) return;
    if (entry.value.startedAtMs + MAX_SEGMENT_MS <= cutoffMs) yield entry;
  }
}

/** In the order in which they came to be; what is not over yet is never past. */
async function* pastMessages({ kv, wearer, cutoffMs }: PastQuery) {
  for await (const entry of kv.list<MessageRecord>({ prefix: messagePrefix(wearer) })) {
    const { createdAtMs, state } = entry.value;
    if (createdAtMs > cutoffMs) return;
    if ("atMs" in state && state.atMs <= cutoffMs) yield entry;
  }
}

/** When the session was last heard of; one that its client may still come back to: now. */
function newestOf(session: SessionRecord, nowMs: number): number {
  const mayGoOn = session.status !== "ended" && (session.resume?.untilMs ?? 0) > nowMs;
  if (mayGoOn) return nowMs;
  const endedAtMs = session.status === "live" ? 0 : session.endedAtMs;
  return Math.max(session.startedAtMs, session.lastFrameAtMs ?? 0, endedAtMs);
}
