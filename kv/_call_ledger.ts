/**
 * The arithmetic of call budgets: what a record in KV becomes when an account settles with it. Pure;
 * see `budgets.ts` for what it promises.
 *
 * @module
 */
import type { BudgetLimits, CallBudget } from "./budgets.ts";
import type { CallBudgetRecord, CallLot, Tally } from "./ration_keys.ts";

/** A lot may be spent for so long after it was last settled. */
export const LOT_MS = 30_000;

/** Clocks of processes may differ by so much before a window gets shorter. */
export const CLOCK_SKEW_MS = 1_000;

const DAY_MS = 24 * 60 * 60_000;

/** Beyond this nothing in a record counts. */
export const CALL_BUDGET_TTL_MS = 2 * DAY_MS;

/** While others hold lots, which they may give back, a used-up budget is looked at so often. */
const RECHECK_MS = 5_000;

/** What a call costs before one is known. */
const FIRST_GUESS_GPU_SECONDS = 1;

/** The lot grows by at most this share of what is free, so that the last calls reach everybody. */
const SHARE_OF_FREE = 1 / 4;

interface Span {
  readonly stepMs: number;
  readonly windowMs: number;
}

const MINUTE: Span = { stepMs: 1_000, windowMs: 60_000 };
const DAY: Span = { stepMs: 15 * 60_000, windowMs: DAY_MS };

/** A call that was taken. */
export interface Spend {
  readonly atMs: number;
  /** Whether it came out of a lot; else out of what is allowed without KV. */
  readonly isFromLot: boolean;
}

/** What an account brings to be settled. Times are wall time. */
export interface Position {
  readonly accountId: string;
  /** Calls of its lot that it may still make. */
  readonly held: number;
  /** Calls that it would like to hold; 0: it gives all back. */
  readonly want: number;
  /** Calls ever taken, and the latest of them, oldest first: all that may not be booked. */
  readonly takenCount: number;
  readonly latest: readonly Spend[];
  /** Seconds of GPU ever reported, and those that are certainly booked. */
  readonly gpuSeconds: number;
  readonly bookedGpuSeconds: number;
}

/** Which budget is used up. */
export interface Exhaustion {
  readonly budget: CallBudget;
  /** Until when, if nobody gives calls back. Above 0. */
  readonly retryAfterMs: number;
  /** When it is worth looking again. Above 0. */
  readonly recheckAfterMs: number;
}

/** What is to be written, and what it gives the account. */
export interface Settlement {
  /** Null: nothing changes. */
  readonly record: CallBudgetRecord | null;
  readonly granted: number;
  /** The lot was counted as spent by others, as its time was over: nothing is left of it. */
  readonly isLotLost: boolean;
  readonly exhaustion: Exhaustion | null;
}

/** Books what the account took, and gives it what it wants of what is free. */
export function settle(
  stored: CallBudgetRecord | null,
  position: Position,
  limits: BudgetLimits,
  nowMs: number,
): Settlement {
  const own = stored?.lots.find(({ accountId }) => accountId === position.accountId);
  const books = openBooks(stored, own, nowMs);
  const spends = unbooked(position, own);
  for (const { atMs } of spends) books.add(atMs, 1, 0);
  const gpuSeconds = position.gpuSeconds - (own?.bookedGpuSeconds ?? position.bookedGpuSeconds);
  if (gpuSeconds > 0) books.add(nowMs, 0, gpuSeconds);
  const held = own ? Math.min(position.held, position.want) : 0;
  const rooms = roomsOf(limits, books, held);
  const free = Math.min(...rooms.map(({ free }) => free));
  const share = Math.ceil(Math.max(0, free) * SHARE_OF_FREE);
  const granted = Math.max(0, Math.min(position.want - held, share));
  const isSame = !own && granted === 0 && spends.length === 0 && gpuSeconds <= 0 &&
    !books.isRepaired;
  return {
    record: isSame ? null : recordOf(books, position, held + granted, nowMs),
    granted,
    isLotLost: !own,
    exhaustion: position.want > held && free <= 0 ? exhaustionOf(rooms, books.others, nowMs) : null,
  };
}

interface Books {
  readonly seconds: Tallies;
  readonly quarters: Tallies;
  /** What other accounts have put aside. */
  readonly others: readonly CallLot[];
  /** Something was of a clock that was far ahead, and would count for years if it stayed so. */
  readonly isRepaired: boolean;
  add(atMs: number, calls: number, gpuSeconds: number): void;
}

/** Of lots whose time is over nobody said what was used: all of it, as late as can be. */
function openBooks(
  stored: CallBudgetRecord | null,
  own: CallLot | undefined,
  nowMs: number,
): Books {
  const seconds = new Tallies(stored?.seconds ?? [], MINUTE, nowMs);
  const quarters = new Tallies(stored?.quarters ?? [], DAY, nowMs);
  const add = (atMs: number, calls: number, gpuSeconds: number) => {
    seconds.add(atMs, calls, gpuSeconds);
    quarters.add(atMs, calls, gpuSeconds);
  };
  const others: CallLot[] = [];
  let isRepaired = seconds.isRepaired || quarters.isRepaired;
  for (const lot of stored?.lots ?? []) {
    if (lot === own) continue;
    const isBeyond = lot.untilMs > nowMs + 2 * LOT_MS;
    const untilMs = isBeyond ? nowMs + LOT_MS : lot.untilMs;
    isRepaired ||= isBeyond;
    if (untilMs + CLOCK_SKEW_MS > nowMs) others.push({ ...lot, untilMs });
    else add(untilMs, lot.calls, 0);
  }
  return { seconds, quarters, others, isRepaired, add };
}

function recordOf(
  { seconds, quarters, others }: Books,
  { accountId, takenCount, gpuSeconds }: Position,
  calls: number,
  nowMs: number,
): CallBudgetRecord {
  const lot: CallLot = {
    accountId,
    calls,
    untilMs: nowMs + LOT_MS,
    bookedCalls: takenCount,
    bookedGpuSeconds: gpuSeconds,
  };
  return {
    version: 1,
    expiresAtMs: nowMs + CALL_BUDGET_TTL_MS,
    seconds: seconds.toRecord(),
    quarters: quarters.toRecord(),
    lots: calls === 0 ? others : [...others, lot],
  };
}

/** Without a lot in KV, what came out of it has been counted as spent. */
function unbooked({ takenCount, latest }: Position, own: CallLot | undefined): readonly Spend[] {
  if (!own) return latest.filter(({ isFromLot }) => !isFromLot);
  const count = takenCount - own.bookedCalls;
  return count > 0 ? latest.slice(-count) : [];
}

interface Room {
  readonly budget: CallBudget;
  /** Calls that may still be put aside. */
  readonly free: number;
  /** When so much has left the window that a call is free. */
  freesAtMs(): number;
}

function roomsOf(
  limits: BudgetLimits,
  { seconds, quarters, others }: Books,
  held: number,
): Room[] {
  const aside = held + others.reduce((sum, { calls }) => sum + calls, 0);
  const callRoom = (budget: CallBudget, limit: number, tallies: Tallies): Room => ({
    budget,
    free: limit - tallies.calls - aside,
    freesAtMs: () => tallies.whenBelow(({ calls }) => calls + aside < limit),
  });
  const { callsPerMinute, callsPerDay, gpuSecondsPerDay } = limits;
  const rooms: Room[] = [];
  if (callsPerMinute > 0) rooms.push(callRoom("calls_per_minute", callsPerMinute, seconds));
  if (callsPerDay > 0) rooms.push(callRoom("calls_per_day", callsPerDay, quarters));
  if (gpuSecondsPerDay > 0) {
    const { calls, gpuSeconds } = quarters;
    const mean = calls > 0 && gpuSeconds > 0 ? gpuSeconds / calls : FIRST_GUESS_GPU_SECONDS;
    rooms.push({
      budget: "gpu_seconds_per_day",
      free: Math.ceil((gpuSecondsPerDay - gpuSeconds) / mean) - aside,
      freesAtMs: () =>
        quarters.whenBelow((used) => used.gpuSeconds + aside * mean < gpuSecondsPerDay),
    });
  }
  return rooms;
}

/** Names the budget that keeps the account waiting for longest. */
function exhaustionOf(
  rooms: readonly Room[],
  others: readonly CallLot[],
  nowMs: number,
): Exhaustion {
  const usedUp = rooms.filter(({ free }) => free <= 0)
    .map((room) => ({ budget: room.budget, freesAtMs: room.freesAtMs() }))
    .sort((a, b) => b.freesAtMs - a.freesAtMs);
  const { budget, freesAtMs } = usedUp[0]!;
  const retryAfterMs = Math.max(1, Math.ceil(freesAtMs - nowMs));
  const mayComeBack = others.length > 0;
  return {
    budget,
    retryAfterMs,
    recheckAfterMs: mayComeBack ? Math.min(retryAfterMs, RECHECK_MS) : retryAfterMs,
  };
}

interface Used {
  readonly calls: number;
  readonly gpuSeconds: number;
}

/** What was used in a sliding window, in steps: a step counts until all of it has left the window. */
class Tallies {
  readonly #span: Span;
  readonly #nowMs: number;
  readonly #byStart = new Map<number, Used>();
  /** Whether some of it was of a clock that was far ahead: taken to be from now. */
  readonly isRepaired: boolean;

  constructor(tallies: readonly Tally[], span: Span, nowMs: number) {
    this.#span = span;
    this.#nowMs = nowMs;
    const isBeyond = (startMs: number) => startMs > nowMs + span.windowMs;
    this.isRepaired = tallies.some(([startMs]) => isBeyond(startMs));
    for (const [startMs, calls, gpuSeconds] of tallies) {
      this.add(isBeyond(startMs) ? nowMs : startMs, calls, gpuSeconds);
    }
  }

  get calls(): number {
    return [...this.#byStart.values()].reduce((sum, { calls }) => sum + calls, 0);
  }

  get gpuSeconds(): number {
    return [...this.#byStart.values()].reduce((sum, { gpuSeconds }) => sum + gpuSeconds, 0);
  }

  /** What has left the window already is not taken in. */
  add(atMs: number, calls: number, gpuSeconds: number): void {
    const startMs = Math.floor(atMs / this.#span.stepMs) * this.#span.stepMs;
    if (this.#leavesAtMs(startMs) <= this.#nowMs || calls + gpuSeconds === 0) return;
    const before = this.#byStart.get(startMs) ?? { calls: 0, gpuSeconds: 0 };
    this.#byStart.set(startMs, {
      calls: before.calls + calls,
      gpuSeconds: before.gpuSeconds + gpuSeconds,
    });
  }

  /** When steps have left until `isBelow` holds for the rest; if it never does, when lots end. */
  whenBelow(isBelow: (used: Used) => boolean): number {
    let { calls, gpuSeconds } = this;
    for (const [startMs, used] of [...this.#byStart].sort(([a], [b]) => a - b)) {
      calls -= used.calls;
      gpuSeconds -= used.gpuSeconds;
      if (isBelow({ calls, gpuSeconds })) return this.#leavesAtMs(startMs);
    }
    return this.#nowMs + LOT_MS + CLOCK_SKEW_MS;
  }

  toRecord(): Tally[] {
    return [...this.#byStart].map(([startMs, { calls, gpuSeconds }]) => [
      startMs,
      calls,
      gpuSeconds,
    ]);
  }

  #leavesAtMs(startMs: number): number {
    return startMs + this.#span.stepMs + this.#span.windowMs + CLOCK_SKEW_MS;
  }
}
