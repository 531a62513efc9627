/**
 * Many short sessions, and what lies in KV because of them.
 *
 * @module
 */
import { searchDayPrefix, searchPrefix } from "../../../kv/timeline_keys.ts";
import { silentLogger } from "../../../log.ts";
import { Compaction } from "../../../timeline/search/compaction.ts";
import type { Books } from "./_books.ts";

/** Compaction as a process of these books has it. */
export function compactionOf({ kv, clock }: Pick<Books, "kv" | "clock">): Compaction {
  return new Compaction({ kv, clock, log: silentLogger });
}

/** Writes sessions that are over, of three captions each: `cup N AT`. */
export async function writeMany(books: Books, count: number, from = 0): Promise<void> {
  for (let at = from; at < from + count; at++) {
    await books.writeOver(`s${at}`, [0, 1, 2].map((chunk) => `cup ${at} ${chunk}`));
  }
}

/** Where each caption with a cup is found, once for each time that it is. */
export async function cupsIn({ search }: Books): Promise<string[]> {
  const hits = await search("cup", { limit: 1000 });
  return hits.map(({ session, chunks }) => `${session} ${chunks.first}-${chunks.last}`).sort();
}

/** What {@link cupsIn} finds of all that {@link writeMany} wrote. */
export function allCups(count: number): string[] {
  return Array.from(
    { length: count },
    (_, at) => [0, 1, 2].map((chunk) => `s${at} ${chunk}-${chunk}`),
  )
    .flat().sort();
}

/** How many values of sessions there are, and of days. */
export async function countValues(kv: Deno.Kv): Promise<{ loose: number; days: number }> {
  const count = async (prefix: Deno.KvKey) => (await Array.fromAsync(kv.list({ prefix }))).length;
  return { loose: await count(searchPrefix("ann")), days: await count(searchDayPrefix("ann")) };
}
