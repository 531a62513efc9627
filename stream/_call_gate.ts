/**
 * Asks a stream's budget before each call, and waits where it is used up (WIRE S2, S5).
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";
import { type BudgetAccount, type CallOutcome, usedUpText } from "../kv/budgets.ts";

/** What becomes of frames that waited when the gate was shut. */
export const BUDGET_USED_UP = "The budget was used up before these frames were looked at";

/** A call that comes free so soon is waited for: frames are collected, and nothing is said. */
const MAX_QUIET_WAIT_MS = 5_000;
/** A budget that was not used up for so long has recovered: the next time is told again. */
const RECOVERY_MS = 60_000;

/** Who hears of the gate. */
export interface CallGateListener {
  /** The budget is used up for longer; told once, until it has recovered. */
  usedUp(reason: string, retryAfterMs: number): void;
  /** It is worth asking again. */
  ready(): void;
}

/** `shut`: the budget is used up for longer, and what waits for it need not wait. */
export type Passage = "granted" | "later" | "shut";

/** One stream's gate. */
export class CallGate {
  readonly #account: BudgetAccount;
  readonly #clock: Clock;
  readonly #listener: CallGateListener;
  #waiting: Cancel | null = null;
  #wake: () => void = () => {};
  #isShut = false;
  /** When the budget was last used up for longer; null: it has recovered. */
  #usedUpAtMs: number | null = null;

  constructor(account: BudgetAccount, clock: Clock, listener: CallGateListener) {
    this.#account = account;
    this.#clock = clock;
    this.#listener = listener;
  }

  /** Whether it is no use to ask before {@link CallGateListener.ready}. */
  get isWaiting(): boolean {
    return this.#waiting !== null;
  }

  /** Whether frames that come now will not be looked at. */
  get isShut(): boolean {
    return this.#isShut;
  }

  /** Takes one call. */
  pass(): Passage {
    const call = this.#account.takeCall();
    if (call.kind === "granted") {
      this.#recover();
      return "granted";
    }
    this.#waiting?.();
    this.#waiting = this.#account.whenReady(() => this.#open());
    if (call.kind === "pending" || call.retryAfterMs <= MAX_QUIET_WAIT_MS) return "later";
    this.#shut(call);
    return "shut";
  }

  /** Resolves when it is worth asking again, or when the gate is closed. */
  async opened(): Promise<void> {
    if (this.#waiting === null) return;
    await new Promise<void>((resolve) => this.#wake = resolve);
  }

  /** What a call cost, in seconds of GPU. */
  spent(gpuSeconds: number): void {
    this.#account.spent(gpuSeconds);
  }

  /** Waits no more. */
  close(): void {
    this.#waiting?.();
    this.#waiting = null;
    this.#wake();
  }

  #open(): void {
    this.#waiting = null;
    this.#isShut = false;
    this.#wake();
    this.#listener.ready();
  }

  #shut(call: CallOutcome & { kind: "exhausted" }): void {
    this.#isShut = true;
    const wasTold = this.#usedUpAtMs !== null;
    this.#usedUpAtMs = this.#clock.monotonicMs();
    if (!wasTold) this.#listener.usedUp(usedUpText(call), Math.ceil(call.retryAfterMs));
  }

  #recover(): void {
    if (this.#usedUpAtMs === null) return;
    if (this.#clock.monotonicMs() - this.#usedUpAtMs >= RECOVERY_MS) this.#usedUpAtMs = null;
  }
}
