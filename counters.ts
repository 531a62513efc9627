/**
 * What the process counts about itself since it started.
 *
 * @module
 */

/** Counted where it happens, read by `/health`. */
export interface Counters {
  /** Reads and writes that KV refused; what asked for them went on without. */
  kvFailures: number;
}

/** All at zero. */
export function createCounters(): Counters {
  return { kvFailures: 0 };
}
