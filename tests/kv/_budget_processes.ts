/**
 * Several processes on one database, for tests of budgets: each with its own {@link Budgets}, its
 * own wall clock and its own line to KV, which the test can disturb.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { createCounters } from "../../counters.ts";
import {
  type BudgetAccount,
  type BudgetLimits,
  type Budgets,
  createBudgets,
} from "../../kv/budgets.ts";
import { createLogger } from "../../log.ts";
import { createFakeClock, type FakeClock } from "../_fake_clock.ts";

/** How a line to KV behaves. */
export type Fault =
  | "none"
  /** Nothing arrives. */
  | "refuse"
  /** What is to be written arrives, and the answer is lost. */
  | "lose_answers"
  /** What is sent arrives when the fault ends. */
  | "hang";

/** A line to a real KV. */
export interface KvLine {
  readonly kv: Deno.Kv;
  fault: Fault;
  /** Requests sent so far. */
  readonly requestCount: number;
}

/** One process. */
export interface Process extends KvLine {
  readonly budgets: Budgets;
  readonly counters: { readonly kvFailures: number };
  readonly logged: Record<string, unknown>[];
}

/** All processes of one test. */
export interface World {
  readonly clock: FakeClock;
  /** @param aheadMs how far the process's wall clock is ahead of the others' */
  start(aheadMs?: number): Process;
  /** Waits until KV has answered everything that does not hang. */
  quiet(): Promise<void>;
  /** Moves time on in steps, KV answering within each. */
  pass(ms: number, stepMs?: number): Promise<void>;
}

const OFF: BudgetLimits = { callsPerMinute: 0, callsPerDay: 0, gpuSecondsPerDay: 0, streams: 0 };

/** Runs `test` with an empty KV in memory; closes what it started. */
export async function withProcesses(
  limits: Partial<BudgetLimits>,
  test: (world: World) => Promise<void>,
): Promise<void> {
  const real = await Deno.openKv(":memory:");
  const clock = createFakeClock();
  const traffic = { pending: 0 };
  const started: { process: Process; release: () => void }[] = [];
  const quiet = async () => {
    do await new Promise((resolve) => setTimeout(resolve, 0)); while (traffic.pending > 0);
  };
  const start = (aheadMs = 0): Process => {
    const { line, release } = disturbed(real, traffic);
    const own: Clock = { ...clock, epochMs: () => clock.epochMs() + aheadMs };
    const logged: Record<string, unknown>[] = [];
    const counters = createCounters();
    const budgets = createBudgets({
      kv: line.kv,
      clock: own,
      limits: { ...OFF, ...limits },
      newId: () => crypto.randomUUID(),
      counters,
      log: createLogger("debug", (text) => void logged.push(JSON.parse(text))),
    });
    const process: Process = Object.assign(line, { budgets, counters, logged });
    started.push({ process, release });
    return process;
  };
  const pass = async (ms: number, stepMs = 100) => {
    for (let at = 0; at < ms; at += stepMs) {
      clock.tick(Math.min(stepMs, ms - at));
      await quiet();
    }
  };
  try {
    await test({ clock, start, quiet, pass });
  } finally {
    for (const { process, release } of started) {
      process.fault = "none";
      release();
    }
    await quiet();
    await clock.tickUntil(Promise.all(started.map(({ process }) => process.budgets.close())), 100);
    await quiet();
    real.close();
  }
}

/** Takes calls, KV answering in between, until the budget is used up. */
export async function takeAll({ quiet }: World, account: BudgetAccount): Promise<number> {
  for (let taken = 0;;) {
    const { kind } = account.takeCall();
    if (kind === "exhausted") return taken;
    if (kind === "granted") taken++;
    await quiet();
  }
}

function disturbed(real: Deno.Kv, traffic: { pending: number }) {
  let fault: Fault = "none";
  let requestCount = 0;
  let hanging: (() => void)[] = [];
  const release = () => {
    const released = hanging;
    hanging = [];
    for (const go of released) go();
  };
  const count = async <T>(request: () => Promise<T>): Promise<T> => {
    traffic.pending++;
    return await request().finally(() => traffic.pending--);
  };
  const send = async <T>(request: () => Promise<T>, isWrite: boolean): Promise<T> => {
    requestCount++;
    if (fault === "hang") await new Promise<void>((resolve) => hanging.push(resolve));
    if (fault === "refuse") throw new Error("KV is away");
    const answer = await count(request);
    if (isWrite && fault === "lose_answers") throw new Error("the answer was lost");
    return answer;
  };
  const kv = {
    get: (key: Deno.KvKey) => send(() => real.get(key), false),
    atomic() {
      const commit = real.atomic();
      const chain = {
        check: (entry: Deno.AtomicCheck) => (commit.check(entry), chain),
        set: (...args: Parameters<Deno.AtomicOperation["set"]>) => (commit.set(...args), chain),
        delete: (key: Deno.KvKey) => (commit.delete(key), chain),
        commit: () => send(() => commit.commit(), true),
      };
      return chain;
    },
  } as unknown as Deno.Kv;
  const line: KvLine = {
    kv,
    get fault() {
      return fault;
    },
    set fault(next: Fault) {
      fault = next;
      if (next !== "hang") release();
    },
    get requestCount() {
      return requestCount;
    },
  };
  return { line, release };
}
