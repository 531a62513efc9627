/**
 * Deletes what is past a wearer's time, and counts it.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { CONFLICT, retryContended } from "./_retry_contended.ts";
import { pastEntries, type PastEntry, type PastQuery } from "./_past.ts";
import type { Counts } from "./erasing_keys.ts";
import { keptForMs, wearerPrefix } from "./keys.ts";
import { setRetention } from "./retention.ts";
import { retentionKey, type RetentionRecord, type SweepFacts } from "./retention_keys.ts";

/** A commit takes a hundred checks. */
const BATCH = 90;
/** Who has not said anything for so long has died. */
export const SWEEP_LEASE_MS = 60_000;

/** What a sweep is made of. */
export interface SweepOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  /** Who sweeps: a random id. */
  readonly sweeperId: string;
  /** For wearers without a time of their own; 0: for good. */
  readonly retentionDays: number;
  /** Takes the words of what is past out of values that hold other words too. */
  readonly forgetWords?: (wearer: string, cutoffMs: number) => Promise<unknown>;
}

/** What became of a sweep. */
export type SweepOutcome =
  | { readonly kind: "swept"; readonly facts: SweepFacts }
  /** Another process is at it, or has taken over. */
  | { readonly kind: "taken" }
  /** There is nothing of the wearer but its time. */
  | { readonly kind: "nothing" };

interface Sweep {
  readonly wearer: string;
  readonly record: RetentionRecord;
  readonly versionstamp: string;
}

/**
 * Sweeps one wearer. What it deletes is counted in the same commits, so a sweep that its process did
 * not finish is gone on with, and its counts stay exact. Rejects with KV's own error.
 */
export async function sweepWearer(options: SweepOptions, wearer: string): Promise<SweepOutcome> {
  const claimed = await claim(options, wearer);
  if ("kind" in claimed) return claimed;
  const { kv, clock, retentionDays } = options;
  const nowMs = clock.epochMs();
  const cutoffMs = nowMs - keptForMs(claimed.record.days ?? retentionDays);
  const query = { kv, wearer, cutoffMs, nowMs };
  let sweep: Sweep | null = claimed;
  let batch: PastEntry[] = [];
  for await (const entry of past(query)) {
    if (batch.push(entry) < BATCH) continue;
    sweep = await deleteAll(options, sweep, batch);
    if (!sweep) return { kind: "taken" };
    batch = [];
  }
  if (batch.length > 0) sweep = await deleteAll(options, sweep, batch);
  if (!sweep) return { kind: "taken" };
  if (cutoffMs > -Infinity) await options.forgetWords?.(wearer, cutoffMs);
  let leftOlder = 0;
  for await (const _ of past(query)) leftOlder++;
  const { counts } = sweep.record.sweep!;
  const facts: SweepFacts = { atMs: clock.epochMs(), counts, leftOlder };
  const done = await write(options, sweep, { lastSweep: facts, sweep: null }, []);
  return done ? { kind: "swept", facts } : { kind: "taken" };
}

async function* past(query: PastQuery): AsyncGenerator<PastEntry, void, void> {
  if (query.cutoffMs > -Infinity) yield* pastEntries(query);
}

function claim(
  options: SweepOptions,
  wearer: string,
): Promise<Sweep | Exclude<SweepOutcome, { kind: "swept" }>> {
  const { kv, clock, sweeperId } = options;
  return retryContended(clock, "begin the sweep", async () => {
    const found = await kv.get<RetentionRecord>(retentionKey(wearer));
    const other = await anyOther(kv, wearer);
    if (!other) return { kind: "nothing" };
    const nowMs = clock.epochMs();
    const before = found.value?.sweep ?? null;
    const untilMs = before?.untilMs ?? 0;
    // A clock that was far ahead holds nothing for years.
    const isOthers = before?.id !== sweeperId && untilMs > nowMs &&
      untilMs <= nowMs + 2 * SWEEP_LEASE_MS;
    if (isOthers) return { kind: "taken" };
    const sweep = { id: sweeperId, untilMs: nowMs + SWEEP_LEASE_MS, counts: before?.counts ?? {} };
    const { days, lastSweep } = found.value ?? { days: null, lastSweep: null };
    // Of a wearer who is erased this very moment nothing is written.
    const commit = kv.atomic().check(found).check(other);
    setRetention(commit, wearer, { days, lastSweep, sweep }, nowMs);
    const claimed = await commit.commit();
    if (!claimed.ok) return CONFLICT;
    const record = { version: 1, expiresAtMs: null, days, lastSweep, sweep } as const;
    return { wearer, record, versionstamp: claimed.versionstamp };
  });
}

/** Something of the wearer beside how long it stays. */
async function anyOther(kv: Deno.Kv, wearer: string): Promise<PastEntry | null> {
  const [mine] = retentionKey(wearer).slice(-1);
  const first = await Array.fromAsync(kv.list({ prefix: wearerPrefix(wearer) }, { limit: 2 }));
  return first.find(({ key }) => key.length !== 3 || key[2] !== mine) ?? null;
}

/** Null: the sweep is another's now. What was changed meanwhile is not past: it stays. */
async function deleteAll(
  options: SweepOptions,
  sweep: Sweep,
  entries: readonly PastEntry[],
): Promise<Sweep | null> {
  const { sweeperId, clock } = options;
  const counts = counted(sweep.record.sweep!.counts, entries);
  const untilMs = clock.epochMs() + SWEEP_LEASE_MS;
  const next = { sweep: { id: sweeperId, untilMs, counts } };
  const written = await write(options, sweep, next, entries);
  if (written) return written;
  const still = await options.kv.get(retentionKey(sweep.wearer));
  if (still.versionstamp !== sweep.versionstamp) return null;
  if (entries.length === 1) return sweep;
  // One by one, as one of them has changed.
  let rest: Sweep | null = sweep;
  for (const entry of entries) {
    if (rest) rest = await deleteAll(options, rest, [entry]);
  }
  return rest;
}

/** Null: a check has failed. */
function write(
  { kv, clock }: SweepOptions,
  { wearer, record, versionstamp }: Sweep,
  changed: Partial<Pick<RetentionRecord, "lastSweep" | "sweep">>,
  gone: readonly PastEntry[],
): Promise<Sweep | null> {
  const next = { ...record, ...changed };
  return retryContended(clock, "sweep", async () => {
    const commit = kv.atomic().check({ key: retentionKey(wearer), versionstamp });
    setRetention(commit, wearer, next, clock.epochMs());
    for (const entry of gone) commit.check(entry).delete(entry.key);
    const written = await commit.commit();
    return written.ok ? { wearer, record: next, versionstamp: written.versionstamp } : null;
  });
}

function counted(counts: Counts, entries: readonly PastEntry[]): Counts {
  const sums: Record<string, number> = { ...counts };
  for (const { key } of entries) sums[String(key[2])] = (sums[String(key[2])] ?? 0) + 1;
  return sums;
}
