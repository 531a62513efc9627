/**
 * KV that does not answer: when it is asked again, and when it is not waited for any more.
 *
 * @module
 */

/** KV that failed is asked again after so long, twice as long each time. */
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 8_000;

/** KV that is away for so long is not waited for any more. */
const PATIENCE_MS = 5_000;

/** Failures in a row. Times are monotonic. */
export interface Outage {
  readonly sinceMs: number;
  readonly retryAtMs: number;
  readonly retryMs: number;
  /** Whether it was still there at the end of {@link PATIENCE_MS}. */
  readonly isLong: boolean;
}

/**
 * The outage after one more failure.
 *
 * @param askedAtMs when KV was asked that has failed by `nowMs`
 */
export function outageAfter(earlier: Outage | null, askedAtMs: number, nowMs: number): Outage {
  // An outage that nobody watched may have ended, and this be another.
  const before = earlier && askedAtMs <= earlier.retryAtMs + FIRST_RETRY_MS ? earlier : null;
  const sinceMs = before?.sinceMs ?? askedAtMs;
  const isLong = nowMs >= sinceMs + PATIENCE_MS;
  const retryMs = before ? Math.min(2 * before.retryMs, MAX_RETRY_MS) : FIRST_RETRY_MS;
  const retryAtMs = Math.min(nowMs + retryMs, isLong ? Infinity : sinceMs + PATIENCE_MS);
  return { sinceMs, retryMs, isLong, retryAtMs };
}
