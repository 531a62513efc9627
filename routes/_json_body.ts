/**
 * Bodies that are JSON, of bounded size.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "@hono/hono";
import { bodyLimit } from "@hono/hono/body-limit";

/** Answers 413 to what is longer. */
export function limitBody(maxBytes: number): MiddlewareHandler {
  return bodyLimit({
    maxSize: maxBytes,
    onError: (context) =>
      context.json({ detail: `The body must be at most ${maxBytes} bytes` }, 413),
  });
}

/** The body as JSON; where it is none, its text, so that the answer can say what it was. */
export async function jsonOf(context: Context): Promise<unknown> {
  const text = await context.req.text();
  try {
    return JSON.parse(text);
  } catch {
    return text || undefined;
  }
}
