import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import type { StreamLease } from "../../kv/budgets.ts";
import { streamPlacesKey, type StreamPlacesRecord } from "../../kv/ration_keys.ts";
import { type Process, withProcesses } from "./_budget_processes.ts";

/** Takes a place that must be free, and keeps it. */
async function take({ budgets }: Process, streamId: string): Promise<StreamLease> {
  const outcome = await budgets.takeStream("ann", streamId);
  assert(outcome.kind === "granted", `${streamId}: ${JSON.stringify(outcome)}`);
  outcome.lease.keep();
  return outcome.lease;
}

async function isRefused({ budgets }: Process, streamId: string): Promise<boolean> {
  const outcome = await budgets.takeStream("ann", streamId);
  assert(outcome.kind !== "unavailable");
  if (outcome.kind === "granted") await outcome.lease.release();
  return outcome.kind === "refused";
}

async function placesOf({ kv }: Process): Promise<string[]> {
  const { value } = await kv.get<StreamPlacesRecord>(streamPlacesKey("ann"));
  return (value?.places ?? []).map(({ streamId }) => streamId).sort();
}

Deno.test("Budgets.takeStream gives out the places once, to all processes together", () =>
  withProcesses({ streams: 2 }, async (world) => {
    const [one, two] = [world.start(), world.start()];
    const first = await take(one, "s1");
    await take(two, "s2");
    assertEquals(await one.budgets.takeStream("ann", "s3"), {
      kind: "refused",
      retryAfterMs: 30_000,
    });
    assert(await isRefused(two, "s3"));
    assertEquals((await two.budgets.takeStream("bob", "s3")).kind, "granted");
    await first.release();
    await take(two, "s3");
    assertEquals(await placesOf(one), ["s2", "s3"]);
  }));

Deno.test("Budgets.takeStream gives the last place to one of many that ask at once", () =>
  withProcesses({ streams: 3 }, async (world) => {
    const processes = Array.from({ length: 5 }, () => world.start());
    const asked = processes.flatMap(({ budgets }, process) =>
      [1, 2, 3].map((stream) => budgets.takeStream("ann", `${process}-${stream}`))
    );
    await world.pass(500, 1);
    const outcomes = await Promise.all(asked);
    const kinds = outcomes.map(({ kind }) => kind).sort();
    assertEquals(kinds, [...Array(3).fill("granted"), ...Array(12).fill("refused")]);
  }));

Deno.test("Budgets.takeStream with a limit of 0 is off and does not touch KV", () =>
  withProcesses({}, async (world) => {
    const process = world.start();
    for (let at = 0; at < 100; at++) await take(process, `s${at}`);
    assertEquals([process.requestCount, world.clock.pendingTimers], [0, 0]);
  }));

Deno.test("StreamLease is renewed while it is kept, and not a moment longer", () =>
  withProcesses({ streams: 1 }, async (world) => {
    const process = world.start();
    const lease = await take(process, "s1");
    await world.pass(5 * 60_000, 1_000);
    assert(await isRefused(world.start(), "s2"));
    await lease.release();
    assertEquals(world.clock.pendingTimers, 0);
    assertEquals(await placesOf(process), []);
    await world.pass(60_000, 1_000);
    assertEquals(await placesOf(process), []);
  }));

Deno.test("StreamLease that nobody keeps comes free by itself", () =>
  withProcesses({ streams: 1 }, async (world) => {
    const process = world.start();
    assertEquals((await process.budgets.takeStream("ann", "s1")).kind, "granted");
    await world.pass(29_000, 1_000);
    assert(await isRefused(process, "s2"));
    await world.pass(1_000, 1_000);
    assert(!await isRefused(process, "s2"));
  }));

Deno.test("StreamLease of a process that died frees itself after the lease", () =>
  withProcesses({ streams: 1 }, async (world) => {
    const dead = world.start();
    await take(dead, "s1");
    dead.fault = "refuse";
    const alive = world.start();
    await world.pass(29_000, 1_000);
    assertEquals(await alive.budgets.takeStream("ann", "s2"), {
      kind: "refused",
      retryAfterMs: 1_000,
    });
    await world.pass(1_000, 1_000);
    await take(alive, "s2");
  }));

Deno.test("Budgets.takeStream under the same id takes the place over, from another process too", () =>
  withProcesses({ streams: 1 }, async (world) => {
    const [one, two] = [world.start(), world.start()];
    const before = await take(one, "s1");
    const after = await take(two, "s1");
    // Neither the end nor the renewal of the lost connection touches the place.
    await world.pass(40_000, 1_000);
    await before.release();
    assert(await isRefused(one, "s2"));
    await after.release();
    assert(!await isRefused(one, "s2"));
  }));

Deno.test("Budgets.takeStream says that KV is away, and counts the stream once it is back", () =>
  withProcesses({ streams: 2 }, async (world) => {
    const process = world.start();
    for (const fault of ["refuse", "hang", "lose_answers"] as const) {
      process.fault = fault;
      const asked = process.budgets.takeStream("ann", "s1");
      const outcome = await world.clock.tickUntil(asked, 100);
      assert(outcome.kind === "unavailable" && outcome.reason !== "", fault);
      outcome.lease.keep();
      process.fault = "none";
      await world.pass(10_000, 1_000);
      assertEquals(await placesOf(process), ["s1"], fault);
      await outcome.lease.release();
      assertEquals(await placesOf(process), [], fault);
    }
    assertEquals(process.counters.kvFailures, 3);
  }));

Deno.test("StreamLease outlives a KV that was away for longer than the lease", () =>
  withProcesses({ streams: 1 }, async (world) => {
    const process = world.start();
    const lease = await take(process, "s1");
    process.fault = "refuse";
    await world.pass(45_000, 1_000);
    process.fault = "none";
    await world.pass(10_000, 1_000);
    assert(await isRefused(world.start(), "s2"));
    process.fault = "refuse";
    await lease.release();
    process.fault = "none";
    await world.pass(30_000, 1_000);
    assert(!await isRefused(process, "s2"), "expired by itself");
  }));

Deno.test("Budgets.takeStream is not locked out for long by a clock that was years ahead", () =>
  withProcesses({ streams: 1 }, async (world) => {
    const ahead = world.start(1e12);
    await take(ahead, "s1");
    ahead.fault = "refuse";
    const process = world.start();
    assert(await isRefused(process, "s2"));
    await world.pass(30_000, 1_000);
    assert(!await isRefused(process, "s2"));
  }));

Deno.test("Budgets.close frees the places of its process and no other", () =>
  withProcesses({ streams: 4 }, async (world) => {
    const [leaving, staying] = [world.start(), world.start()];
    const lease = await take(leaving, "s1");
    await take(leaving, "s2");
    await take(staying, "s3");
    await leaving.budgets.close();
    assertEquals(await placesOf(staying), ["s3"]);
    await lease.release();
    lease.keep();
    await world.pass(11_000, 1_000);
    assertEquals(await placesOf(staying), ["s3"]);
  }));

Deno.test("Budgets.takeStream never gives out more places than there are, whoever comes and goes", async () => {
  const step = fc.record({
    process: fc.nat({ max: 2 }),
    stream: fc.nat({ max: 7 }),
    leaves: fc.boolean(),
    waitMs: fc.constantFrom(0, 0, 3_000, 12_000),
  });
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 50 }),
    fc.integer({ min: 1, max: 4 }),
    (steps, streams) =>
      withProcesses({ streams }, async (world) => {
        const processes = [0, 400, -400].map((ms) => world.start(ms));
        const open = new Map<string, StreamLease>();
        for (const { process, stream, leaves, waitMs } of steps) {
          const id = `s${stream}`;
          if (leaves) {
            await open.get(id)?.release();
            open.delete(id);
          } else {
            const outcome = await processes[process]!.budgets.takeStream("ann", id);
            if (outcome.kind === "granted") {
              outcome.lease.keep();
              // The connection that was lost before is noticed now.
              await open.get(id)?.release();
              open.set(id, outcome.lease);
            } else assertEquals([open.size, open.has(id)], [streams, false]);
          }
          assertLessOrEqual(open.size, streams);
          await world.pass(waitMs, 1_000);
          assertEquals(await placesOf(processes[0]!), [...open.keys()].sort());
        }
      }),
  );
  await fc.assert(property, { numRuns: 40 });
});
