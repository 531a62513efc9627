/**
 * Sweeping: what is past its wearer's time is deleted, hourly.
 *
 * Each process does it for all wearers; two never for one wearer at a time (`kv/sweep.ts`).
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";
import type { Counters } from "../counters.ts";
import type { Counts } from "../kv/erasing_keys.ts";
import { WearerErasingError } from "../kv/fenced_kv.ts";
import { type SweepOutcome, sweepWearer } from "../kv/sweep.ts";
import { wearersIn } from "../kv/wearers.ts";
import { type Logger, reasonOf } from "../log.ts";

/** A process that has just started has other things to do. */
export const FIRST_SWEEP_MS = 60_000;
export const SWEEP_MS = 60 * 60_000;

/** What {@link Sweeps} need. */
export interface SweepsOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  readonly newId: () => string;
  /** For wearers without a time of their own; 0: for good. */
  readonly retentionDays: number;
  /** Takes the words of what is past out of values that hold other words too. */
  readonly forgetWords?: (wearer: string, cutoffMs: number) => Promise<unknown>;
  readonly counters: Counters;
  readonly log: Logger;
}

/** The sweeps of this process. */
export class Sweeps {
  readonly #options: SweepsOptions;
  readonly #sweeperId: string;
  #cancel: Cancel = () => {};
  #running: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: SweepsOptions) {
    this.#options = options;
    this.#sweeperId = options.newId();
  }

  /** Sweeps soon, and then hourly, until closed. */
  start(): void {
    this.#plan(FIRST_SWEEP_MS);
  }

  /** Sweeps all wearers, and says in the log what it has deleted. Resolves always. */
  sweepAll(): Promise<void> {
    return this.#inTurn(async () => {
      const { kv, clock, log } = this.#options;
      const beganAtMs = clock.monotonicMs();
      const sums: Record<string, number> = {};
      let [wearers, leftOlder] = [0, 0];
      for await (const wearer of wearersIn(kv)) {
        if (this.#isClosed) break;
        const outcome = await this.#sweep(wearer);
        if (outcome?.kind !== "swept") continue;
        wearers++;
        leftOlder += outcome.facts.leftOlder;
        add(sums, outcome.facts.counts);
      }
      const took_ms = Math.round(clock.monotonicMs() - beganAtMs);
      log.info("retention.swept", { wearers, ...sums, left_older: leftOlder, took_ms });
    });
  }

  /** Sweeps one wearer. Resolves always. */
  sweep(wearer: string): Promise<void> {
    return this.#inTurn(async () => void await this.#sweep(wearer));
  }

  /** Resolves when what runs has come to its end. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel();
    await this.#running;
  }

  #plan(delayMs: number): void {
    if (this.#isClosed) return;
    this.#cancel = this.#options.clock.after(delayMs, async () => {
      await this.sweepAll();
      this.#plan(SWEEP_MS);
    });
  }

  /** One after another: a process sweeps in the background. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#running.then(() => this.#isClosed ? undefined : work())
      .catch((error) => this.#failed(error));
    this.#running = done;
    return done;
  }

  /** Null: KV has refused, or the wearer is being erased. */
  async #sweep(wearer: string): Promise<SweepOutcome | null> {
    try {
      return await sweepWearer({ ...this.#options, sweeperId: this.#sweeperId }, wearer);
    } catch (error) {
      if (!(error instanceof WearerErasingError)) this.#failed(error);
      return null;
    }
  }

  #failed(error: unknown): void {
    this.#options.counters.kvFailures++;
    this.#options.log.error("kv.sweep_failed", { reason: reasonOf(error) });
  }
}

function add(sums: Record<string, number>, counts: Counts): void {
  for (const [kind, count] of Object.entries(counts)) sums[kind] = (sums[kind] ?? 0) + count;
}
