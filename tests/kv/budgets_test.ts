import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import type { CallOutcome } from "../../kv/budgets.ts";
import { callBudgetKey, type CallBudgetRecord, type CallLot } from "../../kv/ration_keys.ts";
import { takeAll, withProcesses } from "./_budget_processes.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const GRANTED: CallOutcome = { kind: "granted" };
const PENDING: CallOutcome = { kind: "pending" };

Deno.test("BudgetAccount.takeCall spends a whole minute's budget, then says when it goes on", () =>
  withProcesses({ callsPerMinute: 120 }, async (world) => {
    const account = world.start().budgets.account("ann");
    assertEquals(await takeAll(world, account), 120);
    // A second is counted until all of it has left the window, and a second more for the clocks.
    assertEquals(account.takeCall(), {
      kind: "exhausted",
      budget: "calls_per_minute",
      retryAfterMs: 62_000,
    });
    world.clock.tick(60_000);
    assertEquals((account.takeCall() as { retryAfterMs: number }).retryAfterMs, 2_000);
    await world.pass(2_000);
    assertEquals(await takeAll(world, account), 120);
  }));

Deno.test("BudgetAccount.takeCall never waits in a steady stream after the first call", () =>
  withProcesses({ callsPerMinute: 120, callsPerDay: 50_000 }, async (world) => {
    const { budgets } = world.start();
    const account = budgets.account("ann");
    assertEquals(account.takeCall(), PENDING);
    await world.quiet();
    for (let second = 0; second < 300; second++) {
      assertEquals(account.takeCall(), GRANTED, `second ${second}`);
      await world.pass(1_000, 500);
    }
  }));

Deno.test("BudgetAccount.takeCall goes on at the pace of the budget where more is asked", () =>
  withProcesses({ callsPerMinute: 60 }, async (world) => {
    const account = world.start().budgets.account("ann");
    let taken = 0;
    for (let at = 0; at < 5 * 60 * 2; at++) {
      if (account.takeCall().kind === "granted") taken++;
      await world.pass(500, 500);
    }
    assert(taken >= 4.8 * 60 && taken <= 300, `${taken} in five minutes`);
  }));

Deno.test("BudgetAccount is one for all streams of a wearer, and none of another's", () =>
  withProcesses({ callsPerMinute: 1 }, async (world) => {
    const { budgets } = world.start();
    assertEquals(budgets.account("ann"), budgets.account("ann"));
    assertEquals(await takeAll(world, budgets.account("ann")), 1);
    assertEquals(await takeAll(world, budgets.account("bob")), 1);
  }));

Deno.test("BudgetAccount with limits of 0 is off and does not touch KV", () =>
  withProcesses({}, async (world) => {
    const process = world.start();
    const account = process.budgets.account("ann");
    for (let at = 0; at < 1000; at++) assertEquals(account.takeCall(), GRANTED);
    account.spent(1e6);
    await world.quiet();
    assertEquals([process.requestCount, world.clock.pendingTimers], [0, 0]);
  }));

Deno.test("BudgetAccount.whenReady calls once when a pending call can be taken", () =>
  withProcesses({ callsPerMinute: 60 }, async (world) => {
    const account = world.start().budgets.account("ann");
    assertEquals(account.takeCall(), PENDING);
    const outcomes: CallOutcome[] = [];
    const cancelled: CallOutcome[] = [];
    account.whenReady(() => outcomes.push(account.takeCall()));
    account.whenReady(() => cancelled.push(account.takeCall()))();
    await world.pass(1_000);
    assertEquals([outcomes, cancelled], [[GRANTED], []]);
  }));

Deno.test("BudgetAccount.whenReady calls when a used-up budget recovers, in the order of asking", () =>
  withProcesses({ callsPerMinute: 2 }, async (world) => {
    const account = world.start().budgets.account("ann");
    await takeAll(world, account);
    const order: string[] = [];
    for (const name of ["first", "second", "third"]) {
      const ask = () => {
        if (account.takeCall().kind === "granted") order.push(name);
        else account.whenReady(ask);
      };
      account.whenReady(ask);
    }
    await world.pass(61_900);
    assertEquals(order, []);
    await world.pass(200);
    assertEquals(order, ["first", "second"]);
    await world.pass(62_000);
    assertEquals(order, ["first", "second", "third"]);
  }));

Deno.test("BudgetAccount.whenReady tells those who wait that the budget is used up", () =>
  withProcesses({ callsPerMinute: 1 }, async (world) => {
    await takeAll(world, world.start().budgets.account("ann"));
    const account = world.start().budgets.account("ann");
    assertEquals(account.takeCall(), PENDING);
    const kinds: string[] = [];
    account.whenReady(() => kinds.push(account.takeCall().kind));
    await world.quiet();
    assertEquals(kinds, ["exhausted"]);
  }));

Deno.test("BudgetAccount keeps the day's budget in any 24 hours", () =>
  withProcesses({ callsPerDay: 50 }, async (world) => {
    const account = world.start().budgets.account("ann");
    assertEquals(await takeAll(world, account), 50);
    const refused = account.takeCall();
    assert(refused.kind === "exhausted" && refused.budget === "calls_per_day");
    assert(refused.retryAfterMs > DAY_MS && refused.retryAfterMs <= DAY_MS + 16 * MINUTE_MS);
    await world.pass(DAY_MS, MINUTE_MS * 10);
    assertEquals(await takeAll(world, account), 0);
    await world.pass(16 * MINUTE_MS, MINUTE_MS);
    assertEquals(await takeAll(world, account), 50);
  }));

Deno.test("BudgetAccount.spent uses up the GPU seconds, beyond them by one call at most", () =>
  withProcesses({ gpuSecondsPerDay: 100 }, async (world) => {
    const accounts = [world.start(), world.start()].map(({ budgets }) => budgets.account("ann"));
    let used = 0;
    for (let at = 0; at < 200; at++) {
      const account = accounts[at % 2]!;
      if (account.takeCall().kind === "granted") {
        account.spent(3);
        used += 3;
      }
      await world.pass(1_000, 500);
    }
    assert(used >= 94 && used <= 103, String(used));
    const refused = accounts[0]!.takeCall();
    assert(refused.kind === "exhausted" && refused.budget === "gpu_seconds_per_day");
  }));

Deno.test("BudgetAccount gives back what it does not use", () =>
  withProcesses({ callsPerMinute: 24 }, async (world) => {
    const idle = world.start().budgets.account("ann");
    idle.takeCall();
    const busy = world.start().budgets.account("ann");
    await world.quiet();
    assertEquals(await takeAll(world, busy), 22, "two lie aside");
    let more = 0;
    const ask = () => {
      if (busy.takeCall().kind === "granted") more++;
      busy.whenReady(ask);
    };
    ask();
    await world.pass(30_000, 500);
    assertEquals(more, 2);
  }));

Deno.test("Budgets.close gives back the lot, and books what was used", () =>
  withProcesses({ callsPerMinute: 120 }, async (world) => {
    const leaving = world.start();
    const account = leaving.budgets.account("ann");
    account.takeCall();
    await world.quiet();
    for (let at = 0; at < 3; at++) assertEquals(account.takeCall(), GRANTED);
    account.spent(2.5);
    await leaving.budgets.close();
    assertEquals(world.clock.pendingTimers, 0);
    const { value } = await leaving.kv.get<CallBudgetRecord>(callBudgetKey("ann"));
    assertEquals(value!.lots, []);
    assertEquals(value!.quarters.map(([, calls, gpuSeconds]) => [calls, gpuSeconds]), [[3, 2.5]]);
    assertEquals(await takeAll(world, world.start().budgets.account("ann")), 117);
  }));

Deno.test("Budgets.close does not wait for a KV that hangs", () =>
  withProcesses({ callsPerMinute: 120, streams: 4 }, async (world) => {
    const process = world.start();
    process.budgets.account("ann").takeCall();
    const outcome = await process.budgets.takeStream("ann", "s1");
    assert(outcome.kind === "granted");
    outcome.lease.keep();
    process.fault = "hang";
    const startMs = world.clock.monotonicMs();
    await world.clock.tickUntil(process.budgets.close(), 100);
    assertLessOrEqual(world.clock.monotonicMs() - startMs, 1_100);
  }));

Deno.test("BudgetAccount of a process that died loses its lot until the window ends, not longer", () =>
  withProcesses({ callsPerMinute: 120 }, async (world) => {
    const dead = world.start();
    dead.budgets.account("ann").takeCall();
    await world.quiet();
    dead.fault = "refuse";
    const account = world.start().budgets.account("ann");
    assertEquals(await takeAll(world, account), 110);
    await world.pass(63_000, 500);
    assertEquals(await takeAll(world, account), 110, "its ten may have been used last 30 s later");
    await world.pass(93_000, 500);
    assertEquals(await takeAll(world, account), 120);
  }));

Deno.test("BudgetAccount is not locked out for long by a clock that was years ahead", () =>
  withProcesses({ callsPerMinute: 12, callsPerDay: 1000 }, async (world) => {
    const ahead = world.start(10_000 * DAY_MS);
    assertEquals(await takeAll(world, ahead.budgets.account("ann")), 12);
    ahead.budgets.account("bob").takeCall();
    await world.quiet();
    ahead.fault = "refuse";
    const { budgets } = world.start();
    assertEquals(await takeAll(world, budgets.account("ann")), 0);
    assertEquals(await takeAll(world, budgets.account("bob")), 11);
    await world.pass(95_000, 1_000);
    assertEquals(await takeAll(world, budgets.account("ann")), 12);
    assertEquals(await takeAll(world, budgets.account("bob")), 12);
  }));

Deno.test("BudgetAccount stores neither more than a line a second, nor who asked", () =>
  withProcesses({ callsPerMinute: 100_000 }, async (world) => {
    const process = world.start();
    const account = process.budgets.account("ann");
    for (let at = 0; at < 400; at++) {
      for (let call = 0; call < 50; call++) account.takeCall();
      await world.pass(250, 250);
    }
    const { value } = await process.kv.get<CallBudgetRecord>(callBudgetKey("ann"));
    assertLessOrEqual(value!.seconds.length, 64);
    const keys: (keyof CallLot)[] = [
      "accountId",
      "calls",
      "untilMs",
      "bookedCalls",
      "bookedGpuSeconds",
    ];
    assertEquals(Object.keys(value!.lots[0]!), keys);
  }));
