/**
 * Cursors: where a page ended, as clients hand it back.
 *
 * A cursor carries a digest of its position and of the query that it belongs to, so another query's
 * is told apart. It is no proof: who forges one pages through the same records from another place,
 * and reads nothing that the query would not show. That is why there is no key to keep.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { Position } from "../timeline/pages.ts";

const MAX_CURSOR_CHARS = 1_024;
const DIGEST_CHARS = 22;
const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;

const CONTENT = z.tuple([
  z.array(z.union([z.string(), z.number()])).max(3),
  z.string().length(DIGEST_CHARS),
]);

/** What a cursor belongs to: all that decides what is listed and in which order. */
export type CursorQuery = readonly (string | number | null)[];

/** The cursor of a page that ends there. */
export function cursorOf(query: CursorQuery, position: Position): string {
  const content = JSON.stringify([position, digestOf(query, position)]);
  return new TextEncoder().encode(content).toBase64(BASE64URL);
}

/** Where the page of that cursor ended; null: it is none, or another query's. */
export function positionIn(query: CursorQuery, cursor: string): Position | null {
  if (cursor.length > MAX_CURSOR_CHARS) return null;
  try {
    const content = new TextDecoder().decode(Uint8Array.fromBase64(cursor, BASE64URL));
    const [position, digest] = CONTENT.parse(JSON.parse(content));
    return digest === digestOf(query, position) ? position : null;
  } catch {
    return null;
  }
}

function digestOf(query: CursorQuery, position: Position): string {
  const text = JSON.stringify([query, position]);
  return createHash("sha256").update(text).digest("base64url").slice(0, DIGEST_CHARS);
}
