/**
 * How long a stream leaves an unreachable model alone.
 *
 * @module
 */

const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 30_000;
/** Streams that lost the model together should not come back together. */
const JITTER = 0.2;

/**
 * Milliseconds until the next attempt.
 *
 * @param failures attempts that have failed in a row before this one
 * @param wasOpen the model was there a moment ago, so the first retry is free: a connection that
 *   was cut between two chunks costs one chunk at most
 */
export function retryDelayMs(
  failures: number,
  wasOpen: boolean,
  random: () => number = Math.random,
): number {
  const doublings = wasOpen ? failures - 1 : failures;
  if (doublings < 0) return 0;
  const delayMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** doublings);
  return delayMs * (1 - JITTER * random());
}
