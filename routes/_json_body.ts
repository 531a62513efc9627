/**
 * Bodies that are JSON, of bounded size.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "@hono/hono";
import { bodyLimit } from "@hono/hono/body-limit";

/** Answers 413 to what is longer. */
export function limitBody(maxBytes: number): MiddlewareHandler {
  const limit = bodyLimit({
    maxSize: maxBytes,
    onError: (context) =>
      context.json({ detail: `The body must be at most ${maxBytes} bytes` }, 413),
  });
  return (context, next) => {
    if (context.req.header("content-length") === undefined) asRequest(context);
    return limit(context, next);
  };
}

/**
 * A body whose length is not declared is read by the limit, which then makes a new request of the old
 * one: on `ws` that only looks like a `Request`.
 */
function asRequest({ req }: Context): void {
  const { body, headers, signal } = req.raw;
  if (body === null) return;
  const init = { method: req.method, headers, signal, body, duplex: "half" };
  req.raw = new Request(req.url, init);
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
