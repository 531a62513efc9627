import { assert, assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import type { BudgetAccount } from "../../kv/budgets.ts";
import { type Fault, takeAll, withProcesses, type World } from "./_budget_processes.ts";

const MINUTE_MS = 60_000;

/** Asks every `stepMs` for `ms`, and says when calls were granted (monotonic). */
async function ask(world: World, account: BudgetAccount, ms: number, stepMs = 500) {
  const grantedAtMs: number[] = [];
  for (let at = 0; at < ms; at += stepMs) {
    if (account.takeCall().kind === "granted") grantedAtMs.push(world.clock.monotonicMs());
    await world.pass(stepMs, stepMs);
  }
  return grantedAtMs;
}

/** The most calls that lie in any window of the length. */
function busiest(timesMs: readonly number[], windowMs: number): number {
  const sorted = [...timesMs].sort((a, b) => a - b);
  return sorted.reduce((most, fromMs, at) => {
    const inside = sorted.slice(at).filter((atMs) => atMs < fromMs + windowMs).length;
    return Math.max(most, inside);
  }, 0);
}

Deno.test("BudgetAccounts of many processes never pass the budget in any minute, whatever KV does", async () => {
  const fault = fc.constantFrom<Fault>("none", "none", "none", "refuse", "lose_answers", "hang");
  const step = fc.record({
    process: fc.nat({ max: 3 }),
    fault,
    calls: fc.nat({ max: 5 }),
    waitMs: fc.constantFrom(0, 50, 700, 1_900, 3_900),
  });
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 10, maxLength: 60 }),
    fc.integer({ min: 1, max: 30 }),
    fc.array(fc.integer({ min: -500, max: 500 }), { minLength: 4, maxLength: 4 }),
    (steps, callsPerMinute, aheadMs) =>
      withProcesses({ callsPerMinute }, async (world) => {
        const processes = aheadMs.map((ms) => world.start(ms));
        const grantedAtMs: number[] = [];
        for (const { process: at, fault, calls, waitMs } of steps) {
          const process = processes[at]!;
          process.fault = fault;
          const account = process.budgets.account("ann");
          for (let call = 0; call < calls; call++) {
            if (account.takeCall().kind === "granted") grantedAtMs.push(world.clock.monotonicMs());
          }
          await world.pass(waitMs, 1_000);
          if (fault === "none") continue;
          // Too short for calls without KV: of those, the next tests.
          process.fault = "none";
          await world.pass(6_000, 1_000);
        }
        assertLessOrEqual(busiest(grantedAtMs, MINUTE_MS), callsPerMinute);
      }),
  );
  await fc.assert(property, { numRuns: 30, endOnFailure: true });
});

Deno.test("BudgetAccounts of several processes share the day, and use all of it", () =>
  withProcesses({ callsPerMinute: 60, callsPerDay: 200 }, async (world) => {
    const accounts = [0, 400, -400].map((ms) => world.start(ms).budgets.account("ann"));
    let taken = 0;
    for (let at = 0; at < 6 * 60 * 2; at++) {
      for (const account of accounts) if (account.takeCall().kind === "granted") taken++;
      await world.pass(500, 500);
    }
    assertEquals(taken, 200);
  }));

Deno.test("BudgetAccount books once what KV wrote and did not answer", () =>
  withProcesses({ callsPerMinute: 24 }, async (world) => {
    const process = world.start();
    const account = process.budgets.account("ann");
    account.takeCall();
    await world.quiet();
    process.fault = "lose_answers";
    assertEquals(account.takeCall().kind, "granted");
    assertEquals(account.takeCall().kind, "granted");
    await world.pass(4_000, 500);
    process.fault = "none";
    await world.pass(10_000, 500);
    assertEquals(await takeAll(world, account), 22);
  }));

Deno.test("BudgetAccount gives a wearer a tenth of the pace while KV is away, and counts failures", () =>
  withProcesses({ callsPerMinute: 60 }, async (world) => {
    const process = world.start();
    process.fault = "refuse";
    const account = process.budgets.account("ann");
    const grantedAtMs = await ask(world, account, 10 * MINUTE_MS);
    // One every ten seconds, from the fifth on.
    assertEquals(grantedAtMs.length, 60);
    assertEquals(grantedAtMs.slice(0, 2), [5_500, 15_500]);
    assertGreaterOrEqual(process.counters.kvFailures, 10);
    assertEquals(process.logged.map(({ event }) => event), ["kv.budget_failed"]);
  }));

Deno.test("BudgetAccount books what it granted without KV when KV is back", () =>
  withProcesses({ callsPerDay: 10_000 }, async (world) => {
    const process = world.start();
    process.fault = "refuse";
    const account = process.budgets.account("ann");
    // A tenth of the day's pace: one in 86.4 s.
    assertEquals((await ask(world, account, 20 * MINUTE_MS, 5_000)).length, 14);
    process.fault = "none";
    await world.pass(30_000, 1_000);
    await process.budgets.close();
    const observer = world.start();
    const { value } = await observer.kv.get<{ quarters: [number, number, number][] }>(
      ["wearer", "ann", "call_budget"],
    );
    assertEquals(value!.quarters.reduce((sum, [, calls]) => sum + calls, 0), 14);
  }));

Deno.test("BudgetAccount wakes those who wait for KV, with KV and without", () =>
  withProcesses({ callsPerMinute: 60 }, async (world) => {
    const process = world.start();
    process.fault = "hang";
    const account = process.budgets.account("ann");
    const grantedAtMs: number[] = [];
    const wait = () => {
      if (account.takeCall().kind === "granted") grantedAtMs.push(world.clock.monotonicMs());
      account.whenReady(wait);
    };
    wait();
    await world.pass(16_000, 250);
    assertEquals(grantedAtMs, [5_000, 15_000]);
    process.fault = "none";
    await world.pass(9_000, 250);
    assertGreaterOrEqual(grantedAtMs.length, 10);
  }));

Deno.test("BudgetAccount does not forget that a budget is used up when KV goes away", () =>
  withProcesses({ callsPerMinute: 6 }, async (world) => {
    const process = world.start();
    const account = process.budgets.account("ann");
    const before = await ask(world, account, 10_000, 250);
    assertEquals(before.length, 6);
    process.fault = "refuse";
    const during = await ask(world, account, 50_000, 1_000);
    assertEquals(during, []);
    // The minute is over, and KV cannot say whether others used it: a tenth of the pace again.
    assertEquals((await ask(world, account, 100_000, 1_000)).length, 1);
  }));

Deno.test("BudgetAccount does not spend a lot whose time is over", () =>
  withProcesses({ callsPerMinute: 120 }, async (world) => {
    const process = world.start();
    const account = process.budgets.account("ann");
    account.takeCall();
    await world.quiet();
    process.fault = "refuse";
    // The lot's time does not hang on a wall clock that somebody sets.
    world.clock.setEpochMs(world.clock.epochMs() - 3_600_000);
    assertEquals((await ask(world, account, 30_000, 6_000)).length, 5, "out of a lot of ten");
    const kinds = [1, 2, 3].map(() => account.takeCall().kind);
    assert(!kinds.slice(1).includes("granted"), `one without KV at most: ${kinds}`);
  }));

Deno.test("BudgetAccounts asked all the time never pass the budget in any minute", async () => {
  const aheadMs = fc.integer({ min: -500, max: 500 });
  const property = fc.asyncProperty(
    fc.array(aheadMs, { minLength: 1, maxLength: 3 }),
    fc.integer({ min: 1, max: 20 }),
    fc.integer({ min: 230, max: 490 }),
    (aheadMs, callsPerMinute, stepMs) =>
      withProcesses({ callsPerMinute }, async (world) => {
        const accounts = aheadMs.map((ms) => world.start(ms).budgets.account("ann"));
        const grantedAtMs: number[] = [];
        while (world.clock.monotonicMs() < 140_000) {
          for (const account of accounts) {
            if (account.takeCall().kind === "granted") grantedAtMs.push(world.clock.monotonicMs());
          }
          await world.pass(stepMs, stepMs);
        }
        assertLessOrEqual(busiest(grantedAtMs, MINUTE_MS), callsPerMinute);
        assertGreaterOrEqual(grantedAtMs.length, 2 * callsPerMinute, "and use all of it");
      }),
  );
  await fc.assert(property, { numRuns: 3, endOnFailure: true });
});
