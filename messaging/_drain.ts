/**
 * Who is sent for, and how much at once.
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";
import type { Counters } from "../counters.ts";
import type { DueMessage, OutboxStore } from "../kv/outbox_store.ts";
import { type Logger, reasonOf } from "../log.ts";
import type { Carrier } from "./_carrier.ts";

/** So many messages of the process are carried at once. */
const MAX_AT_ONCE = 64;
/** Of these so many of one wearer, so that a receiver who hangs holds up nobody else's. */
const MAX_OF_WEARER = 4;
/** So many due messages are read at once. */
const BATCH = 32;
/** So many wearers are looked at at once. */
const MAX_LOOKS = 16;
/** Where KV failed, it is asked again after so long. */
const LOOK_AGAIN_MS = 5_000;
/** What falls due later than that is left to the next sweep. */
const MAX_WAIT_MS = 60_000;

/** What a {@link Drain} needs. */
export interface DrainOptions {
  readonly store: OutboxStore;
  readonly carrier: Carrier;
  readonly clock: Clock;
  readonly random: () => number;
  readonly counters: Counters;
  readonly log: Logger;
}

/** One run for each wearer who was woken, until nothing of theirs is due. */
export class Drain {
  readonly #options: DrainOptions;
  /** Whether each who is being sent for was woken again meanwhile. */
  readonly #running = new Map<string, { again: boolean }>();
  readonly #runs = new Set<Promise<void>>();
  readonly #timers = new Map<string, Cancel>();
  readonly #places = new Places(MAX_AT_ONCE);
  readonly #looks = new Places(MAX_LOOKS);
  #isClosed = false;

  constructor(options: DrainOptions) {
    this.#options = options;
  }

  /** Sends what is due of the wearer's. */
  wake(wearer: string): void {
    if (this.#isClosed) return;
    const running = this.#running.get(wearer);
    if (running) {
      running.again = true;
      return;
    }
    this.#running.set(wearer, { again: false });
    this.track(this.#run(wearer));
  }

  /** Work that must be over before the process ends. Must not reject. */
  track(work: Promise<void>): void {
    const run = work.finally(() => void this.#runs.delete(run));
    this.#runs.add(run);
  }

  /** Resolves when nothing is being sent. */
  async quiet(): Promise<void> {
    while (this.#runs.size > 0) await Promise.all(this.#runs);
  }

  /** Begins nothing more; resolves when nothing is being sent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    await this.quiet();
  }

  /** Never rejects. */
  async #run(wearer: string): Promise<void> {
    const { store, clock, counters, log } = this.#options;
    const running = this.#running.get(wearer)!;
    this.#forgetTimer(wearer);
    try {
      do {
        running.again = false;
        while (await this.#carrySome(wearer)) { /* until nothing is due */ }
      } while (running.again && !this.#isClosed);
      const nextDueMs = await this.#looks.hold(async () => {
        await store.forget(wearer);
        return await store.nextDueMs(wearer);
      });
      if (!this.#isClosed) this.#waitFor(wearer, nextDueMs);
    } catch (error) {
      counters.kvFailures++;
      log.error("kv.outbox_failed", { reason: reasonOf(error) });
      if (!this.#isClosed) this.#waitFor(wearer, clock.epochMs() + LOOK_AGAIN_MS);
    } finally {
      this.#running.delete(wearer);
      // Woken while the last was being read.
      if (running.again) this.wake(wearer);
    }
  }

  /** Whether there was something. Rejects with KV's own error, when all have settled. */
  async #carrySome(wearer: string): Promise<boolean> {
    const { store, random } = this.#options;
    const due = await this.#looks.hold(() => store.due(wearer, BATCH));
    // In no order: another process that reads the same then begins elsewhere.
    const left = shuffled(due, random);
    const workers = Array.from({ length: MAX_OF_WEARER }, () => this.#carryAll(wearer, left));
    const settled = await Promise.allSettled(workers);
    const failure = settled.find((outcome) => outcome.status === "rejected");
    if (failure) throw failure.reason;
    return due.length > 0 && !this.#isClosed;
  }

  async #carryAll(wearer: string, left: DueMessage[]): Promise<void> {
    while (!this.#isClosed) {
      const due = left.pop();
      if (!due) return;
      await this.#places.hold(() => this.#options.carrier.carry(wearer, due));
    }
  }

  #waitFor(wearer: string, dueMs: number | null): void {
    const { clock } = this.#options;
    if (dueMs === null) return;
    const waitMs = Math.max(0, dueMs - clock.epochMs());
    if (waitMs > MAX_WAIT_MS) return;
    this.#forgetTimer(wearer);
    const cancel = clock.after(waitMs, () => {
      this.#timers.delete(wearer);
      this.wake(wearer);
    });
    this.#timers.set(wearer, cancel);
  }

  #forgetTimer(wearer: string): void {
    this.#timers.get(wearer)?.();
    this.#timers.delete(wearer);
  }
}

/** So many at once; the others wait in line. */
class Places {
  #free: number;
  readonly #line: (() => void)[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  async hold<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => void this.#line.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#line.shift();
      if (next) next();
      else this.#free++;
    }
  }
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items.map((item) => ({ item, at: random() })).sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
