/**
 * All that is known of a wearer, as text that can be read while it is being made.
 *
 * What lies under the wearer's prefix is said as it is stored, whatever it is: so a record that a
 * later feature adds cannot be forgotten here.
 *
 * @module
 */
import { wearerPrefix } from "../kv/keys.ts";

/** Pieces of about so many characters: one line at a time would be slow, all at once too much. */
const PIECE_CHARS = 32 * 1024;
/** Said of nobody: hashes of secrets, and secrets that are sealed. */
const LEFT_OUT: ReadonlySet<string> = new Set(["secretHash", "sealed"]);
/** A value is at most 64 KiB. */
const BATCH = 50;

/**
 * NDJSON: a line `{record, key, value}` for each record, in the order of their keys; at last
 * `{record: "end", counts}`, without which something is missing. Bytes are base64; `expiresAtMs` is
 * null for what is kept for good. Hashes of secrets, and sealed secrets, are left out.
 *
 * Not one moment: what is written meanwhile may be in it or not. Rejects with KV's own error.
 */
export async function* exportOf(kv: Deno.Kv, wearer: string): AsyncGenerator<string, void, void> {
  const prefix = wearerPrefix(wearer);
  const counts: Record<string, number> = {};
  let piece = "";
  for await (const { key, value } of kv.list({ prefix }, { batchSize: BATCH })) {
    const [record, ...rest] = key.slice(prefix.length);
    piece += lineOf({ record, key: rest, value });
    counts[String(record)] = (counts[String(record)] ?? 0) + 1;
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = "";
  }
  yield piece + lineOf({ record: "end", counts });
}

function lineOf(line: unknown): string {
  return `${JSON.stringify(line, asJson)}\n`;
}

function asJson(name: string, value: unknown): unknown {
  if (LEFT_OUT.has(name)) return undefined;
  if (typeof value === "bigint") return String(value);
  return value instanceof Uint8Array ? value.toBase64() : value;
}
