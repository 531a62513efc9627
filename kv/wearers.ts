/**
 * Whose records there are.
 *
 * @module
 */
import { wearerPrefix } from "./keys.ts";

const [ROOT] = wearerPrefix("");

/**
 * All wearers that KV holds anything of, in the order of their names: one read for each, whatever
 * they have. Rejects with KV's own error.
 */
export async function* wearersIn(kv: Deno.Kv): AsyncGenerator<string, void, void> {
  let start: Deno.KvKey = [ROOT!];
  while (true) {
    const end = [ROOT!, true];
    const [entry] = await Array.fromAsync(kv.list({ start, end }, { limit: 1 }));
    if (!entry) return;
    const wearer = String(entry.key[1]);
    yield wearer;
    // Behind all that a name begins with: numbers, booleans and bytes are no wearers' names.
    start = [ROOT!, `${wearer}\0`];
  }
}
