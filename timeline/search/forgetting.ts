/**
 * Takes sessions out of what has been put together of several (see `compaction.ts`).
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { SearchDays } from "../../kv/search_days.ts";
import { decodeDay, encodeDay, isGoneBy, type Part, partsOf, withoutParts } from "./_day_block.ts";

/**
 * Removes all words of these sessions from the blocks of days, and of whatever else has expired.
 *
 * It comes after the sessions' own records or blocks are deleted: then what is just being put
 * together is met here, or not written. Rejects with KV's own error; to repeat it is safe.
 *
 * @param sessionIds may be empty: then only what has expired goes
 */
export async function forgetSessions(
  { kv, clock }: { readonly kv: Deno.Kv; readonly clock: Clock },
  wearer: string,
  sessionIds: ReadonlySet<string>,
): Promise<void> {
  const hasExpired = isGoneBy(clock.epochMs());
  const isGone = (part: Part) => hasExpired(part) || sessionIds.has(part.sessionId);
  await new SearchDays({ kv, clock }, wearer).rewrite((record) => {
    if (!partsOf(record).some(isGone)) return record;
    const left = withoutParts(decodeDay(record), isGone);
    return left.parts.length > 0 ? encodeDay(left) : null;
  });
}
