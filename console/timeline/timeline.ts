/**
 * The day that is looked at, what is searched and what is asked.
 *
 * @module
 */
import { batch, signal } from "@preact/signals";
import type { AskReply, SearchHit, Segment } from "../../client/records.ts";
import { apiFor, outcomeOf } from "../api.ts";
import { entry } from "../entry.ts";
import { dateOf } from "../words.ts";

/** What one reading of a day became. Segments stand in the order of their beginnings. */
export type Day =
  | { readonly kind: "reading" }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "read"; readonly segments: readonly Segment[]; readonly hasMore: boolean };

/** What a search found. */
export type Found =
  | { readonly kind: "nothing_asked" }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "found"; readonly hits: readonly SearchHit[] };

/** What came of a question. */
export type Told =
  | { readonly kind: "asking" }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "told"; readonly reply: AskReply };

const PAGE = 500;
const MAX_SEGMENTS = 2_000;
const TYPING_MS = 150;
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

export const date = signal(dateOf(Date.now()));
export const day = signal<Day>({ kind: "reading" });
export const words = signal("");
export const found = signal<Found>({ kind: "nothing_asked" });
export const told = signal<Told | null>(null);
/** The id of the segment that is pointed at. */
export const chosen = signal<string | null>(null);

/** The newest of each kind: what older ones find is not shown. */
let reading = 0;
let searching = 0;
let asking = 0;

/** Who comes in next sees nothing of it. */
export function forgetTimeline(): void {
  reading++;
  searching++;
  asking++;
  batch(() => {
    date.value = dateOf(Date.now());
    day.value = { kind: "reading" };
    words.value = "";
    found.value = { kind: "nothing_asked" };
    told.value = chosen.value = null;
  });
}

/**
 * Reads the day, and lets it grow as more is seen.
 *
 * @returns ends it
 */
export function follow(): () => void {
  const events = apiFor(entry.value!).live();
  const run = async () => {
    let isRead = false;
    for await (const event of events) {
      // Only now, so that nothing is missed in between.
      if (event.kind === "gap" || (event.kind === "open" && !isRead)) await readDay(date.value);
      isRead ||= event.kind === "open";
      if (event.kind === "segment") add(event.segment);
    }
  };
  // A token may read and not watch, or too many watch: then the day stays as it is.
  run().catch(() => readDay(date.value));
  return () => void events.return?.();
}

/** Reads a day of this place. */
export async function readDay(wanted: string): Promise<void> {
  const mine = ++reading;
  const isOther = date.value !== wanted;
  batch(() => {
    date.value = wanted;
    if (isOther || day.value.kind !== "read") day.value = { kind: "reading" };
    if (isOther) told.value = null;
  });
  const answer = await outcomeOf(segmentsOf(wanted));
  if (mine !== reading) return;
  day.value = answer.kind === "ok" ? { kind: "read", ...answer.value } : answer;
}

async function segmentsOf(date: string) {
  const range = {
    from: date,
    to: dayAfter(date),
    zone: ZONE,
    order: "oldest",
    limit: PAGE,
  } as const;
  const segments: Segment[] = [];
  for await (const { items, next_cursor } of apiFor(entry.value!).timeline(range)) {
    segments.push(...items);
    const hasMore = next_cursor !== null;
    if (!hasMore || segments.length >= MAX_SEGMENTS) return { segments, hasMore };
  }
  return { segments, hasMore: false };
}

/** It begins, or has grown. */
function add(segment: Segment): void {
  const now = day.value;
  if (now.kind !== "read" || now.hasMore || dateOf(segment.started_at) !== date.value) return;
  const others = now.segments.filter(({ id }) => id !== segment.id);
  const at = others.findLastIndex(({ started_at }) => started_at <= segment.started_at) + 1;
  day.value = { ...now, segments: others.toSpliced(at, 0, segment) };
}

/** Searches as somebody types. */
export async function search(text: string): Promise<void> {
  words.value = text;
  const mine = ++searching;
  const q = text.trim();
  if (q === "") {
    found.value = { kind: "nothing_asked" };
    return;
  }
  await new Promise((resolve) => setTimeout(resolve, TYPING_MS));
  if (mine !== searching) return;
  const answer = await outcomeOf(apiFor(entry.value!).search(q));
  if (mine !== searching) return;
  found.value = answer.kind === "ok" ? { kind: "found", hits: answer.value } : answer;
}

/** A question about the day that is looked at. */
export async function ask(question: string): Promise<void> {
  const mine = ++asking;
  told.value = { kind: "asking" };
  const range = { from: date.value, to: dayAfter(date.value), zone: ZONE };
  const answer = await outcomeOf(apiFor(entry.value!).ask(question, range));
  if (mine !== asking) return;
  told.value = answer.kind === "ok" ? { kind: "told", reply: answer.value } : answer;
}

/** Points at the segment that a hit lies in, on its day. */
export async function show({ session, chunks, started_at }: SearchHit): Promise<void> {
  await readDay(dateOf(started_at));
  if (day.value.kind !== "read") return;
  const holds = (segment: Segment) =>
    segment.session === session && segment.first_chunk <= chunks.first &&
    chunks.first <= segment.last_chunk;
  chosen.value = day.value.segments.find(holds)?.id ?? null;
}

function dayAfter(date: string): string {
  const [year, month, day] = date.split("-").map(Number) as [number, number, number];
  return dateOf(new Date(year, month - 1, day + 1).getTime());
}
