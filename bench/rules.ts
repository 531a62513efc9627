/**
 * `deno task bench:rules`: what it costs to hold chunks against the rules of their wearers.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { systemClock } from "../clock.ts";
import { runCommand, say } from "../dev/terminal.ts";
import { readStandings } from "../kv/standing.ts";
import { describeMachine, usageOf } from "./_proc.ts";
import { type Answering, openRuleBooks, type RuleBooks } from "./_rule_books.ts";

const SCRATCH = ".scratch";

interface Size {
  readonly wearers: number;
  readonly rules: number;
  /** Chunks of each wearer. */
  readonly rounds: number;
}

interface Cost {
  readonly cpuMs: number;
  readonly wallMs: number;
}

async function bench(): Promise<number> {
  const size = optionsOf(Deno.args);
  const { cores, cpu, deno, loadAverage } = await describeMachine();
  const startedAt = new Date().toISOString().slice(0, 16).replace("T", " ");
  say(`${startedAt} UTC, ${cores} cores of ${cpu}, Deno ${deno}, load average ${loadAverage}.`);
  say(`${size.wearers} wearers with ${size.rules} rules each, ${size.rounds} chunks of each.`);
  await Deno.mkdir(SCRATCH, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: SCRATCH, prefix: "bench-" });
  try {
    await report(folder, size);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return 0;
}

function optionsOf(args: readonly string[]): Size {
  const { values } = parseArgs({
    args: [...args],
    options: {
      wearers: { type: "string", default: "1000" },
      rules: { type: "string", default: "5" },
      rounds: { type: "string", default: "20" },
    },
  });
  const [wearers, rules, rounds] = [values.wearers, values.rules, values.rounds].map(Number);
  return { wearers: wearers!, rules: rules!, rounds: rounds! };
}

/** The ways in turns, each from the beginning, so that none has the warm process for itself. */
async function report(folder: string, size: Size): Promise<void> {
  const ways: (Answering | null)[] = [null, "no", "one_holds", "all_hold", "one_fires"];
  const costs = new Map<Answering | null, Cost[]>(ways.map((way) => [way, []]));
  let at = 0;
  for (const way of [...ways, ...ways.toReversed()]) {
    const books = await openRuleBooks(`${folder}/${at++}.sqlite`, size, way);
    await round(books, size, 0);
    costs.get(way)!.push(await measured(books, size));
    const expected = way === "one_fires" ? size.wearers * Math.ceil(size.rounds / 5) : 0;
    const messages = await books.messageCount();
    if (messages !== expected) {
      throw new Error(`There should be ${expected} messages: there are ${messages}`);
    }
    await books.close();
  }
  const bare = mean(costs.get(null)!);
  say();
  say("| a chunk           | CPU ms, all threads | beyond the chunk | times | wall ms |");
  say("| ----------------- | ------------------- | ---------------- | ----- | ------- |");
  for (const way of ways) {
    const { cpuMs, wallMs } = mean(costs.get(way)!);
    const cells = [
      NAMES[way ?? "none"].padEnd(17),
      cpuMs.toFixed(3).padEnd(19),
      (way === null ? "" : (cpuMs - bare.cpuMs).toFixed(3)).padEnd(16),
      (cpuMs / bare.cpuMs).toFixed(2).padEnd(5),
      wallMs.toFixed(3).padEnd(7),
    ];
    say(`| ${cells.join(" | ")} |`);
  }
}

const NAMES = {
  none: "without rules",
  no: "all say no",
  one_holds: "one rule holds",
  all_hold: "all rules hold",
  one_fires: "one fires in five",
} as const;

async function measured(books: RuleBooks, size: Size): Promise<Cost> {
  const before = await usageOf(Deno.pid);
  const startedAtMs = performance.now();
  for (let at = 1; at <= size.rounds; at++) await round(books, size, at);
  await books.settled();
  const wallMs = performance.now() - startedAtMs;
  const after = await usageOf(Deno.pid);
  const chunks = size.wearers * size.rounds;
  return { cpuMs: (after.cpuUs - before.cpuUs) / 1000 / chunks, wallMs: wallMs / chunks };
}

/** A second of all wearers: their chunks, four at once, and the look at what stands for them. */
async function round(books: RuleBooks, { wearers }: Size, at: number): Promise<void> {
  let next = 0;
  const write = async () => {
    while (next < wearers) await books.write(next++, at);
  };
  await Promise.all([write(), write(), write(), write()]);
  if (books.rulesOf) {
    const never = new AbortController().signal;
    const reading = { kv: books.kv, clock: systemClock, track: <T>(read: Promise<T>) => read };
    const { failure } = await readStandings(reading, books.names, never);
    if (failure !== null) throw new Error(failure);
  }
}

function mean(costs: readonly Cost[]): Cost {
  const of = (name: keyof Cost) => costs.reduce((sum, cost) => sum + cost[name], 0) / costs.length;
  return { cpuMs: of("cpuMs"), wallMs: of("wallMs") };
}

await runCommand(bench);
