/**
 * What an assistant's tools read: the same as the routes, read and shown in the same way.
 *
 * @module
 */
import type {
  Books,
  FindQuery,
  FoundScene,
  Now,
  OpenStream,
  Refused,
  Scene,
} from "../assistant/means.ts";
import type { Clock } from "../clock.ts";
import type { LiveSession } from "../kv/keys.ts";
import type { SegmentRecord } from "../kv/timeline_keys.ts";
import { lookNow } from "../timeline/now.ts";
import { Pages } from "../timeline/pages.ts";
import type { Hit, Search } from "../timeline/search/search.ts";
import { foreignCursor, nextCursor, rangeOf, readPageQuery, readZone } from "./_page_query.ts";
import { segmentView } from "./_records.ts";
import { readWords } from "./_search_query.ts";
import { timeFields } from "./_times.ts";

/** So many of the newest scenes are there now. */
const NOW_SCENES = 5;

/** What the books are read with. */
export interface AssistantBooksDeps {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  readonly search: Search;
}

/** Opens one wearer's books for tools. */
export function openAssistantBooks(deps: AssistantBooksDeps, wearer: string): Books {
  const pages = new Pages(deps);
  return {
    async scenes({ limit, ...given }) {
      // A cursor is the same, whoever pages: the address of the list gives it its name.
      const query = readPageQuery({ ...texts(given), limit: String(limit) }, ["timeline", wearer]);
      if (query.kind === "invalid") return refused(query);
      const page = await pages.segments(wearer, query.range, query.page);
      if (!page) return refused(foreignCursor(given.cursor ?? ""));
      const items = page.items.map((segment) => sceneOf(segment, query.zone));
      return { kind: "page", items, next_cursor: nextCursor(query, page.next) };
    },
    find: (query) => find(deps, wearer, query),
    now: (zone) => lookAround(deps, wearer, zone),
    today(zone) {
      const read = readZone(texts({ zone }));
      if (read.kind === "invalid") return refused(read);
      const now = Temporal.Instant.fromEpochMilliseconds(deps.clock.epochMs());
      return { date: now.toZonedDateTimeISO(read.zone ?? "UTC").toPlainDate().toString() };
    },
  };
}

async function find(
  { search }: AssistantBooksDeps,
  wearer: string,
  { query, limit, ...given }: FindQuery,
): ReturnType<Books["find"]> {
  const sought = readWords("query", query);
  if (sought.kind === "invalid") return refused(sought);
  const read = readZone(texts(given));
  if (read.kind === "invalid") return refused(read);
  const range = rangeOf(texts(given), read.zone ?? "UTC");
  if ("kind" in range) return refused(range);
  const hits = await search({
    wearer,
    words: sought.words,
    limit,
    fromMs: range.fromMs ?? -Infinity,
    toMs: range.toMs ?? Infinity,
  });
  return { kind: "found", hits: hits.map((hit) => foundOf(hit, read.zone)) };
}

async function lookAround(
  deps: AssistantBooksDeps,
  wearer: string,
  zone: string | undefined,
): Promise<Now | Refused> {
  const read = readZone(texts({ zone }));
  if (read.kind === "invalid") return refused(read);
  const { streams, segments } = await lookNow(deps, wearer, NOW_SCENES);
  const nowMs = deps.clock.epochMs();
  return {
    kind: "now",
    now: new Date(nowMs).toISOString(),
    streams: streams.map((stream) => streamOf(stream, read.zone)),
    scenes: segments.map((segment) => ({
      ...sceneOf(segment, read.zone),
      // The clocks of the processes may differ.
      age_s: Math.max(0, Math.round((nowMs - segment.endedAtMs) / 1000)),
    })),
  };
}

function sceneOf(segment: SegmentRecord, zone: string | null): Scene {
  return segmentView(segment, zone) as Scene & ReturnType<typeof segmentView>;
}

function foundOf(hit: Hit, zone: string | null): FoundScene {
  const times = {
    ...timeFields("started_at", Date.parse(hit.started_at), zone),
    ...timeFields("ended_at", Date.parse(hit.ended_at), zone),
  };
  return { ...hit, ...times as Pick<FoundScene, "started_at" | "ended_at"> };
}

function streamOf(
  { id, startedAtMs, lastFrameAtMs }: LiveSession,
  zone: string | null,
): OpenStream {
  const times = {
    ...timeFields("started_at", startedAtMs, zone),
    ...timeFields("last_frame_at", lastFrameAtMs, zone),
  };
  return { session: id, ...times as Omit<OpenStream, "session"> };
}

/** As an address would have them. */
function texts(given: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const present = Object.entries(given).filter((entry): entry is [string, string] =>
    entry[1] !== undefined
  );
  return Object.fromEntries(present);
}

function refused({ detail }: { readonly detail: string }): Refused {
  return { kind: "refused", detail };
}
