/**
 * The work of one erasure: batches of deletions, each of which counts itself, so that the counts are
 * exact whoever dies in between and whoever goes on.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { CONFLICT, retryContended } from "./_retry_contended.ts";
import { type Counts, erasingKey, type ErasingRecord } from "./erasing_keys.ts";
import { wearerPrefix } from "./keys.ts";
import { outboxKey } from "./outbox_keys.ts";

/** A commit takes a thousand mutations; a shorter one holds others up for less. */
const BATCH = 500;
/** Values travel with their keys, and one may have 64 KiB. */
const LIST_BATCH = 100;
/** Who has not said anything for so long has died, or can no longer write. */
export const LEASE_MS = 5_000;

/** Another process has the erasure now, or has finished it. */
export class ErasureLostError extends Error {
  override readonly name = "ErasureLostError";
}

/** What an erasure is made of. */
export interface ErasingOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  readonly workerId: string;
}

/** Whether an erasure is this worker's now. */
export type ClaimOutcome =
  | { readonly kind: "claimed"; readonly erasing: Erasing }
  /** Another process is at it. */
  | { readonly kind: "taken"; readonly record: ErasingRecord }
  /** There is nothing of the wearer, or, where it is only to be gone on with, no erasure. */
  | { readonly kind: "nothing" };

/**
 * Begins an erasure, or goes on with one that its process has left. Rejects with KV's own error.
 *
 * @param begins whether to begin one where none has been begun
 */
export async function claimErasure(
  options: ErasingOptions,
  wearer: string,
  begins: boolean,
): Promise<ClaimOutcome> {
  const { kv, clock, workerId } = options;
  return await retryContended(clock, "begin the erasure", async () => {
    const found = await kv.get<ErasingRecord>(erasingKey(wearer));
    const nowMs = clock.epochMs();
    const record = found.value;
    const isOthers = record && record.worker.id !== workerId && record.worker.untilMs > nowMs &&
      // A clock that was far ahead holds nothing for years.
      record.worker.untilMs <= nowMs + 2 * LEASE_MS;
    if (isOthers) return { kind: "taken", record };
    if (!record && (!begins || !await hasAny(kv, wearer))) return { kind: "nothing" };
    const mine: ErasingRecord = {
      version: 1,
      expiresAtMs: null,
      startedAtMs: nowMs,
      counts: {},
      ...record,
      worker: { id: workerId, untilMs: nowMs + LEASE_MS },
    };
    const claimed = await kv.atomic().check(found).set(found.key, mine).commit();
    if (!claimed.ok) return CONFLICT;
    return { kind: "claimed", erasing: new Erasing(options, wearer, mine, claimed.versionstamp) };
  });
}

/** An erasure that is this worker's. One call at a time. */
export class Erasing {
  readonly #options: ErasingOptions;
  readonly #wearer: string;
  #record: ErasingRecord;
  #versionstamp: string;

  constructor(
    options: ErasingOptions,
    wearer: string,
    record: ErasingRecord,
    versionstamp: string,
  ) {
    this.#options = options;
    this.#wearer = wearer;
    this.#record = record;
    this.#versionstamp = versionstamp;
  }

  get startedAtMs(): number {
    return this.#record.startedAtMs;
  }

  /** Records erased so far, by whatever processes. */
  get counts(): Counts {
    return this.#record.counts;
  }

  /**
   * Deletes some of what is there; false: there was nothing. Rejects with KV's own error.
   *
   * @throws {ErasureLostError} if it is another process's now
   */
  async erase(): Promise<boolean> {
    const keys = await keysOf(this.#options.kv, this.#wearer);
    if (keys.length > 0) await this.#commit(keys);
    return keys.length > 0;
  }

  /** Says that this process is alive; rejects as {@link erase} does. */
  async renew(): Promise<void> {
    await this.#commit([]);
  }

  /** Ends it: the wearer may begin afresh. Rejects as {@link erase} does. */
  async finish(): Promise<void> {
    const { kv, clock } = this.#options;
    const key = erasingKey(this.#wearer);
    await retryContended(clock, "end the erasure", async () => {
      const check = { key, versionstamp: this.#versionstamp };
      const commit = kv.atomic().check(check).delete(key).delete(outboxKey(this.#wearer));
      if ((await commit.commit()).ok) return;
      // Gone: an earlier attempt went through although its answer was lost.
      if ((await kv.get(key)).value !== null) throw new ErasureLostError();
    });
  }

  /** Deletes these and counts them, both or neither. */
  async #commit(keys: readonly Deno.KvKey[]): Promise<void> {
    const { kv, clock, workerId } = this.#options;
    const key = erasingKey(this.#wearer);
    const next: ErasingRecord = {
      ...this.#record,
      worker: { id: workerId, untilMs: clock.epochMs() + LEASE_MS },
      counts: counted(this.#record.counts, keys),
    };
    await retryContended(clock, "erase", async () => {
      const commit = kv.atomic().check({ key, versionstamp: this.#versionstamp }).set(key, next);
      for (const gone of keys) commit.delete(gone);
      const done = await commit.commit();
      if (!done.ok) throw new ErasureLostError();
      this.#record = next;
      this.#versionstamp = done.versionstamp;
    });
  }
}

async function hasAny(kv: Deno.Kv, wearer: string): Promise<boolean> {
  const [first] = await Array.fromAsync(kv.list({ prefix: wearerPrefix(wearer) }, { limit: 1 }));
  return first !== undefined;
}

/** Some of what is there, but for the mark. */
async function keysOf(kv: Deno.Kv, wearer: string): Promise<Deno.KvKey[]> {
  const keys: Deno.KvKey[] = [];
  const [mark] = erasingKey(wearer).slice(-1);
  const options = { limit: BATCH, batchSize: LIST_BATCH };
  for await (const { key } of kv.list({ prefix: wearerPrefix(wearer) }, options)) {
    if (key.length !== 3 || key[2] !== mark) keys.push(key);
  }
  return keys;
}

function counted(counts: Counts, keys: readonly Deno.KvKey[]): Counts {
  const sums: Record<string, number> = { ...counts };
  for (const key of keys) sums[String(key[2])] = (sums[String(key[2])] ?? 0) + 1;
  return sums;
}
