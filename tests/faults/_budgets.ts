/**
 * Whether more was asked of the model than the budget has.
 *
 * @module
 */
import type { Call } from "./_eyes.ts";

/** What a wearer may use. */
export interface Budget {
  readonly calls: number;
  /** In any window of this length. */
  readonly windowMs: number;
}

/**
 * One sentence if any window held more calls. All sessions are one wearer's. A call that Modal runs
 * again, as its container was killed, shows the same frames and counts once.
 */
export function checkBudget(calls: readonly Call[], budget: Budget): string[] {
  const first = new Map<string, number>();
  for (const { chunk, atMs } of calls) if (!first.has(chunk)) first.set(chunk, atMs);
  const times = [...first.values()].sort((one, other) => one - other);
  const over = times.find((atMs, at) =>
    atMs - (times[at - budget.calls] ?? -Infinity) < budget.windowMs
  );
  return over === undefined ? [] : [`more than ${budget.calls} calls in a window of a minute`];
}
