/**
 * What the address of a list says: which stretch of time, which page, in whose local time.
 *
 * @module
 */
import { z } from "zod";
import type { PageRequest, TimeRange } from "../timeline/pages.ts";
import { ZONE_MUST_BE, zoneNamed } from "../zones.ts";
import { cursorOf, type CursorQuery, positionIn } from "./_cursor.ts";
import { momentOf, TIME_MUST_BE } from "./_times.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;
const MAX_QUOTED_CHARS = 60;

/** An address that can be acted on. */
export interface PageQuery {
  readonly kind: "valid";
  readonly range: TimeRange;
  readonly page: PageRequest;
  /** The name of a time zone; null: UTC only. */
  readonly zone: string | null;
  /** What the cursors of this query belong to. */
  readonly belongsTo: CursorQuery;
}

/** An address that cannot: `detail` names the field, what it must be and what it is. */
export interface InvalidQuery {
  readonly kind: "invalid";
  readonly detail: string;
}

const LIMIT_MUST_BE = `must be a whole number from 1 to ${MAX_LIMIT}`;
const CURSOR_MUST_BE = "must be one that this very query was answered with";

/** Empty is absent. */
const text = z.string().optional().transform((given) => given || undefined);
const ZONE = z.object({
  zone: text.refine((name) => name === undefined || zoneNamed(name) !== null, ZONE_MUST_BE),
});
const PAGE = ZONE.extend({
  order: text.pipe(z.enum(["newest", "oldest"], "must be newest or oldest").default("newest")),
  limit: text.refine((given) => given === undefined || isLimit(given), LIMIT_MUST_BE)
    .transform((given) => given === undefined ? DEFAULT_LIMIT : Number(given)),
  cursor: text,
});

/**
 * Reads the query of a list.
 *
 * @param list what is listed, and whose: part of what cursors belong to
 */
export function readPageQuery(
  given: Record<string, string>,
  list: readonly string[],
): PageQuery | InvalidQuery {
  const parsed = PAGE.safeParse(given);
  if (!parsed.success) return invalidField(parsed.error, given);
  const { zone, order, limit, cursor } = parsed.data;
  const range = rangeOf(given, zone ?? "UTC");
  if ("kind" in range) return range;
  const belongsTo = [...list, order, range.fromMs, range.toMs];
  const after = cursor === undefined ? null : positionIn(belongsTo, cursor);
  if (cursor !== undefined && after === null) return foreignCursor(cursor);
  const page = { order, limit, after };
  return { kind: "valid", range, page, zone: zone ?? null, belongsTo };
}

/** Reads the zone alone. */
export function readZone(
  given: Record<string, string>,
): { readonly kind: "valid"; readonly zone: string | null } | InvalidQuery {
  const parsed = ZONE.safeParse(given);
  if (!parsed.success) return invalidField(parsed.error, given);
  return { kind: "valid", zone: parsed.data.zone ?? null };
}

/** What is said of a cursor that leads nowhere. */
export function foreignCursor(cursor: string): InvalidQuery {
  return invalid("cursor", CURSOR_MUST_BE, cursor);
}

/** The cursor of the page behind this one. */
export function nextCursor(
  { belongsTo }: PageQuery,
  next: PageRequest["after"],
): string | null {
  return next && cursorOf(belongsTo, next);
}

/** A sentence that names the field, what it must be and what it is. */
export function invalid(field: string, mustBe: string, value: string): InvalidQuery {
  const shown = value.length > MAX_QUOTED_CHARS
    ? `a text of ${value.length} characters`
    : JSON.stringify(value);
  return { kind: "invalid", detail: `${field} ${mustBe}: current value is ${shown}` };
}

/** The stretch of time that `from` and `to` name; where they have no offset, in that zone. */
export function rangeOf(given: Record<string, string>, zone: string): TimeRange | InvalidQuery {
  const moments: (number | null)[] = [];
  for (const name of ["from", "to"]) {
    const value = given[name];
    const moment = value ? momentOf(value, zone) : null;
    if (value && moment === null) return invalid(name, TIME_MUST_BE, value);
    moments.push(moment);
  }
  const [fromMs, toMs] = moments as [number | null, number | null];
  if (fromMs !== null && toMs !== null && toMs <= fromMs) {
    return invalid("to", "must be later than from", given.to!);
  }
  return { fromMs, toMs };
}

function isLimit(given: string): boolean {
  return /^\d{1,3}$/.test(given) && Number(given) >= 1 && Number(given) <= MAX_LIMIT;
}

function invalidField(error: z.ZodError, given: Record<string, string>): InvalidQuery {
  const { path, message } = error.issues[0]!;
  const field = String(path[0]);
  return invalid(field, message, given[field] ?? "");
}
