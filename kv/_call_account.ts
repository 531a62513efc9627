/**
 * One wearer's calls in one process: spends from its lot at once, and settles with KV in the
 * background.
 *
 * @module
 */
import { type Cancel, type Clock, withDeadline } from "../clock.ts";
import { reasonOf } from "../log.ts";
import {
  CALL_BUDGET_TTL_MS,
  type Exhaustion,
  LOT_MS,
  type Position,
  settle,
  type Settlement,
} from "./_call_ledger.ts";
import { overdraftIntervalMs, wishedLot } from "./_call_pace.ts";
import { type Outage, outageAfter } from "./_outage.ts";
import { CONFLICT, retryContended } from "./_retry_contended.ts";
import { until } from "./_until.ts";
import type { BudgetAccount, BudgetLimits, BudgetsOptions, CallOutcome } from "./budgets.ts";
import { hasExpired } from "./keys.ts";
import { callBudgetKey, type CallBudgetRecord } from "./ration_keys.ts";

/** KV that does not answer within this time is taken to be down. */
const SETTLE_TIMEOUT_MS = 2_000;
/** A lot in use is settled so often, well before its time is over; one out of use is given back. */
const RENEW_MS = 20_000;
/** Times are monotonic. */
interface Taken {
  readonly atMs: number;
  readonly isFromLot: boolean;
}

interface UsedUp {
  readonly exhaustion: Exhaustion;
  readonly untilMs: number;
  readonly recheckAtMs: number;
}

/** A {@link BudgetAccount} on KV. All its times are monotonic; what goes to KV becomes wall time. */
export class CallAccount implements BudgetAccount {
  readonly #options: BudgetsOptions;
  readonly #limits: BudgetLimits;
  readonly #clock: Clock;
  readonly #key: Deno.KvKey;
  readonly #id: string;
  readonly #wishedLot: number;
  readonly #waiting = new Set<() => void>();
  #held = 0;
  #heldUntilMs = 0;
  #takenCount = 0;
  /** The latest calls taken, all that KV may not have booked. */
  #latest: Taken[] = [];
  #reportCount = 0;
  #gpuSeconds = 0;
  #bookedGpuSeconds = 0;
  #wasAsked = false;
  #settledAtMs = -Infinity;
  #settling: Promise<void> | null = null;
  #usedUp: UsedUp | null = null;
  #outage: Outage | null = null;
  #mayOverdrawAtMs = -Infinity;
  #cancelTimer: Cancel = () => {};
  #wroteRecord = false;
  #isClosed = false;

  constructor(options: BudgetsOptions, limits: BudgetLimits, wearer: string) {
    this.#options = options;
    this.#limits = limits;
    this.#clock = options.clock;
    this.#key = callBudgetKey(wearer);
    this.#id = options.newId();
    this.#wishedLot = wishedLot(limits);
  }

  takeCall(): CallOutcome {
    const nowMs = this.#clock.monotonicMs();
    this.#wasAsked = true;
    this.#dropStaleLot(nowMs);
    if (this.#held > 0) {
      this.#held--;
      this.#take(nowMs, true);
      if (this.#held <= this.#wishedLot / 2) this.#settleIfDue(nowMs);
      return { kind: "granted" };
    }
    this.#settleIfDue(nowMs);
    if (this.#usedUp && nowMs < this.#usedUp.untilMs) return exhausted(this.#usedUp, nowMs);
    if (this.#mayOverdraw(nowMs)) {
      this.#mayOverdrawAtMs = nowMs + this.#overdraftIntervalMs();
      this.#take(nowMs, false);
      return { kind: "granted" };
    }
    return { kind: "pending" };
  }

  whenReady(ready: () => void): Cancel {
    // A wrapper, so that the same function may wait twice.
    const turn = () => ready();
    this.#waiting.add(turn);
    this.#plan();
    return () => {
      this.#waiting.delete(turn);
      this.#plan();
    };
  }

  spent(gpuSeconds: number): void {
    if (!(gpuSeconds >= 0 && gpuSeconds < Infinity)) return;
    this.#reportCount++;
    this.#gpuSeconds += gpuSeconds;
    this.#plan();
  }

  /** Gives the lot back. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#waiting.clear();
    this.#cancelTimer();
    await this.#settling;
    if (this.#held > 0 || this.#hasUnbooked) await this.#settle(0);
  }

  get #hasUnbooked(): boolean {
    return this.#latest.length > 0 || this.#gpuSeconds > this.#bookedGpuSeconds;
  }

  #take(atMs: number, isFromLot: boolean): void {
    this.#takenCount++;
    this.#latest.push({ atMs, isFromLot });
    this.#plan();
  }

  #dropStaleLot(nowMs: number): void {
    if (nowMs >= this.#heldUntilMs) this.#held = 0;
  }

  /** What was known to be used up stays so. */
  #mayOverdraw(nowMs: number): boolean {
    if (this.#usedUp && nowMs < this.#usedUp.untilMs) return false;
    return this.#outage !== null && this.#outage.isLong && nowMs >= this.#mayOverdrawAtMs;
  }

  #overdraftIntervalMs(): number {
    const mean = this.#reportCount > 0 ? this.#gpuSeconds / this.#reportCount : null;
    return overdraftIntervalMs(this.#limits, mean);
  }

  #settleIfDue(nowMs: number): void {
    if (this.#settling || this.#isClosed) return;
    if (this.#usedUp && nowMs < this.#usedUp.recheckAtMs) return;
    if (this.#outage && nowMs < this.#outage.retryAtMs) return;
    const want = this.#wasAsked || this.#waiting.size > 0 ? this.#wishedLot : 0;
    this.#settling = this.#settle(want).finally(() => {
      this.#settling = null;
      this.#plan();
    });
  }

  /** Resolves always. */
  async #settle(want: number): Promise<void> {
    const askedAtMs = this.#clock.monotonicMs();
    this.#wasAsked = false;
    // Nobody shall spend what is being given back.
    if (want === 0) this.#held = 0;
    try {
      await withDeadline(this.#clock, SETTLE_TIMEOUT_MS, null, async (within) => {
        const work = retryContended(this.#clock, "settle the budget", () => {
          within.throwIfAborted();
          return this.#attempt(want);
        });
        (await until(within, work))();
      });
    } catch (error) {
      this.#failed(askedAtMs, reasonOf(error));
    }
  }

  /** Gives what is to be done once the answer was in time: a late one is found in KV next time. */
  async #attempt(want: number): Promise<(() => void) | typeof CONFLICT> {
    const entry = await this.#options.kv.get<CallBudgetRecord>(this.#key);
    const nowMs = this.#clock.monotonicMs();
    const epochMs = this.#clock.epochMs();
    const stored = entry.value && !hasExpired(entry.value, epochMs) ? entry.value : null;
    // It was erased with its wearer, and what was used before with it.
    const isErased = entry.value === null && this.#wroteRecord;
    if (isErased) this.#forget();
    // What was asked for was asked for before.
    const wanted = isErased && this.#waiting.size === 0 ? 0 : want;
    const position = this.#position(wanted, nowMs, epochMs);
    const settlement = settle(stored, position, this.#limits, epochMs);
    if (settlement.record) {
      const { ok } = await this.#options.kv.atomic().check(entry)
        .set(this.#key, settlement.record, { expireIn: CALL_BUDGET_TTL_MS }).commit();
      if (!ok) return CONFLICT;
      this.#wroteRecord = true;
    }
    return () => this.#settled(settlement, position, nowMs);
  }

  #position(want: number, nowMs: number, epochMs: number): Position {
    this.#dropStaleLot(nowMs);
    return {
      accountId: this.#id,
      held: this.#held,
      want,
      takenCount: this.#takenCount,
      // By age, so that a wall clock that was set in between moves no call.
      latest: this.#latest.map((taken) => ({ ...taken, atMs: epochMs - (nowMs - taken.atMs) })),
      gpuSeconds: this.#gpuSeconds,
      bookedGpuSeconds: this.#bookedGpuSeconds,
    };
  }

  #forget(): void {
    this.#wroteRecord = false;
    this.#held = 0;
    this.#latest = [];
    this.#bookedGpuSeconds = this.#gpuSeconds;
  }

  #settled(settlement: Settlement, position: Position, atMs: number): void {
    const { granted, isLotLost, exhaustion } = settlement;
    // What was taken since the attempt counts against the new lot, or went with the lost one.
    const since = this.#latest.slice(
      this.#latest.length - (this.#takenCount - position.takenCount),
    );
    this.#latest = isLotLost ? since.filter(({ isFromLot }) => !isFromLot) : since;
    this.#bookedGpuSeconds = position.gpuSeconds;
    this.#held = isLotLost ? granted : this.#held + granted;
    this.#heldUntilMs = atMs + LOT_MS;
    this.#settledAtMs = atMs;
    this.#outage = null;
    const wasUsedUp = this.#usedUp !== null;
    this.#usedUp = exhaustion && {
      exhaustion,
      untilMs: atMs + exhaustion.retryAfterMs,
      recheckAtMs: atMs + exhaustion.recheckAfterMs,
    };
    if (this.#held > 0 || (exhaustion && !wasUsedUp)) this.#wake();
  }

  #failed(askedAtMs: number, reason: string): void {
    const { counters, log } = this.#options;
    counters.kvFailures++;
    if (!this.#outage) log.error("kv.budget_failed", { reason });
    this.#outage = outageAfter(this.#outage, askedAtMs, this.#clock.monotonicMs());
  }

  #wake(): void {
    const turns = [...this.#waiting];
    this.#waiting.clear();
    for (const turn of turns) turn();
  }

  /** Sets the one timer for what comes next. */
  #plan(): void {
    this.#cancelTimer();
    this.#cancelTimer = () => {};
    if (this.#isClosed || this.#settling) return;
    const nowMs = this.#clock.monotonicMs();
    const dueAtMs = this.#nextDueMs();
    if (dueAtMs === Infinity) return;
    this.#cancelTimer = this.#clock.after(Math.max(0, dueAtMs - nowMs), () => this.#due());
  }

  #nextDueMs(): number {
    const isWaitedFor = this.#waiting.size > 0;
    if (isWaitedFor && this.#held > 0) return this.#clock.monotonicMs();
    const dues: number[] = [];
    if (this.#held > 0 || this.#hasUnbooked) dues.push(this.#settledAtMs + RENEW_MS);
    if (isWaitedFor) {
      dues.push(this.#usedUp ? this.#usedUp.recheckAtMs : -Infinity);
    }
    const settleAtMs = Math.max(Math.min(...dues), this.#outage?.retryAtMs ?? -Infinity);
    if (!isWaitedFor || !this.#outage?.isLong) return settleAtMs;
    return Math.min(settleAtMs, Math.max(this.#mayOverdrawAtMs, this.#usedUp?.untilMs ?? 0));
  }

  #due(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#dropStaleLot(nowMs);
    this.#settleIfDue(nowMs);
    if (this.#held > 0 || this.#mayOverdraw(nowMs)) this.#wake();
    this.#plan();
  }
}

function exhausted({ exhaustion, untilMs }: UsedUp, nowMs: number): CallOutcome {
  return {
    kind: "exhausted",
    budget: exhaustion.budget,
    retryAfterMs: Math.max(1, Math.ceil(untilMs - nowMs)),
  };
}
