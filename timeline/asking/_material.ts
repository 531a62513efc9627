/**
 * Which segments a question may be about: those that its words find, and where these are few, what
 * there was in the stretch of time.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { hasExpired } from "../../kv/keys.ts";
import { segmentPrefix, type SegmentRecord } from "../../kv/timeline_keys.ts";
import { Pages, type TimeRange } from "../pages.ts";
import { type Hit, type Search, soughtIn } from "../search/search.ts";
import { MAX_SEGMENT_MS } from "../segments.ts";

const MS_PER_DAY = 24 * 60 * 60 * 1000;
/** As many as a search may have (`GET /timeline/search`); of a longer question the first. */
const MAX_WORDS = 16;
const MAX_HITS = 20;
/** So many are an answer's material by themselves. */
const ENOUGH_FOUND = 8;
/** So many in all, where others fill up. */
const MAX_FILLED = 24;
/** Of a stretch, so many of the newest are looked at one by one. */
const MAX_LOOKED_AT = 500;
/** A segment lies among those of the wearer's other streams of the time, which are few. */
const NEIGHBOURS_BATCH = 8;

/** What material is gathered from. */
export interface MaterialSources {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  readonly search: Search;
}

/** What is asked, of whose timeline. */
export interface Question {
  readonly wearer: string;
  readonly question: string;
  readonly range: TimeRange;
}

/**
 * Segments that reach into the range, each once, the most promising first. Words are looked for in all
 * of the range; the stretch is its last 24 hours where it has no beginning.
 *
 * Rejects with KV's own error.
 */
export async function materialFor(
  sources: MaterialSources,
  asked: Question,
): Promise<SegmentRecord[]> {
  const found = await foundBy(sources, asked);
  if (found.length >= ENOUGH_FOUND) return found;
  const stretch = await stretchOf(sources, asked, MAX_FILLED - found.length);
  return [...new Map([...found, ...stretch].map((one) => [one.id, one])).values()];
}

/** The segments that hold what the question's words find, the best first. */
async function foundBy(
  { kv, clock, search }: MaterialSources,
  { wearer, question, range }: Question,
): Promise<SegmentRecord[]> {
  const words = soughtIn(question).slice(0, MAX_WORDS);
  if (words.length === 0) return [];
  const [fromMs, toMs] = [range.fromMs ?? -Infinity, range.toMs ?? Infinity];
  const hits = await search({ wearer, words, limit: MAX_HITS, fromMs, toMs });
  const held = await Promise.all(hits.map((hit) => holderOf(kv, wearer, hit, toMs)));
  const nowMs = clock.epochMs();
  const known = new Map<string, SegmentRecord>();
  for (const segment of held) {
    if (!segment || hasExpired(segment, nowMs)) continue;
    if (segment.startedAtMs >= fromMs || segment.endedAtMs > fromMs) known.set(segment.id, segment);
  }
  return [...known.values()];
}

/** The newest segment before `toMs` that holds any of the hit's chunks. */
async function holderOf(
  kv: Deno.Kv,
  wearer: string,
  { session, chunks, started_at, ended_at }: Hit,
  toMs: number,
): Promise<SegmentRecord | null> {
  const prefix = segmentPrefix(wearer);
  const start = [...prefix, Date.parse(started_at) - MAX_SEGMENT_MS];
  const end = [...prefix, Math.min(Date.parse(ended_at) + 1, toMs)];
  const options = { reverse: true, batchSize: NEIGHBOURS_BATCH };
  for await (const { value } of kv.list<SegmentRecord>({ start, end }, options)) {
    if (value.session !== session || value.firstIndex > chunks.last) continue;
    return value.lastIndex >= chunks.first ? value : null;
  }
  return null;
}

/**
 * The stretch in at most `count` segments, the newest first: spread evenly over all of them; where they are too
 * many to be looked at, half over the newest and half over the time before these.
 */
async function stretchOf(
  sources: MaterialSources,
  { wearer, range }: Question,
  count: number,
): Promise<SegmentRecord[]> {
  const { kv, clock } = sources;
  const fromMs = range.fromMs ?? (range.toMs ?? clock.epochMs()) - MS_PER_DAY;
  const request = { order: "newest", limit: MAX_LOOKED_AT, after: null } as const;
  const page = await new Pages(sources).segments(wearer, { ...range, fromMs }, request);
  const newest = page?.items ?? [];
  if (!page?.next) return evenly(newest, count);
  const ofNewest = Math.ceil(count / 2);
  const before = { fromMs, toMs: newest.at(-1)!.startedAtMs };
  const outline = await outlineOf(kv, wearer, before, count - ofNewest);
  const nowMs = clock.epochMs();
  const older = outline.filter((segment) => !hasExpired(segment, nowMs));
  return [...evenly(newest, ofNewest), ...older];
}

/** One segment of each of `count` equal parts of the time in which there are any, the newest first. */
async function outlineOf(
  kv: Deno.Kv,
  wearer: string,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  count: number,
): Promise<SegmentRecord[]> {
  const [oldest] = await within(kv, wearer, fromMs, toMs, false);
  if (!oldest) return [];
  const partMs = (toMs - oldest.startedAtMs) / count;
  const parts = await Promise.all(
    Array.from({ length: count }, (_, at) => {
      const endMs = toMs - at * partMs;
      return within(kv, wearer, endMs - partMs, endMs, true);
    }),
  );
  return parts.flat();
}

/** The last segment, or the first, that begins from `fromMs` to before `toMs`. */
async function within(
  kv: Deno.Kv,
  wearer: string,
  fromMs: number,
  toMs: number,
  reverse: boolean,
): Promise<SegmentRecord[]> {
  const prefix = segmentPrefix(wearer);
  const selector = { start: [...prefix, fromMs], end: [...prefix, toMs] };
  const listed = await Array.fromAsync(kv.list<SegmentRecord>(selector, { limit: 1, reverse }));
  return listed.map(({ value }) => value);
}

/** At most `count` of them, spread evenly, the first and the last always among them. */
function evenly<T>(all: readonly T[], count: number): T[] {
  if (all.length <= count) return [...all];
  const step = (all.length - 1) / (count - 1);
  return Array.from({ length: count }, (_, at) => all[Math.round(at * step)]!);
}
