/**
 * `deno task bench:search`: what it costs to index a caption, and how long a search takes.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { systemClock } from "../clock.ts";
import { runCommand, say } from "../dev/terminal.ts";
import type { Alongside } from "../kv/session_writer.ts";
import { searchRange } from "../kv/timeline_keys.ts";
import { silentLogger } from "../log.ts";
import { Compaction } from "../timeline/search/compaction.ts";
import { createSearchIndexer } from "../timeline/search/indexer.ts";
import { createSearch, type Search, soughtIn } from "../timeline/search/search.ts";
import { captionsOf, seeded, vocabularyOf } from "./_captions.ts";
import { describeMachine, usageOf } from "./_proc.ts";
import { CHUNKS_PER_SESSION, WEARER, writeBooks } from "./_search_books.ts";
import { queriesOf } from "./_search_queries.ts";
import { percentile } from "./_statistics.ts";

const SCRATCH = ".scratch";
const VOCABULARY = 6000;
const LIMIT = 20;
/** Enough to see what a commit costs without the index. */
const BARE_SHARE = 0.1;

async function bench(): Promise<number> {
  const { captionCount, chunksPerSession } = optionsOf(Deno.args);
  const { cores, cpu, deno, loadAverage } = await describeMachine();
  const startedAt = new Date().toISOString().slice(0, 16).replace("T", " ");
  say(`${startedAt} UTC, ${cores} cores of ${cpu}, Deno ${deno}, load average ${loadAverage}.`);
  await Deno.mkdir(SCRATCH, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: SCRATCH, prefix: "bench-" });
  try {
    const random = seeded(1);
    const vocabulary = vocabularyOf(VOCABULARY, random);
    const nextCaption = captionsOf(vocabulary, random);
    const write = { folder, nextCaption, random, chunksPerSession };
    const bare = await written({ ...write, name: "bare", captionCount: captionCount * BARE_SHARE });
    const indexed = await written({ ...write, name: "indexed", captionCount });
    const kv = await Deno.openKv(indexed.path);
    await reportWriting(kv, indexed, bare);
    const search = createSearch({ kv, clock: systemClock });
    say("Before compaction:");
    const before = await reportSearches(search, vocabulary);
    await compact(kv);
    const after = await reportSearches(search, vocabulary);
    const ratios = [50, 95].map((percent) =>
      (percentileOf(after, percent) / percentileOf(before, percent)).toFixed(2)
    );
    say();
    say(`Compacted, a search takes ${ratios[0]} of the time (p50), ${ratios[1]} (p95).`);
    kv.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return 0;
}

/** `--captions N`, and `--chunks N` for sessions of that length instead of many lengths. */
function optionsOf(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: { captions: { type: "string", default: "100000" }, chunks: { type: "string" } },
  });
  const chunksPerSession = values.chunks ? [Number(values.chunks)] : CHUNKS_PER_SESSION;
  return { captionCount: Number(values.captions), chunksPerSession };
}

interface Task {
  readonly folder: string;
  readonly name: "bare" | "indexed";
  readonly captionCount: number;
  readonly chunksPerSession: readonly number[];
  readonly nextCaption: () => string;
  readonly random: () => number;
}

interface Written {
  readonly path: string;
  readonly captionCount: number;
  readonly sessionCount: number;
  /** For each caption, all that a commit takes. */
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly bytes: number;
}

async function written({ folder, name, ...task }: Task): Promise<Written> {
  const path = `${folder}/${name}.sqlite`;
  const kv = await Deno.openKv(path);
  const indexer = createSearchIndexer({ kv, clock: systemClock });
  const alongside: Alongside[] = name === "indexed" ? [indexer] : [];
  const [before, beganMs] = [await usageOf(Deno.pid), performance.now()];
  const sessionCount = await writeBooks({ kv, alongside, ...task });
  const [after, endedMs] = [await usageOf(Deno.pid), performance.now()];
  const { captionCount } = task;
  // Closed, a database is one file, with nothing left to be put into it.
  kv.close();
  const { size } = await Deno.stat(path);
  return {
    path,
    captionCount,
    sessionCount,
    cpuMs: (after.cpuUs - before.cpuUs) / 1000 / captionCount,
    wallMs: (endedMs - beganMs) / captionCount,
    bytes: size / captionCount,
  };
}

/** Puts the sessions together as a process does that hears of them. */
async function compact(kv: Deno.Kv): Promise<void> {
  const compaction = new Compaction({ kv, clock: systemClock, log: silentLogger });
  const stall = watchStalls();
  const [before, beganMs] = [await usageOf(Deno.pid), performance.now()];
  const blocks = await compaction.compact(WEARER);
  const [after, endedMs] = [await usageOf(Deno.pid), performance.now()];
  const mostMs = stall();
  const { values, bytes } = await indexOf(kv);
  const cpuMs = (after.cpuUs - before.cpuUs) / 1000;
  say();
  say(
    `Compaction moved ${blocks} blocks in ${(endedMs - beganMs).toFixed(0)} ms (CPU ` +
      `${cpuMs.toFixed(0)} ms, ${
        (cpuMs / Math.max(1, blocks)).toFixed(2)
      } a block, stall at most ` +
      `${mostMs.toFixed(1)} ms); the index is ${values} values, ${(bytes / 1e6).toFixed(1)} MB.`,
  );
  say();
}

/** What searches read. */
async function indexOf(kv: Deno.Kv): Promise<{ readonly values: number; readonly bytes: number }> {
  let [values, bytes] = [0, 0];
  const listed = kv.list<Record<"words" | "postings" | "runs", { length: number }>>(
    searchRange(WEARER),
    { batchSize: 500 },
  );
  for await (const { value } of listed) {
    values++;
    bytes += value.words.length + value.postings.length + value.runs.length;
  }
  return { values, bytes };
}

async function reportWriting(kv: Deno.Kv, indexed: Written, bare: Written): Promise<void> {
  const { values, bytes } = await indexOf(kv);
  const { captionCount, sessionCount } = indexed;
  say(`${captionCount} captions in ${sessionCount} sessions, ${VOCABULARY} words.`);
  say();
  row("a caption", "with index", "without", "the index alone");
  row(...Array(4).fill("---"));
  const compare = (name: string, one: number, other: number, digits: number) =>
    row(name, ...[one, other, one - other].map((value) => value.toFixed(digits)));
  compare("CPU ms, all threads", indexed.cpuMs, bare.cpuMs, 3);
  compare("wall ms, 4 writers", indexed.wallMs, bare.wallMs, 3);
  compare("bytes of file", indexed.bytes, bare.bytes, 0);
  row("KV values of the index", (values / captionCount).toFixed(4), "0", `${values} in all`);
  row("bytes in them", (bytes / captionCount).toFixed(0), "0", `${(bytes / 1e6).toFixed(1)} MB`);
  say();
}

async function reportSearches(search: Search, vocabulary: readonly string[]): Promise<number[]> {
  row("search", "example", "p50 ms", "p95 ms", "most ms", "stall p95 ms", "hits, median");
  row(...Array(7).fill("---"));
  const [all, allStalls]: [number[], number[]] = [[], []];
  for (const { kind, texts } of queriesOf(vocabulary)) {
    const [times, stalls]: [number[], number[]] = [[], []];
    const hits: number[] = [];
    for (const text of texts) {
      const stall = watchStalls();
      const beganMs = performance.now();
      const request = { wearer: WEARER, words: soughtIn(text), limit: LIMIT };
      const found = await search({ ...request, fromMs: -Infinity, toMs: Infinity });
      times.push(performance.now() - beganMs);
      stalls.push(stall());
      hits.push(found.length);
    }
    all.push(...times);
    allStalls.push(...stalls);
    const medianHits = String(percentile(hits.sort((a, b) => a - b), 50));
    row(kind, texts[0]!, ...timesOf(times), timesOf(stalls)[1]!, medianHits);
  }
  row("all", "", ...timesOf(all), timesOf(allStalls)[1]!, "");
  return all;
}

/** Looks on until it is called: for how long at most was nobody else served? */
function watchStalls(): () => number {
  let [most, lastMs] = [0, performance.now()];
  const look = () => {
    const nowMs = performance.now();
    [most, lastMs] = [Math.max(most, nowMs - lastMs), nowMs];
  };
  const timer = setInterval(look, 1);
  return () => {
    look();
    clearInterval(timer);
    return most;
  };
}

function timesOf(times: readonly number[]): string[] {
  return [50, 95, 100].map((percent) => percentileOf(times, percent).toFixed(1));
}

function percentileOf(times: readonly number[], percent: number): number {
  return percentile(times.toSorted((a, b) => a - b), percent);
}

function row(...cells: string[]): void {
  say(`| ${cells.join(" | ")} |`);
}

await runCommand(bench);
