/**
 * `GET /timeline/search`: what the wearer has seen, by words.
 *
 * @module
 */
import { type Context, Hono } from "@hono/hono";
import { type SearchGate, TooManySearchesError } from "../timeline/search/gate.ts";
import type { Search } from "../timeline/search/search.ts";
import { watchForLeaving } from "./_leaving.ts";
import { reading, type ReadingDeps } from "./_reading.ts";
import { readSearchQuery } from "./_search_query.ts";
import { wearerOf } from "./_wearer.ts";
import { type AccessEnv, requireScope } from "./access.ts";

/** Nobody is there to read it; the log shows it as nginx does. */
const CLIENT_LEFT = 499;

/** What the route needs. */
export interface SearchDeps extends ReadingDeps {
  readonly search: Search;
  readonly gate: SearchGate;
}

/** Serves `/timeline/search`. */
export function searchRoutes(deps: SearchDeps): Hono<AccessEnv> {
  return new Hono<AccessEnv>().get(
    "/timeline/search",
    async (context, next) => {
      watchForLeaving(context.req.raw);
      await next();
    },
    requireScope("read", "timeline"),
    (context) => find(deps, context),
  );
}

async function find(deps: SearchDeps, context: Context<AccessEnv>): Promise<Response> {
  const query = readSearchQuery(context.req.query());
  if (query.kind === "invalid") return context.json({ detail: query.detail }, 422);
  const { words, limit, fromMs, toMs } = query;
  const wearer = wearerOf(context);
  return await reading(deps, context, async () => {
    const { signal } = context.req.raw;
    const request = { wearer, words, limit, fromMs, toMs };
    const entry = await deps.gate.run(wearer, signal, () => deps.search(request));
    switch (entry.kind) {
      case "done":
        return context.json({ hits: entry.value });
      case "full":
        throw new TooManySearchesError();
      case "left":
        return new Response(null, { status: CLIENT_LEFT });
    }
  });
}
