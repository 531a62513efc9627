/**
 * How many streams a wearer has open, in all processes: one value for each wearer, replaced by
 * check-and-set, so that two processes cannot both take the last place.
 *
 * A place is held for {@link LEASE_MS} and renewed at every third of that, so the places of a
 * process that died come free by themselves. Clocks of processes may differ by less than the lease.
 * A stream that runs is never ended by this: where KV was away for longer than the lease, its place
 * is put back, and the limit may be passed until a stream ends.
 *
 * @module
 */
import { type Cancel, withDeadline } from "../clock.ts";
import { reasonOf } from "../log.ts";
import { Lines } from "./_lines.ts";
import { CONFLICT, retryContended } from "./_retry_contended.ts";
import { until } from "./_until.ts";
import type { BudgetsOptions, StreamLease, StreamOutcome } from "./budgets.ts";
import { type StreamPlace, streamPlacesKey, type StreamPlacesRecord } from "./ration_keys.ts";

/** A place that is not renewed for so long is free. */
export const LEASE_MS = 30_000;
const RENEW_MS = LEASE_MS / 3;

/** Whoever waits for longer goes on without an answer. */
const UPDATE_TIMEOUT_MS = 2_000;

interface Mine {
  readonly wearer: string;
  readonly streamId: string;
  readonly leaseId: string;
}

/** Places in the order of taking; null: leave them as they are. */
type Change = (places: readonly StreamPlace[], nowMs: number) => readonly StreamPlace[] | null;

/** The places of all wearers, as one process sees them. */
export class StreamPlaces {
  readonly #options: BudgetsOptions;
  readonly #limit: number;
  readonly #lines = new Lines();
  /** What is renewed here. */
  readonly #kept = new Set<Mine>();
  #cancelRenewal: Cancel | null = null;
  #isClosed = false;

  /** @param limit streams at once of one wearer; 0: no limit, and KV is not touched */
  constructor(options: BudgetsOptions, limit: number) {
    this.#options = options;
    this.#limit = limit;
  }

  /** See {@link Budgets.takeStream}. */
  async take(wearer: string, streamId: string): Promise<StreamOutcome> {
    if (this.#limit === 0) return { kind: "granted", lease: FREE_LEASE };
    const mine: Mine = { wearer, streamId, leaseId: this.#options.newId() };
    let refusedForMs = 0;
    try {
      await this.#update(wearer, (places, nowMs) => {
        const others = places.filter((place) => place.streamId !== streamId);
        const isRefused = others.length >= this.#limit;
        const firstFreeMs = Math.min(...others.map(({ untilMs }) => untilMs));
        refusedForMs = isRefused ? Math.max(1, firstFreeMs - nowMs) : 0;
        return isRefused ? null : [...others, placeOf(mine, nowMs)];
      });
    } catch (error) {
      this.#options.counters.kvFailures++;
      return { kind: "unavailable", reason: reasonOf(error), lease: this.#leaseOf(mine) };
    }
    if (refusedForMs > 0) return { kind: "refused", retryAfterMs: refusedForMs };
    // A lost connection of the same stream, which may not have been noticed yet.
    for (const older of this.#kept) {
      if (older.wearer === wearer && older.streamId === streamId) this.#kept.delete(older);
    }
    return { kind: "granted", lease: this.#leaseOf(mine) };
  }

  /** Frees all places of this process. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRenewal?.();
    const kept = [...this.#kept];
    this.#kept.clear();
    await Promise.all(
      wearersOf(kept).map((wearer) =>
        this.#updateOrLog(
          wearer,
          (places) => places.filter((place) => !kept.some((mine) => isSame(mine, place))),
        )
      ),
    );
  }

  #leaseOf(mine: Mine): StreamLease {
    let isReleased = false;
    return {
      keep: () => {
        if (isReleased || this.#isClosed) return;
        this.#kept.add(mine);
        this.#planRenewal();
      },
      release: async () => {
        if (isReleased) return;
        isReleased = true;
        this.#kept.delete(mine);
        if (this.#kept.size === 0) this.#stopRenewal();
        if (this.#isClosed) return;
        await this.#updateOrLog(mine.wearer, (places) => {
          const others = places.filter((place) => !isSame(mine, place));
          return others.length === places.length ? null : others;
        });
      },
    };
  }

  #planRenewal(): void {
    this.#cancelRenewal ??= this.#options.clock.after(RENEW_MS, async () => {
      const kept = [...this.#kept];
      await Promise.all(
        wearersOf(kept).map((wearer) =>
          this.#updateOrLog(wearer, (places, nowMs) => this.#renewed(wearer, places, nowMs))
        ),
      );
      this.#cancelRenewal = null;
      if (this.#kept.size > 0 && !this.#isClosed) this.#planRenewal();
    });
  }

  #stopRenewal(): void {
    this.#cancelRenewal?.();
    this.#cancelRenewal = null;
  }

  #renewed(wearer: string, places: readonly StreamPlace[], nowMs: number): readonly StreamPlace[] {
    const renewed = new Map(places.map((place) => [place.streamId, place]));
    for (const mine of [...this.#kept]) {
      if (mine.wearer !== wearer) continue;
      const place = renewed.get(mine.streamId);
      // The stream came back somewhere else, and its place went with it.
      if (place && !isSame(mine, place)) this.#kept.delete(mine);
      else renewed.set(mine.streamId, placeOf(mine, nowMs));
    }
    return [...renewed.values()];
  }

  /** What KV refuses is counted and logged; places that are not renewed expire by themselves. */
  async #updateOrLog(wearer: string, change: Change): Promise<void> {
    try {
      await this.#update(wearer, change);
    } catch (error) {
      this.#options.counters.kvFailures++;
      this.#options.log.error("kv.stream_place_failed", { reason: reasonOf(error) });
    }
  }

  async #update(wearer: string, change: Change): Promise<void> {
    const { kv, clock } = this.#options;
    const key = streamPlacesKey(wearer);
    await withDeadline(clock, UPDATE_TIMEOUT_MS, null, (within) => {
      const attempt = async () => {
        within.throwIfAborted();
        const entry = await kv.get<StreamPlacesRecord>(key);
        const nowMs = clock.epochMs();
        const { places, isRepaired } = livingPlaces(entry.value, nowMs);
        const changed = change(places, nowMs) ?? (isRepaired ? places : null);
        if (changed === null) return;
        const commit = kv.atomic().check(entry);
        if (changed.length === 0) commit.delete(key);
        else commit.set(key, recordOf(changed, nowMs), { expireIn: 2 * LEASE_MS });
        if (!(await commit.commit()).ok) return CONFLICT;
      };
      const work = this.#lines.enter(
        wearer,
        () => retryContended(clock, "count the streams", attempt),
      );
      return until(within, work);
    });
  }
}

/** Where streams are not counted. */
const FREE_LEASE: StreamLease = { keep() {}, release: () => Promise.resolve() };

function placeOf({ streamId, leaseId }: Mine, nowMs: number): StreamPlace {
  return { streamId, leaseId, untilMs: nowMs + LEASE_MS };
}

function isSame(mine: Mine, place: StreamPlace): boolean {
  return mine.streamId === place.streamId && mine.leaseId === place.leaseId;
}

function wearersOf(kept: readonly Mine[]): string[] {
  return [...new Set(kept.map(({ wearer }) => wearer))];
}

/** A place of a clock that was far ahead is taken to be from now, lest it count for years. */
function livingPlaces(
  record: StreamPlacesRecord | null,
  nowMs: number,
): { places: StreamPlace[]; isRepaired: boolean } {
  const isBeyond = ({ untilMs }: StreamPlace) => untilMs > nowMs + 2 * LEASE_MS;
  const stored = record?.places ?? [];
  const places = stored
    .filter(({ untilMs }) => untilMs > nowMs)
    .map((place) => isBeyond(place) ? { ...place, untilMs: nowMs + LEASE_MS } : place);
  return { places, isRepaired: stored.some(isBeyond) };
}

function recordOf(places: readonly StreamPlace[], nowMs: number): StreamPlacesRecord {
  // Twice the lease: another process, whose clock is ahead, may collect the garbage.
  return { version: 1, expiresAtMs: nowMs + 2 * LEASE_MS, places };
}
