/**
 * Finds the blocks of sessions that are over and that nobody has put together yet.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { hasExpired, sessionKey, type SessionRecord } from "../../kv/keys.ts";
import type { BlockRef } from "../../kv/search_days.ts";
import { type SearchBlockRecord, searchPrefix } from "../../kv/timeline_keys.ts";
import type { Turns } from "./_turns.ts";

/** So many values are looked at at once. */
const PAGE = 16;
/** KV gets so many values at once, at most. */
const MAX_GET_MANY = 10;
/** A stream that no client can go on with, and that is still open, has seen a frame since then. */
const SILENT_MS = 24 * 60 * 60 * 1000;

/** A block that may be put together with others. */
export interface LooseRef extends BlockRef {
  /** When its session began. */
  readonly startedAtMs: number;
  /** When its last caption was. */
  readonly endMs: number;
}

/** Whether nothing comes into the session's books any more, as far as one can know. */
export function isOver(session: SessionRecord, nowMs: number): boolean {
  const { status, resume, lastFrameAtMs, startedAtMs } = session;
  if (status === "ended") return true;
  if (resume) return resume.untilMs <= nowMs;
  return nowMs - (lastFrameAtMs ?? startedAtMs) > SILENT_MS;
}

/** The wearer's blocks that may be put together, the oldest first. */
export async function looseBlocks(
  { kv, clock }: { readonly kv: Deno.Kv; readonly clock: Clock },
  wearer: string,
  turns: Turns,
): Promise<LooseRef[]> {
  const prefix = searchPrefix(wearer);
  const nowMs = clock.epochMs();
  const found: LooseRef[] = [];
  let start: Deno.KvKey | null = null;
  while (true) {
    const page: Deno.KvEntry<SearchBlockRecord>[] = await pageFrom(kv, prefix, start);
    await turns.pass();
    const over = await sessionsOver(kv, wearer, page.map(sessionIdOf), nowMs);
    for (const entry of page) {
      const session = over.get(sessionIdOf(entry));
      if (!session || hasExpired(entry.value, nowMs)) continue;
      const place = entry.key.at(-1) as BlockRef["place"];
      const { startedAtMs } = session;
      found.push({ sessionId: session.id, place, startedAtMs, endMs: entry.value.endMs });
    }
    const last = page.at(-1);
    if (!last || page.length < PAGE) return found.sort((one, other) => one.endMs - other.endMs);
    // Of a session that goes on there may be hundreds: they are passed over.
    const lastId = sessionIdOf(last);
    start = over.has(lastId) ? [...last.key, 0] : [...prefix, lastId, Infinity];
  }
}

function pageFrom(kv: Deno.Kv, prefix: Deno.KvKey, start: Deno.KvKey | null) {
  const options = { limit: PAGE, batchSize: PAGE };
  return Array.fromAsync(
    kv.list<SearchBlockRecord>(start ? { prefix, start } : { prefix }, options),
  );
}

function sessionIdOf({ key }: Deno.KvEntry<unknown>): string {
  return key.at(-2) as string;
}

async function sessionsOver(
  kv: Deno.Kv,
  wearer: string,
  ids: readonly string[],
  nowMs: number,
): Promise<Map<string, SessionRecord>> {
  const keys = [...new Set(ids)].map((id) => sessionKey(wearer, id));
  const over = new Map<string, SessionRecord>();
  for (let at = 0; at < keys.length; at += MAX_GET_MANY) {
    const entries = await kv.getMany<SessionRecord[]>(keys.slice(at, at + MAX_GET_MANY));
    for (const { value } of entries) {
      if (value && !hasExpired(value, nowMs) && isOver(value, nowMs)) over.set(value.id, value);
    }
  }
  return over;
}
