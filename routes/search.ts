/**
 * `GET /timeline/search`: what the wearer has seen, by words.
 *
 * @module
 */
import { type Context, Hono } from "@hono/hono";
import type { SearchGate } from "../timeline/search/gate.ts";
import type { Search } from "../timeline/search/search.ts";
import { reading, type ReadingDeps } from "./_reading.ts";
import { readSearchQuery } from "./_search_query.ts";
import { wearerOf } from "./_wearer.ts";
import { type AccessEnv, requireScope } from "./access.ts";
import { unavailable } from "./errors.ts";

const RETRY_AFTER_S = 2;

/** What the route needs. */
export interface SearchDeps extends ReadingDeps {
  readonly search: Search;
  readonly gate: SearchGate;
}

/** Serves `/timeline/search`. */
export function searchRoutes(deps: SearchDeps): Hono<AccessEnv> {
  return new Hono<AccessEnv>()
    .get("/timeline/search", requireScope("read", "timeline"), (context) => find(deps, context));
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
    return entry.kind === "done"
      ? context.json({ hits: entry.value })
      : unavailable(context, "Too many search already", RETRY_AFTER_S);
  });
}
