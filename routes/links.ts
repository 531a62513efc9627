/**
 * Where a link leads that is given to a helper (SPEC A15): the token stands in the address, and what
 * is answered shall stay with who asked.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "@hono/hono";

/** What is remembered, and nothing else. */
const LINKED = /^\/(timeline(\/live|\/search)?|sessions(\/[^/]+(\/chunks)?)?)$/;

/** Whether a link may lead there. */
export function isLinked({ req }: Context): boolean {
  return (req.method === "GET" || req.method === "HEAD") && LINKED.test(req.path);
}

/** Nobody on the way keeps what is answered to a link, and no page that it leads to hears of it. */
export const keepLinksPrivate: MiddlewareHandler = async (context, next) => {
  await next();
  if (!isLinked(context) || context.req.query("token") === undefined) return;
  context.res.headers.set("Referrer-Policy", "no-referrer");
  context.res.headers.set("Cache-Control", "no-store");
};
