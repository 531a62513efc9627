/**
 * Real Deno KV for a test: in memory, or in a file that other processes open too.
 *
 * @module
 */
import { withScratch } from "../_scratch.ts";

/** Runs `test` with a KV in memory, closed afterwards. */
export async function withKv(test: (kv: Deno.Kv) => Promise<void>): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  try {
    await test(kv);
  } finally {
    kv.close();
  }
}

/** Runs `test` with the path of a database that does not exist yet, removed afterwards. */
export function withKvPath(test: (path: string) => Promise<void>): Promise<void> {
  return withScratch((folder) => test(`${folder}/kv.sqlite`));
}

/** All that lies in the database, one JSON text. */
export async function dumpKv(kv: Deno.Kv): Promise<string> {
  const entries = [];
  for await (const { key, value } of kv.list({ prefix: [] })) entries.push({ key, value });
  return JSON.stringify(entries);
}
