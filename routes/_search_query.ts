/**
 * What the address of a search says.
 *
 * @module
 */
import { z } from "zod";
import { type SearchRequest, soughtIn } from "../timeline/search/search.ts";

const MAX_QUERY_CHARS = 500;
const MAX_WORDS = 16;
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
/** Longest piece of a client's own input that is quoted back. */
const MAX_QUOTED_CHARS = 60;

/** An address that can be acted on. */
export interface SearchQuery extends Omit<SearchRequest, "wearer"> {
  readonly kind: "valid";
}

/** A search that cannot be acted on: `detail` names the field, what it must be and what it is. */
export interface InvalidSearch {
  readonly kind: "invalid";
  readonly detail: string;
}

const mustBeInstant = "must be an instant such as 2026-11-20T16:00:00Z";
const mustBeLimit = `must be a whole number from 1 to ${MAX_LIMIT}`;
const instant = z.iso.datetime({ offset: true, error: mustBeInstant })
  .transform((given) => Date.parse(given));
const WORDS = z.string("must be given")
  .max(MAX_QUERY_CHARS, `must be at most ${MAX_QUERY_CHARS} characters`)
  .transform(soughtIn)
  .refine((words) => words.length > 0, {
    error: "must have a word to look for, beside words such as where and did",
  })
  .refine((words) => words.length <= MAX_WORDS, {
    error: `must have at most ${MAX_WORDS} words to look for`,
  });
const QUERY = z.object({
  q: WORDS,
  limit: z.string().regex(/^\d{1,3}$/, mustBeLimit).transform(Number)
    .refine((limit) => limit >= 1 && limit <= MAX_LIMIT, mustBeLimit).default(DEFAULT_LIMIT),
  from: instant.default(-Infinity),
  to: instant.default(Infinity),
});

/** Reads the query. */
export function readSearchQuery(given: Record<string, string>): SearchQuery | InvalidSearch {
  const query = QUERY.safeParse(given);
  if (!query.success) {
    const { path, message } = query.error.issues[0]!;
    const name = String(path[0]);
    return {
      kind: "invalid",
      detail: `${name} ${message}: current value is ${quote(given[name])}`,
    };
  }
  const { q, limit, from, to } = query.data;
  if (from > to) {
    const detail = `from must be before to (${given.to}): current value is ${quote(given.from)}`;
    return { kind: "invalid", detail };
  }
  return { kind: "valid", words: q, limit, fromMs: from, toMs: to };
}

/** Reads the words of a search that come under another name. */
export function readWords(
  name: string,
  given: string,
): { readonly kind: "valid"; readonly words: SearchRequest["words"] } | InvalidSearch {
  const words = WORDS.safeParse(given);
  if (words.success) return { kind: "valid", words: words.data };
  const { message } = words.error.issues[0]!;
  return { kind: "invalid", detail: `${name} ${message}: current value is ${quote(given)}` };
}

function quote(value: string | undefined): string {
  if (value === undefined) return "missing";
  if (value.length > MAX_QUOTED_CHARS) return `a text of ${value.length} characters`;
  return JSON.stringify(value.toWellFormed());
}
