/**
 * `deno task bench:day`: a wearer's day, one chunk a second, is loaded, listed, searched and exported.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { runCommand, say } from "../dev/terminal.ts";
import { soughtIn } from "../timeline/search/search.ts";
import { acksBeside } from "./_day_acks.ts";
import { writeDay } from "./_day_books.ts";
import {
  type Ask,
  findThings,
  readChunks,
  readExport,
  readTimeline,
  search,
} from "./_day_reading.ts";
import { listAll, scanFor } from "./_day_scan.ts";
import { type DayScript, scriptOf } from "./_day_script.ts";
import { describeMachine, usageOf } from "./_proc.ts";
import { queriesOf } from "./_search_queries.ts";
import { MAGIC_HEADERS, startForesight } from "./_servers.ts";
import { percentile } from "./_statistics.ts";

const SCRATCH = ".scratch";
const DAY_CHUNKS = "86400";
/** Enough to see what a commit costs without index and timeline. */
const BARE_SHARE = 0.1;
const SCANS = 3;
const RSS_EVERY_MS = 100;
/** V8 gives memory back a while after it is free. */
const SETTLE_MS = 1_000;
const MB = 1e6;

async function bench(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: { chunks: { type: "string", default: DAY_CHUNKS } },
  });
  const chunkCount = Number(values.chunks);
  if (!Number.isInteger(chunkCount) || chunkCount < 100) {
    throw new Error(
      `Cannot use --chunks as it must be a whole number from 100 on: current value is ${values.chunks}`,
    );
  }
  const { cores, cpu, deno, loadAverage } = await describeMachine();
  const startedAt = new Date().toISOString().slice(0, 16).replace("T", " ");
  const script = scriptOf(chunkCount);
  say(`${startedAt} UTC, ${cores} cores of ${cpu}, Deno ${deno}, load average ${loadAverage}.`);
  say(
    `${chunkCount} chunks in ${script.sessions.length} sessions, ${script.captionCount} captions, ` +
      `${script.segmentCount} segments.`,
  );
  say();
  row("a day", "figure", "held against", "ratio");
  row(...Array(4).fill("---"));
  await Deno.mkdir(SCRATCH, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: SCRATCH, prefix: "bench-" });
  try {
    await load(script, folder);
    await read(script, `${folder}/day.sqlite`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return 0;
}

async function load(script: DayScript, folder: string): Promise<void> {
  const bareCount = Math.round(script.chunkCount * BARE_SHARE);
  const bareScript = scriptOf(Math.max(100, bareCount));
  const bare = await written(`${folder}/bare.sqlite`, bareScript, "nothing");
  const full = await written(`${folder}/day.sqlite`, script, "as in production");
  const compared = (name: string, unit: string, of: (one: Loaded) => number, digits: number) =>
    row(
      name,
      `${of(full).toFixed(digits)} ${unit}`,
      `${of(bare).toFixed(digits)} bare`,
      ratio(of(full), of(bare)),
    );
  row("load, in all", `${(full.ms / 1000).toFixed(1)} s`, "86400 s of seeing", "");
  compared("load, a chunk", "ms", ({ ms, chunks }) => ms / chunks, 3);
  compared("load, CPU a chunk", "ms", ({ cpuMs, chunks }) => cpuMs / chunks, 3);
  compared("file, a chunk", "bytes", ({ bytes, chunks }) => bytes / chunks, 0);
  row("file", `${(full.bytes / MB).toFixed(1)} MB`, "", "");
}

interface Loaded {
  readonly chunks: number;
  readonly ms: number;
  readonly cpuMs: number;
  readonly bytes: number;
}

async function written(
  path: string,
  script: DayScript,
  beside: Parameters<typeof writeDay>[2],
): Promise<Loaded> {
  const kv = await Deno.openKv(path);
  const [before, beganMs] = [await usageOf(Deno.pid), performance.now()];
  await writeDay(kv, script, beside);
  const [after, ms] = [await usageOf(Deno.pid), performance.now() - beganMs];
  // Closed, a database is one file, with nothing left to be put into it.
  kv.close();
  const { size: bytes } = await Deno.stat(path);
  return { chunks: script.chunkCount, ms, cpuMs: (after.cpuUs - before.cpuUs) / 1000, bytes };
}

async function read(script: DayScript, path: string): Promise<void> {
  const kv = await Deno.openKv(path);
  const child = await startForesight({ KV_PATH: path });
  const ask: Ask = (at) => fetch(child.url + at, { headers: MAGIC_HEADERS });
  try {
    await list(ask, script);
    await searches(ask, script, kv);
    await acks(child.url, ask, script);
    await exports(ask, script, kv, child.pid);
  } finally {
    await child.stop();
    kv.close();
  }
}

async function list(ask: Ask, script: DayScript): Promise<void> {
  const newest = await readTimeline(ask, "newest");
  mustBe("segments", newest.items, script.segmentCount);
  mustBe("chunks of segments", newest.chunks, script.captionCount);
  reportPages("timeline, a page of 50 segments", newest.pageMs);
  const chunks = await readChunks(ask, script);
  mustBe("chunks", chunks.items, script.chunkCount);
  reportPages("chunks, a page of 500", chunks.pageMs);
}

/** The last tenth of the pages against the first. */
function reportPages(name: string, pageMs: readonly number[]): void {
  const tenth = Math.max(1, Math.floor(pageMs.length / 10));
  const [first, last] = [pageMs.slice(0, tenth), pageMs.slice(-tenth)];
  row(
    name,
    `${inMs(pageMs)} (p50, p95 of ${pageMs.length})`,
    "last tenth / first",
    ratio(at(last, 50), at(first, 50)),
  );
}

async function searches(ask: Ask, script: DayScript, kv: Deno.Kv): Promise<void> {
  const scans: number[] = [];
  const [thing, seen] = [...script.sightings][0]!;
  const chunksSeen = seen.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  for (let left = SCANS; left > 0; left--) {
    const { found, ms } = await scanFor(kv, thing);
    mustBe("chunks found by scanning", found, chunksSeen);
    scans.push(ms);
  }
  // The first search of a process also pays for what V8 compiles.
  await findThings(ask, script);
  const scan = at(scans, 50);
  const reportTimes = (name: string, times: readonly number[]) =>
    row(
      name,
      `${inMs(times)} (p50, p95 of ${times.length})`,
      `${scan.toFixed(0)} ms scan of all captions`,
      ratio(at(times, 50), scan),
    );
  reportTimes("search for what was rare", await findThings(ask, script));
  const all: number[] = [];
  for (const { texts } of queriesOf(script.vocabulary)) {
    // Some beginnings are words that say nothing.
    for (const text of texts.filter((text) => soughtIn(text).length > 0)) {
      all.push((await search(ask, text)).ms);
    }
  }
  reportTimes("search, 13 kinds", all);
}

/** Eight words are the search that takes longest. */
async function acks(url: string, ask: Ask, { vocabulary }: DayScript): Promise<void> {
  const texts = queriesOf(vocabulary).find(({ kind }) => kind === "eight words")!.texts;
  const { idle, searching } = await acksBeside(url, ask, texts);
  const name = "ack beside searches of eight words";
  const against = `${inMs(idle)} without`;
  row(`${name} (p50, p95)`, inMs(searching), against, ratio(at(searching, 50), at(idle, 50)));
  const [most, least] = [at(searching, 100), at(idle, 100)];
  row(`${name} (most)`, `${most.toFixed(1)} ms`, `${least.toFixed(1)} ms`, ratio(most, least));
}

async function exports(ask: Ask, script: DayScript, kv: Deno.Kv, pid: number): Promise<void> {
  const bare = await listAll(kv);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const { rssMib } = await usageOf(pid);
  const peak = watchRss(pid);
  const { lines, bytes, ms, counts } = await readExport(ask);
  const peakMib = await peak();
  mustBe("chunks exported", counts.chunk ?? 0, script.chunkCount);
  mustBe("segments exported", counts.segment ?? 0, script.segmentCount);
  mustBe("records exported", lines - 1, bare.records);
  row("export", `${lines} lines, ${(bytes / MB).toFixed(1)} MB`, "", "");
  row(
    "export, in all",
    `${(ms / 1000).toFixed(2)} s, ${(bytes / MB / (ms / 1000)).toFixed(1)} MB/s`,
    `${(bare.ms / 1000).toFixed(2)} s bare listing`,
    ratio(ms, bare.ms),
  );
  row(
    "export, peak RSS added",
    `${(peakMib - rssMib).toFixed(0)} MiB`,
    `${rssMib.toFixed(0)} MiB before`,
    ratio(peakMib, rssMib),
  );
}

/** Looks at the memory of a process until it is called: what was the most? */
function watchRss(pid: number): () => Promise<number> {
  let [most, isOver] = [0, false];
  const watching = (async () => {
    while (!isOver) {
      most = Math.max(most, (await usageOf(pid)).rssMib);
      await new Promise((resolve) => setTimeout(resolve, RSS_EVERY_MS));
    }
  })();
  return async () => {
    isOver = true;
    await watching;
    return most;
  };
}

function mustBe(what: string, value: number, expected: number): void {
  if (value === expected) return;
  throw new Error(`Cannot go on as ${what} must be ${expected}: current value is ${value}`);
}

function inMs(times: readonly number[]): string {
  return `${at(times, 50).toFixed(1)}, ${at(times, 95).toFixed(1)} ms`;
}

function at(values: readonly number[], percent: number): number {
  return percentile(values.toSorted((a, b) => a - b), percent);
}

function ratio(one: number, other: number): string {
  return (one / other).toFixed(2);
}

function row(...cells: string[]): void {
  say(`| ${cells.join(" | ")} |`);
}

await runCommand(bench);
