/**
 * What a day's reading is held against: the same from the file, without anything in between.
 *
 * @module
 */
import { chunkPrefix, type ChunkRecord, DEFAULT_WEARER, wearerPrefix } from "../kv/keys.ts";

const BATCH = 500;

/** Reads every caption and looks for the word, as one would without an index. */
export async function scanFor(kv: Deno.Kv, word: string): Promise<{ found: number; ms: number }> {
  const beganMs = performance.now();
  let found = 0;
  const listed = kv.list<ChunkRecord>({ prefix: chunkPrefix(DEFAULT_WEARER) }, {
    batchSize: BATCH,
  });
  for await (const { value: { outcome } } of listed) {
    if (outcome.status === "captioned" && outcome.caption.toLowerCase().includes(word)) found++;
  }
  return { found, ms: performance.now() - beganMs };
}

/** Lists all that an export says, and says nothing. */
export async function listAll(kv: Deno.Kv): Promise<{ records: number; ms: number }> {
  const beganMs = performance.now();
  let records = 0;
  const listed = kv.list({ prefix: wearerPrefix(DEFAULT_WEARER) }, { batchSize: BATCH });
  for await (const _ of listed) records++;
  return { records, ms: performance.now() - beganMs };
}
