/**
 * Whether a wearer was given more of the model than its budget: the place for what budgets promise.
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

/** One sentence for each wearer that had more; null: there are no budgets. */
export function checkBudgets(calls: readonly Call[], budget: Budget | null): string[] {
  if (!budget) return [];
  const timesOf = Map.groupBy(calls, ({ wearer }) => wearer);
  return [...timesOf].flatMap(([wearer, ofWearer]) => {
    const times = ofWearer.map(({ atMs }) => atMs).sort((one, other) => one - other);
    const isOver = times.some((atMs, at) =>
      atMs - (times[at - budget.calls] ?? -Infinity) < budget.windowMs
    );
    return isOver ? [`wearer ${wearer} had more than ${budget.calls} calls in a window`] : [];
  });
}
