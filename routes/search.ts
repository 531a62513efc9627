/**
 * `GET /timeline/search`: what the wearer has seen, by words.
 *
 * @module
 */
import { Hono } from "@hono/hono";
import type { Search } from "../timeline/search/search.ts";
import { readSearchQuery } from "./_search_query.ts";
import { wearerOf } from "./_wearer.ts";
import { type AccessEnv, requireScope } from "./access.ts";

/** Serves `/timeline/search`. */
export function searchRoutes({ search }: { readonly search: Search }): Hono<AccessEnv> {
  return new Hono<AccessEnv>().get(
    "/timeline/search",
    requireScope("read", "timeline"),
    async (context) => {
      const query = readSearchQuery(context.req.query());
      if (query.kind === "invalid") return context.json({ detail: query.detail }, 422);
      const { words, limit, fromMs, toMs } = query;
      const wearer = wearerOf(context);
      return context.json({ hits: await search({ wearer, words, limit, fromMs, toMs }) });
    },
  );
}
