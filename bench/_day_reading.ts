/**
 * Reads a day as clients do, over HTTP, and checks that all of it is there.
 *
 * @module
 */
import { DEFAULT_WEARER } from "../kv/keys.ts";
import type { DayScript, Sighting } from "./_day_script.ts";

const CHUNK_PAGE = 500;
const SEGMENT_PAGE = 50;

/** A Foresight that is asked: `fetch` with its address and the magic word. */
export type Ask = (path: string) => Promise<Response>;

/** A list that was read to its end. */
export interface ListReport {
  readonly items: number;
  /** Chunks that the items stand for. */
  readonly chunks: number;
  /** For each page, in order. */
  readonly pageMs: readonly number[];
}

/** An export that was read to its end. */
export interface ExportReport {
  readonly lines: number;
  readonly bytes: number;
  readonly ms: number;
  /** Records by kind, as counted while reading. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Reads the whole timeline, a page at a time. */
export function readTimeline(ask: Ask, order: "newest" | "oldest"): Promise<ListReport> {
  const path = `/timeline?order=${order}&limit=${SEGMENT_PAGE}`;
  return readList<{ chunks: number }>(ask, path, ({ chunks }) => chunks);
}

/** Reads all chunks of all sessions, a page at a time. */
export async function readChunks(ask: Ask, { sessions }: DayScript): Promise<ListReport> {
  const lists: ListReport[] = [];
  for (const { id } of sessions) {
    const path = `/sessions/${id}/chunks?order=oldest&limit=${CHUNK_PAGE}`;
    lists.push(await readList(ask, path, () => 1));
  }
  return {
    items: lists.reduce((sum, { items }) => sum + items, 0),
    chunks: lists.reduce((sum, { chunks }) => sum + chunks, 0),
    pageMs: lists.flatMap(({ pageMs }) => pageMs),
  };
}

async function readList<T>(
  ask: Ask,
  path: string,
  chunksOf: (item: T) => number,
): Promise<ListReport> {
  let [items, chunks] = [0, 0];
  const pageMs: number[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const beganMs = performance.now();
    const page: { items: T[]; next_cursor: string | null } = await json(
      ask,
      `${path}&cursor=${cursor}`,
    );
    pageMs.push(performance.now() - beganMs);
    items += page.items.length;
    chunks += page.items.reduce((sum, item) => sum + chunksOf(item), 0);
    cursor = page.next_cursor;
  }
  return { items, chunks, pageMs };
}

/** Searches, and says what was found and how long it took. */
export async function search(ask: Ask, text: string, limit = 20) {
  const beganMs = performance.now();
  const { hits }: { hits: { session: string; chunks: { first: number; last: number } }[] } =
    await json(ask, `/timeline/search?limit=${limit}&q=${encodeURIComponent(text)}`);
  const found = hits.map(({ session, chunks }): Sighting => ({ session, ...chunks }));
  return { found, ms: performance.now() - beganMs };
}

/**
 * Searches for all that is worth looking for.
 *
 * @throws {Error} if a thing is not found where it was seen, and nowhere else
 */
export async function findThings(ask: Ask, { sightings }: DayScript): Promise<number[]> {
  const times: number[] = [];
  for (const [thing, seen] of sightings) {
    const { found, ms } = await search(ask, `where did I put my ${thing}? ${thing}`, 100);
    const places = (all: readonly Sighting[]) =>
      all.map((one) => JSON.stringify(one)).sort().join();
    const ofThing = found.slice(0, seen.length);
    if (places(ofThing) !== places(seen)) {
      throw new Error(`Cannot find each ${thing}: seen ${places(seen)}, found ${places(ofThing)}`);
    }
    times.push(ms);
  }
  return times;
}

/**
 * Reads the export to its end.
 *
 * @throws {Error} if its last line is missing, or counts otherwise than there are lines
 */
export async function readExport(ask: Ask): Promise<ExportReport> {
  const beganMs = performance.now();
  const response = await ask(`/wearers/${DEFAULT_WEARER}/export`);
  const counts: Record<string, number> = {};
  let [lines, bytes, rest, last] = [0, 0, "", ""];
  const decoder = new TextDecoder();
  for await (const piece of response.body!) {
    bytes += piece.length;
    const all = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = all.pop()!;
    for (const line of all) {
      const [, record] = /^\{"record":"(\w+)"/.exec(line)!;
      if (record === "end") last = line;
      else counts[record!] = (counts[record!] ?? 0) + 1;
      lines++;
    }
  }
  const ms = performance.now() - beganMs;
  const told = last && JSON.stringify(JSON.parse(last).counts);
  const counted = JSON.stringify(counts);
  if (told !== counted || rest !== "") {
    throw new Error(`Cannot rely on the export as it says ${told}: current value is ${counted}`);
  }
  return { lines, bytes, ms, counts };
}

async function json<T>(ask: Ask, path: string): Promise<T> {
  const response = await ask(path);
  if (response.status === 200) return await response.json();
  throw new Error(`Cannot read ${path}: ${response.status} ${await response.text()}`);
}
