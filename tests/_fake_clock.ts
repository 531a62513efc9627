/**
 * A clock whose time stands still until the test moves it.
 *
 * @module
 */
import FakeTimers from "@sinonjs/fake-timers";
import type { Clock } from "../clock.ts";

/** A {@link Clock} in the hands of a test. Nothing global is replaced. */
export interface FakeClock extends Clock {
  /** Moves time on by `ms` and runs what falls due, in order. Promises are not awaited. */
  tick(ms: number): void;
  /** Like {@link tick}, and lets promises and real I/O run before, between and after. */
  tickAsync(ms: number): Promise<void>;
  /** Moves time on in steps until `promise` settles, for waits that also depend on real I/O. */
  tickUntil<T>(promise: Promise<T>, stepMs?: number): Promise<T>;
  /** Sets the wall clock, as an operator or NTP does; timers and durations do not notice. */
  setEpochMs(epochMs: number): void;
  /** How many timers are set and have not run: 0 when nothing was left behind. */
  readonly pendingTimers: number;
}

/** @param startEpochMs the wall time at the start; monotonic time starts at 0 */
export function createFakeClock(startEpochMs = Date.UTC(2026, 0, 1)): FakeClock {
  const timers = FakeTimers.createClock(startEpochMs);
  const startMs = timers.performance.now();
  return {
    epochMs: () => timers.now,
    monotonicMs: () => timers.performance.now() - startMs,
    after(delayMs, run) {
      const timer = timers.setTimeout(run, delayMs);
      return () => timers.clearTimeout(timer);
    },
    tick: (ms) => void timers.tick(ms),
    tickAsync: async (ms) => void await timers.tickAsync(ms),
    async tickUntil(promise, stepMs = 10) {
      let isSettled = false;
      const settled = () => void (isSettled = true);
      promise.then(settled, settled);
      while (!isSettled) await timers.tickAsync(stepMs);
      return promise;
    },
    setEpochMs: (epochMs) => timers.setSystemTime(epochMs),
    get pendingTimers() {
      return timers.countTimers();
    },
  };
}
