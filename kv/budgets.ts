/**
 * What a wearer may use, shared by all processes on one database: inference calls per minute and
 * per day, GPU seconds per day, streams at once.
 *
 * Calls: the hot path never waits for KV. A process puts small lots of calls aside ahead of time
 * (check-and-set) and spends from them. In KV a lot counts as used until its process says what it
 * used of it, so at any moment
 *
 *     used in the window + put aside by all processes <= limit
 *
 * and no window of a minute, or of 24 hours, ever holds more calls than the limit, whoever makes
 * them: the windows slide, in steps of a second and of a quarter of an hour, rounded so that a call
 * counts for longer rather than shorter (61 to 63 s, 24 to 24.3 h). Clocks of processes may differ by
 * a second; beyond that the window shortens by the rest. Where a process dies, its
 * lot (a twelfth of the limit per minute) is lost until its window ends.
 *
 * GPU seconds are known after a call: they pass the limit by what the calls that run at that moment
 * cost more than the mean, at most.
 *
 * While KV cannot be reached, an account first spends its lot. From the fifth second on it grants a
 * tenth of the pace that each limit stands for (120 a minute and 50,000 a day: a call every 17 s),
 * and books that when KV is back. A wearer must not be left blind because the books are shut, and a
 * bill may not grow without end because they are: a tenth for each process bounds it. What was known
 * to be used up before stays so.
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";
import type { Counters } from "../counters.ts";
import type { Logger } from "../log.ts";
import { CallAccount } from "./_call_account.ts";
import { StreamPlaces } from "./_stream_places.ts";

/** So long may a process take to give back what it does not use. */
const CLOSE_TIMEOUT_MS = 1_000;

/** The most streams at once that can be counted: their places lie in one value of 64 KiB. */
export const MAX_BUDGET_STREAMS = 400;

/** What a wearer may use. A limit of 0 means off. */
export interface BudgetLimits {
  readonly callsPerMinute: number;
  readonly callsPerDay: number;
  readonly gpuSecondsPerDay: number;
  /** At once; at most {@link MAX_BUDGET_STREAMS}. */
  readonly streams: number;
}

/** What can be used up. */
export type CallBudget = "calls_per_minute" | "calls_per_day" | "gpu_seconds_per_day";

/** Whether a call may be made. */
export type CallOutcome =
  | { readonly kind: "granted" }
  /** KV is being asked, or cannot be reached: see {@link BudgetAccount.whenReady}. */
  | { readonly kind: "pending" }
  | {
    readonly kind: "exhausted";
    readonly budget: CallBudget;
    /** When the next call comes free, above 0, unless another process takes it. */
    readonly retryAfterMs: number;
  };

/** What is used up and when it goes on, in words for the wearer. */
export function usedUpText({ budget, retryAfterMs }: CallOutcome & { kind: "exhausted" }): string {
  const seconds = Math.ceil(retryAfterMs / 1000);
  const wait = seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
  return `The budget of ${budget.replaceAll("_", " ")} is used up: it goes on in ${wait}`;
}

/** One wearer's calls in this process, shared by all the wearer's streams here. Does no I/O. */
export interface BudgetAccount {
  /** Takes one inference call. */
  takeCall(): CallOutcome;
  /**
   * Calls `ready` once, when {@link takeCall} is worth asking again after it did not grant: it may
   * grant now, or has become exhausted. Those who wait are called in the order of asking.
   */
  whenReady(ready: () => void): Cancel;
  /** What a call cost, in seconds of GPU; booked in the background. */
  spent(gpuSeconds: number): void;
}

/** A place for one stream. */
export interface StreamLease {
  /**
   * From now on the place is renewed until it is released. Without this it comes free by itself: a
   * client may go away between the request and the open socket, and nobody would hear of it.
   */
  keep(): void;
  /** Frees the place. Resolves always, in bounded time; what KV refuses expires by itself. */
  release(): Promise<void>;
}

/** Whether a stream has a place. */
export type StreamOutcome =
  | { readonly kind: "granted"; readonly lease: StreamLease }
  | {
    readonly kind: "refused";
    /** When the place of a stream that has died comes free at the earliest, above 0. */
    readonly retryAfterMs: number;
  }
  | {
    readonly kind: "unavailable";
    /** For the log. */
    readonly reason: string;
    /** For a caller who lets the stream in: once kept, it is counted as soon as KV is back. */
    readonly lease: StreamLease;
  };

/** The budgets of all wearers, as this process sees them. */
export interface Budgets {
  /** One wearer's account; the same each time. */
  account(wearer: string): BudgetAccount;
  /**
   * A place for one more stream. A stream that comes back under the same id takes its own place
   * over, from another process too. KV is asked, within two seconds.
   */
  takeStream(wearer: string, streamId: string): Promise<StreamOutcome>;
  /** Stops timers and gives back what is unused, as far as KV answers within a second. */
  close(): Promise<void>;
}

/** What {@link Budgets} need. */
export interface BudgetsOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  readonly limits: BudgetLimits;
  readonly newId: () => string;
  readonly counters: Counters;
  readonly log: Logger;
}

/** Opens the budgets of this process. They must be closed, before KV is. */
export function createBudgets(options: BudgetsOptions): Budgets {
  return new KvBudgets(options);
}

/** An account without limits. */
export const UNLIMITED: BudgetAccount = {
  takeCall: () => ({ kind: "granted" }),
  whenReady: () => () => {},
  spent() {},
};

class KvBudgets implements Budgets {
  readonly #options: BudgetsOptions;
  readonly #accounts = new Map<string, CallAccount>();
  readonly #places: StreamPlaces;

  constructor(options: BudgetsOptions) {
    this.#options = options;
    this.#places = new StreamPlaces(options, options.limits.streams);
  }

  account(wearer: string): BudgetAccount {
    const { limits } = this.#options;
    if (!limits.callsPerMinute && !limits.callsPerDay && !limits.gpuSecondsPerDay) return UNLIMITED;
    const known = this.#accounts.get(wearer);
    if (known) return known;
    const account = new CallAccount(this.#options, limits, wearer);
    this.#accounts.set(wearer, account);
    return account;
  }

  takeStream(wearer: string, streamId: string): Promise<StreamOutcome> {
    return this.#places.take(wearer, streamId);
  }

  async close(): Promise<void> {
    const { clock } = this.#options;
    const { promise: timeIsUp, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(CLOSE_TIMEOUT_MS, resolve);
    const accounts = [...this.#accounts.values()].map((account) => account.close());
    await Promise.race([Promise.all([...accounts, this.#places.close()]), timeIsUp]);
    cancel();
  }
}
