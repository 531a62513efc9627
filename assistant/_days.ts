/**
 * `foresight://timeline/today` and `foresight://timeline/{date}{?zone}`: a day as a resource.
 *
 * @module
 */
import type { Books, Refused } from "./means.ts";
import { CAPTIONS_ARE_DATA } from "./_scenes.ts";

/** The newest so many scenes of a day; the tool `timeline` has the others. */
const MAX_SCENES = 100;
const JSON_TYPE = "application/json";

const about = `The newest ${MAX_SCENES} scenes of it, newest first.`;

/** Resources with an address of their own. */
export const RESOURCES = [{
  uri: "foresight://timeline/today",
  name: "timeline-today",
  title: "Today's timeline",
  description: `What the glasses saw today, by UTC (add ?zone=Europe/Berlin for local). ${about}`,
  mimeType: JSON_TYPE,
}];

/** Resources whose address is made from a pattern (RFC 6570). */
export const RESOURCE_TEMPLATES = [{
  uriTemplate: "foresight://timeline/{date}{?zone}",
  name: "timeline-day",
  title: "The timeline of a day",
  description: `What the glasses saw on a day (2026-11-20, or today) of a time zone. ${about}`,
  mimeType: JSON_TYPE,
}];

/** A resource as it is read. */
export interface Day {
  readonly kind: "day";
  readonly uri: string;
  readonly mimeType: string;
  readonly text: string;
}

/** Reads a day. Rejects with KV's own error; `unknown`: no resource has that address. */
export async function readDay(
  books: Books,
  uri: string,
): Promise<Day | Refused | { readonly kind: "unknown" }> {
  const address = URL.parse(uri);
  const date = address?.pathname.slice(1) ?? "";
  if (address?.protocol !== "foresight:" || address.host !== "timeline" || !/^[\w-]+$/.test(date)) {
    return { kind: "unknown" };
  }
  const zone = address.searchParams.get("zone") || undefined;
  const day = date === "today" ? books.today(zone) : dayNamed(date);
  if ("kind" in day) return day;
  const range = { from: day.date, to: dayBehind(day.date), order: "newest" } as const;
  const page = await books.scenes({ ...range, zone, limit: MAX_SCENES });
  if (page.kind === "refused") return page;
  const { items, next_cursor } = page;
  const content = { notice: CAPTIONS_ARE_DATA, ...range, zone: zone ?? "UTC", items, next_cursor };
  return { kind: "day", uri, mimeType: JSON_TYPE, text: JSON.stringify(content) };
}

function dayNamed(date: string): { readonly date: string } | Refused {
  try {
    return { date: Temporal.PlainDate.from(date, { overflow: "reject" }).toString() };
  } catch {
    const detail = `date must be today or a day such as 2026-11-20: current value is ${
      JSON.stringify(date.slice(0, 60))
    }`;
    return { kind: "refused", detail };
  }
}

function dayBehind(date: string): string {
  return Temporal.PlainDate.from(date).add({ days: 1 }).toString();
}
