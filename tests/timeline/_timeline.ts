/**
 * A store that keeps a timeline, for tests of what is made of chunks.
 *
 * @module
 */
import type { ChunkFacts, LiveSession } from "../../kv/keys.ts";
import { createSessionStore } from "../../kv/sessions.ts";
import { segmentsAlongside } from "../../timeline/segments.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { captioned, live } from "../kv/_sessions.ts";
import { segmentPrefix, type SegmentRecord } from "../../kv/timeline_keys.ts";

/** A wall time that is easy to read. */
export const NOON_MS = Date.UTC(2026, 0, 1, 12);

/** A session of Ann's that began at noon. */
export const noon: LiveSession = { ...live, startedAtMs: NOON_MS };

/** A chunk of one second, `index` seconds after the beginning; null: it failed. */
export function second(index: number, caption: string | null): ChunkFacts {
  const outcome = caption === null ? { status: "failed", error: "no answer" } as const : {
    status: "captioned",
    caption,
    latencyMs: 1,
    tokensGenerated: 1,
    model: null,
  } as const;
  return { ...captioned, index, startS: index, endS: index + 1, outcome };
}

/** A store on a clock of its own, on any KV. */
export function createTimelineStore(kv: Deno.Kv, retentionDays = 30) {
  const clock = createFakeClock(NOON_MS);
  const alongside = [segmentsAlongside({ kv, clock })];
  return { clock, store: createSessionStore({ kv, clock, retentionDays, alongside }) };
}

/** Writes a session whose chunks say so, one a second. */
export async function tell(
  kv: Deno.Kv,
  captions: readonly (string | null)[],
  session: LiveSession = noon,
): Promise<void> {
  // For good: other tests read them on the clock of today.
  const writer = createTimelineStore(kv, 0).store.begin(session);
  await writer.write(session);
  for (const [index, caption] of captions.entries()) {
    const chunk = { ...second(index, caption), sessionId: session.id };
    await writer.write({ ...session, chunkCount: index + 1 }, chunk);
  }
}

/** All segments of Ann's, in the order of their keys. */
export async function segmentsIn(kv: Deno.Kv, wearer = "ann"): Promise<SegmentRecord[]> {
  const entries = await Array.fromAsync(kv.list<SegmentRecord>({ prefix: segmentPrefix(wearer) }));
  return entries.map(({ value }) => value);
}
