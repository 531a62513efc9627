/**
 * What routes share that read records.
 *
 * @module
 */
import type { Context } from "@hono/hono";
import type { Clock } from "../clock.ts";
import type { Counters } from "../counters.ts";
import { type Logger, reasonOf } from "../log.ts";
import { TooManySearchesError } from "../timeline/search/gate.ts";
import type { PageOutcome } from "../timeline/pages.ts";
import { foreignCursor, nextCursor, type PageQuery } from "./_page_query.ts";
import { unavailable } from "./errors.ts";

const RETRY_AFTER_S = 1;
/** By then those that wait have been served. */
const SEARCH_AGAIN_S = 2;

/** What they need. */
export interface ReadingDeps {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly log: Logger;
}

/**
 * Answers with what `read` makes of KV; where KV does not answer, 503 with that detail; 503 too where
 * too many search.
 */
export async function reading(
  deps: ReadingDeps,
  context: Context,
  read: () => Promise<Response>,
  detail = "The records cannot be read now",
): Promise<Response> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof TooManySearchesError) {
      return unavailable(context, error.message, SEARCH_AGAIN_S);
    }
    unreadable(deps, error);
    return unavailable(context, detail, RETRY_AFTER_S);
  }
}

/** Counts and logs that KV could not be read; that too many search is nothing of the kind. */
export function unreadable({ counters, log }: ReadingDeps, error: unknown): void {
  if (error instanceof TooManySearchesError) return;
  counters.kvFailures++;
  log.error("kv.read_failed", { reason: reasonOf(error) });
}

/** A page, and the cursor to the next. */
export function pageAnswer<T>(
  context: Context,
  query: PageQuery,
  page: PageOutcome<T>,
  view: (item: T) => unknown,
): Response {
  if (!page) {
    return context.json({ detail: foreignCursor(context.req.query("cursor") ?? "").detail }, 422);
  }
  const items = page.items.map(view);
  return context.json({ items, next_cursor: nextCursor(query, page.next) });
}
