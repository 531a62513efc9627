/**
 * How many calls a process puts aside at once, and how fast it may go on without KV.
 *
 * @module
 */
import type { BudgetLimits } from "./budgets.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Five seconds' worth of the minute's calls: few enough for several processes to share them. */
const LOTS_PER_MINUTE = 12;
const LOTS_PER_DAY = 100;
const MAX_LOT = 100;
/** Where nothing limits the calls themselves. */
const DEFAULT_LOT = 10;

/** Without KV each process takes this share of the pace that a limit stands for. */
const OVERDRAFT_SHARE = 0.1;
/** What a call costs before one is known. */
const FIRST_GUESS_GPU_SECONDS = 1;

/** Calls that an account in use would like to hold, 1 at least. */
export function wishedLot({ callsPerMinute, callsPerDay }: BudgetLimits): number {
  return Math.min(
    callsPerMinute > 0 ? Math.ceil(callsPerMinute / LOTS_PER_MINUTE) : DEFAULT_LOT,
    callsPerDay > 0 ? Math.ceil(callsPerDay / LOTS_PER_DAY) : DEFAULT_LOT,
    MAX_LOT,
  );
}

/**
 * Milliseconds between two calls that are taken without KV.
 *
 * @param meanGpuSeconds what a call cost so far; null: none is known
 */
export function overdraftIntervalMs(limits: BudgetLimits, meanGpuSeconds: number | null): number {
  const { callsPerMinute, callsPerDay, gpuSecondsPerDay } = limits;
  const mean = meanGpuSeconds ?? FIRST_GUESS_GPU_SECONDS;
  return Math.max(
    callsPerMinute > 0 ? MINUTE_MS / callsPerMinute : 0,
    callsPerDay > 0 ? DAY_MS / callsPerDay : 0,
    gpuSecondsPerDay > 0 ? DAY_MS * mean / gpuSecondsPerDay : 0,
  ) / OVERDRAFT_SHARE;
}
