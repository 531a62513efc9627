/**
 * Time, passed in. Whatever waits or measures takes a {@link Clock}, so a test owns the time.
 *
 * @module
 */

/** Where time comes from. */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch: for records and expiry. */
  epochMs(): number;
  /** Milliseconds that never run backwards, from an arbitrary start: for durations. */
  monotonicMs(): number;
  /** Calls `run` once, `delayMs` from now, unless cancelled first. */
  after(delayMs: number, run: () => void): Cancel;
}

/** Takes back what was scheduled. Calling it late or twice does nothing. */
export type Cancel = () => void;

/** The machine's own clock. */
export const systemClock: Clock = {
  epochMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
