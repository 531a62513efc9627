/**
 * Who may come in (WIRE A1-A3).
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "@hono/hono";

/** Served to everyone. */
const PUBLIC_PATHS = new Set(["/health"]);

/**
 * Lets in who knows the magic word, in header `x-magic-word` or query `magic_word`; answers everyone
 * else 403 `forbidden` before any work is done.
 *
 * @param magicWord null: nobody enters
 */
export function requireMagicWord(magicWord: string | null): MiddlewareHandler {
  const expected = magicWord === null ? null : digest(magicWord);
  return async (context, next) => {
    const { req } = context;
    if (PUBLIC_PATHS.has(req.path)) return await next();
    const given = req.header("x-magic-word") || req.query("magic_word") || "";
    // Digests have one length, so the comparison takes the same time whatever was given.
    const matches = expected !== null && timingSafeEqual(digest(given), expected);
    return matches ? await next() : context.text("forbidden", 403);
  };
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
