/**
 * Whether the rules of many wearers have changed, in one small read each.
 *
 * @module
 */
import { type Clock, withDeadline } from "../clock.ts";
import { reasonOf } from "../log.ts";
import { until } from "./_until.ts";
import { ruleSetKey } from "./rule_keys.ts";

/** As many as Deno KV gets at once. */
const BATCH_KEYS = 10;
/** Nobody waits longer for KV. */
const TIMEOUT_MS = 2_000;

/** What KV said. */
export interface RuleStamps {
  /**
   * By wearer: another with each commit that touched a rule; null: the wearer never had any. Those
   * that could not be read are missing.
   */
  readonly byWearer: ReadonlyMap<string, string | null>;
  /** Why some are missing; null: none is. */
  readonly failure: string | null;
}

/** Reads the stamps of these wearers. Resolves always, in bounded time, and once `signal` aborts. */
export async function readRuleStamps(
  { kv, clock }: { readonly kv: Deno.Kv; readonly clock: Clock },
  wearers: readonly string[],
  signal: AbortSignal,
): Promise<RuleStamps> {
  const byWearer = new Map<string, string | null>();
  let failure: string | null = null;
  const read = async (batch: readonly string[]) => {
    try {
      const entries = await withDeadline(
        clock,
        TIMEOUT_MS,
        signal,
        (within) => until(within, kv.getMany<unknown[]>(batch.map(ruleSetKey))),
      );
      batch.forEach((wearer, at) => byWearer.set(wearer, entries[at]!.versionstamp));
    } catch (error) {
      failure = reasonOf(error);
    }
  };
  const starts = Array.from({ length: Math.ceil(wearers.length / BATCH_KEYS) });
  await Promise.all(
    starts.map((_, at) => read(wearers.slice(at * BATCH_KEYS, (at + 1) * BATCH_KEYS))),
  );
  return { byWearer, failure };
}
