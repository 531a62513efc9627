/**
 * Lists, page by page.
 *
 * @module
 */
import type { Query, Requests } from "./_requests.ts";
import type { Page } from "./records.ts";

/** How a list is read. */
export interface ListQuery {
  readonly order?: "newest" | "oldest";
  /** Items of a page, 1 to 500. */
  readonly limit?: number;
  /** The page behind this `next_cursor`. */
  readonly cursor?: string;
  /** An IANA name: times come in local time too, and dates are its own. */
  readonly zone?: string;
}

/** Pages as they are asked for: the next is not fetched before. */
export async function* pagesOf<T>(
  requests: Requests,
  path: string,
  query: Query,
): AsyncGenerator<Page<T>, void, void> {
  let { cursor } = query;
  do {
    const page = await requests.json<Page<T>>("GET", path, { query: { ...query, cursor } });
    yield page;
    cursor = page.next_cursor;
  } while (cursor !== null);
}
