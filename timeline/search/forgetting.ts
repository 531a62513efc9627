/**
 * Takes sessions, and what is past, out of what has been put together (see `compaction.ts`).
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { SearchDays } from "../../kv/search_days.ts";
import { decodeDay, encodeDay, isGoneBy, type Part, partsOf, withoutParts } from "./_day_block.ts";

/** What is to go. */
export interface Forgotten {
  /** Whatever these have. */
  readonly sessionIds?: ReadonlySet<string>;
  /** What was last seen at this moment (wall time) or before. */
  readonly cutoffMs?: number;
}

/**
 * Removes all of these words, and of whatever has expired, from the blocks of days.
 *
 * Where sessions go, it comes after their own records or blocks are deleted: then what is just being
 * put together is met here, or not written. Rejects with KV's own error; to repeat it is safe.
 *
 * @returns how many values were written anew or taken away
 */
export async function forgetSearchDays(
  { kv, clock }: { readonly kv: Deno.Kv; readonly clock: Clock },
  wearer: string,
  { sessionIds = new Set(), cutoffMs = -Infinity }: Forgotten,
): Promise<number> {
  const hasExpired = isGoneBy(clock.epochMs());
  const isGone = (part: Part) =>
    hasExpired(part) || part.endMs <= cutoffMs || sessionIds.has(part.sessionId);
  return await new SearchDays({ kv, clock }, wearer).rewrite((record) => {
    if (!partsOf(record).some(isGone)) return record;
    const left = withoutParts(decodeDay(record), isGone);
    return left.parts.length > 0 ? encodeDay(left) : null;
  });
}
