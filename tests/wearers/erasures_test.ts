import { assert, assertEquals } from "@std/assert";
import { createCounters } from "../../counters.ts";
import { createBudgets } from "../../kv/budgets.ts";
import { LEASE_MS } from "../../kv/erasing.ts";
import { erasingKey, type ErasingRecord } from "../../kv/erasing_keys.ts";
import { fencedKv } from "../../kv/fenced_kv.ts";
import { type LiveSession, wearerPrefix } from "../../kv/keys.ts";
import { createSessionStore } from "../../kv/sessions.ts";
import { silentLogger } from "../../log.ts";
import {
  ANSWER_WITHIN_MS,
  type EraseOutcome,
  Erasures,
  SETTLE_MS,
} from "../../wearers/erasures.ts";
import { createFakeClock, type FakeClock } from "../_fake_clock.ts";
import { FaultyKv } from "../faults/_faulty_kv.ts";
import { live, says } from "../kv/_sessions.ts";
import { withKv } from "../kv/_temp_kv.ts";

let ids = 0;

/** One process, as far as erasing goes. */
function processOn(kv: Deno.Kv, clock: FakeClock) {
  const counters = createCounters();
  const newId = () => `p${++ids}`;
  const log = silentLogger;
  return new Erasures({ kv: fencedKv(kv), clock, newId, counters, log, scrub: null });
}

async function fill(kv: Deno.Kv, wearer: string, count: number): Promise<void> {
  for (let at = 0; at < count; at++) await kv.set([...wearerPrefix(wearer), "chunk", "s", at], at);
}

async function countOf(kv: Deno.Kv, wearer: string): Promise<number> {
  return (await Array.fromAsync(kv.list({ prefix: wearerPrefix(wearer) }))).length;
}

async function markOf(kv: Deno.Kv): Promise<ErasingRecord | null> {
  return (await kv.get<ErasingRecord>(erasingKey("ann"))).value;
}

Deno.test("Erasures keeps the mark until no process can have anything in hand, and takes what still comes [A12]", () =>
  withKv(async (kv) => {
    const clock = createFakeClock();
    const erasures = processOn(kv, clock);
    await fill(kv, "ann", 3);
    const beganAtMs = clock.epochMs();
    const erased = erasures.erase("ann");
    await clock.tickUntil(until(async () => await countOf(kv, "ann") === 1), 0);
    // Of a process that knows no fence.
    await kv.set([...wearerPrefix("ann"), "late"], 1);
    await clock.tickAsync(SETTLE_MS - (clock.epochMs() - beganAtMs) - 1);
    assert(await markOf(kv) !== null);
    const outcome = await pass(clock, kv, erased);
    assert(outcome.kind === "erased");
    assertEquals(outcome.receipt.counts, { chunk: 3, late: 1 });
    assert(outcome.receipt.erasedAtMs - beganAtMs >= SETTLE_MS);
    assertEquals(await countOf(kv, "ann"), 0);
    await erasures.close();
  }));

Deno.test("Erasures knows the receipt from the moment on at which the mark is gone [A12]", () =>
  withKv(async (kv) => {
    const clock = createFakeClock();
    const faulty = new FaultyKv(kv);
    const erasures = processOn(faulty.kv, clock);
    await fill(kv, "ann", 1);
    const told: Promise<EraseOutcome>[] = [];
    faulty.afterCommit = async () => {
      if (await markOf(kv) === null) told.push(erasures.state("ann"));
      await new Promise((resolve) => setTimeout(resolve));
    };
    await pass(clock, kv, erasures.erase("ann"));
    assertEquals((await Promise.all(told)).map(({ kind }) => kind), ["erased"]);
    await erasures.close();
  }));

Deno.test("Erasures: who listens has heard of it before anything is erased [A12]", () =>
  withKv(async (kv) => {
    const clock = createFakeClock();
    const erasures = processOn(kv, clock);
    const { promise: heard, resolve } = Promise.withResolvers<void>();
    const told: string[] = [];
    erasures.listen((wearer) => (told.push(wearer), heard));
    await fill(kv, "ann", 1);
    const erased = erasures.erase("ann");
    await clock.tickUntil(until(async () => await markOf(kv) !== null), 0);
    await clock.tickAsync(SETTLE_MS);
    assertEquals([told, await countOf(kv, "ann")], [["ann"], 2]);
    resolve();
    const outcome = await pass(clock, kv, erased);
    assertEquals([outcome.kind, await countOf(kv, "ann")], ["erased", 0]);
    await erasures.close();
    assertEquals(clock.pendingTimers, 0);
  }));

Deno.test("Erasures: one process erases, others say so; who dies is followed, with exact counts [A12]", () =>
  withKv(async (kv) => {
    const clock = createFakeClock();
    const faulty = new FaultyKv(kv);
    const [one, other] = [processOn(faulty.kv, clock), processOn(kv, clock)];
    await fill(kv, "ann", 1200);
    // The second batch is written, and its process never hears of it: nor of anything again.
    let commits = 0;
    faulty.afterCommit = () => ++commits >= 3 ? new Promise(() => {}) : Promise.resolve();
    void one.erase("ann");
    await clock.tickUntil(until(async () => (await markOf(kv))?.counts.chunk === 1000), 0);
    const there = await other.erase("ann");
    assert(there.kind === "under_way");
    assertEquals(there.counts, { chunk: 1000 });
    assertEquals((await other.finishBegun()).isAllOurs, false);
    await clock.tickAsync(LEASE_MS + 1);
    const outcome = await pass(clock, kv, other.erase("ann"));
    assert(outcome.kind === "erased");
    assertEquals(outcome.receipt.counts, { chunk: 1200 });
    assertEquals(await countOf(kv, "ann"), 0);
    await other.close();
  }));

Deno.test("Erasures goes on when KV refuses, or answers are lost, and counts nothing twice [A12]", () =>
  withKv(async (kv) => {
    const clock = createFakeClock();
    const faulty = new FaultyKv(kv);
    const erasures = processOn(faulty.kv, clock);
    await fill(kv, "ann", 1200);
    let commits = 0;
    faulty.afterCommit = () => {
      if (++commits % 2 === 0) throw new Error("the answer is lost");
      return Promise.resolve();
    };
    const outcome = await pass(clock, kv, erasures.erase("ann"));
    assert(outcome.kind === "erased" && commits > 4, String(commits));
    assertEquals(outcome.receipt.counts, { chunk: 1200 });
    assertEquals(await countOf(kv, "ann"), 0);
    await erasures.close();
  }));

Deno.test("Erasures answers in time and goes on; it begins again where its process has left it [A12]", () =>
  withKv(async (kv) => {
    const clock = createFakeClock();
    const faulty = new FaultyKv(kv);
    const erasures = processOn(faulty.kv, clock);
    await fill(kv, "ann", 2);
    faulty.afterCommit = () => {
      faulty.afterCommit = () => Promise.resolve();
      faulty.failCommits({ kind: "refused" }, 1_000);
      return Promise.resolve();
    };
    const outcome = await pass(clock, kv, erasures.erase("ann"));
    assertEquals([outcome.kind, clock.monotonicMs() >= ANSWER_WITHIN_MS], ["under_way", true]);
    const closed = erasures.close();
    await pass(clock, kv, closed);
    assert(await markOf(kv) !== null);
    const next = processOn(kv, clock);
    await clock.tickAsync(LEASE_MS);
    next.start();
    await pass(clock, kv, until(async () => (await next.state("ann")).kind === "erased"));
    assertEquals(await countOf(kv, "ann"), 0);
    await next.close();
    assertEquals(clock.pendingTimers, 0);
  }));

Deno.test("Erasures: a writer whose session was erased writes no more, and brings nothing back [A12]", () =>
  withKv(async (real) => {
    const kv = fencedKv(real);
    const clock = createFakeClock();
    const store = createSessionStore({ kv, clock, retentionDays: 30 });
    const session: LiveSession = { ...live, wearer: "ann" };
    const writer = store.begin(session);
    assertEquals(await writer.write(session), "written");
    await real.set(erasingKey("ann"), {});
    assertEquals(await writer.write({ ...session, chunkCount: 1 }, says("x", 0)), "erased");
    assertEquals(await store.begin({ ...session, id: "new" }).write(session), "erased");
    for await (const { key } of real.list({ prefix: wearerPrefix("ann") })) await real.delete(key);
    assertEquals(await writer.write({ ...session, chunkCount: 1 }, says("x", 0)), "erased");
    assertEquals([await writer.isOwner(), writer.lost], [false, "erased"]);
    assertEquals(await countOf(kv, "ann"), 0);
    assertEquals(await store.begin(session).write(session), "written", "it may begin afresh");
  }));

Deno.test("Erasures: budgets of before bring nothing back, whenever they are settled [A12]", () =>
  withKv(async (real) => {
    const kv = fencedKv(real);
    const clock = createFakeClock();
    const limits = { callsPerMinute: 60, callsPerDay: 0, gpuSecondsPerDay: 100, streams: 2 };
    const counters = createCounters();
    const newId = () => `b${++ids}`;
    const budgets = createBudgets({ kv, clock, limits, newId, counters, log: silentLogger });
    const account = budgets.account("ann");
    await clock.tickUntil(until(() => Promise.resolve(account.takeCall().kind === "granted")), 0);
    account.spent(3);
    for await (const { key } of real.list({ prefix: wearerPrefix("ann") })) await real.delete(key);
    // Far beyond the time after which what is unused is given back and what was used is booked.
    const { promise: minuteOver, resolve } = Promise.withResolvers<void>();
    clock.after(60_000, resolve);
    await pass(clock, kv, minuteOver);
    assertEquals(await countOf(kv, "ann"), 0);
    await clock.tickUntil(budgets.close(), 0);
    assertEquals([await countOf(kv, "ann"), counters.kvFailures], [0, 0]);
  }));

/** Moves time on until `promise` settles, and no faster than KV keeps up with. */
async function pass<T>(clock: FakeClock, kv: Deno.Kv, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = () => void (isSettled = true);
  promise.then(settled, settled);
  while (!isSettled) {
    await clock.tickAsync(100);
    // Behind all that KV has been asked before, more than once.
    for (let turn = 0; turn < 3; turn++) await kv.get(["turn"]);
  }
  return await promise;
}

/** Real KV takes real time: asks until it is so. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!await holds()) await new Promise((resolve) => setTimeout(resolve, 1));
}
