/**
 * How long to wait before coming back.
 *
 * @module
 */

/** Waits double from `firstMs` up to `maxMs`. */
export interface BackOff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * Half of it by chance: after an outage not all clients come at once.
 *
 * @param failures in a row, from 1
 * @param random from 0 to below 1
 */
export function backOffMs({ firstMs, maxMs }: BackOff, failures: number, random: number): number {
  const fullMs = Math.min(maxMs, firstMs * 2 ** (failures - 1));
  return fullMs / 2 + random * fullMs / 2;
}
