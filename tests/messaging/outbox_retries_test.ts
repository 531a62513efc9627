import { assert, assertEquals } from "@std/assert";
import { messageKey } from "../../kv/outbox_keys.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { createBench, DELIVERED, LOST, REFUSED, UNFIT, until, WEARER } from "./_outbox.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

Deno.test("Outbox tries again after 5 s, 10 s ... 15 minutes, and half of it by chance [O3]", () =>
  withKv(async (kv) => {
    for (const random of [0, 0.999]) {
      const { outbox, once, add, get, pass } = createBench(kv, { random: () => random });
      once.outcomes = [REFUSED];
      const id = await add({ name: `with ${random}`, wearer: `with ${random}` });
      const pauses: number[] = [];
      await outbox.sweep();
      for (let at = 0; at < 10; at++) {
        const { state, lastCause } = await get(id, `with ${random}`);
        assert(state.kind === "queued" && lastCause === "503");
        const pauseMs = state.dueMs - createdAt(id) - pauses.reduce((sum, ms) => sum + ms, 0);
        pauses.push(pauseMs);
        await pass(pauseMs);
      }
      const longest = [5, 10, 20, 40, 80, 160, 320, 640, 900, 900].map((s) => s * 1000);
      const share = 0.5 + random / 2;
      assertEquals(pauses, longest.map((ms) => Math.ceil(ms * share)));
      assertEquals(once.sent.length, 11);
      await kv.delete(messageKey(`with ${random}`, id));
      await outbox.close();
    }
  }));

Deno.test("Outbox tries again by itself what is due within a minute [O3]", () =>
  withKv(async (kv) => {
    const { outbox, clock, once, add, get } = createBench(kv);
    once.outcomes = [REFUSED, DELIVERED];
    const id = await add();
    outbox.wake(WEARER);
    await clock.tickUntil(until(() => once.sent.length === 2), 500);
    await outbox.close();
    assertEquals((await get(id)).state.kind, "delivered");
    assertEquals(clock.pendingTimers, 0);
  }));

Deno.test("Outbox waits as long as the receiver asks, an hour at most [O3]", () =>
  withKv(async (kv) => {
    const { outbox, clock, once, add, get } = createBench(kv);
    for (const [askedMs, waitedMs] of [[90_000, 90_000], [DAY_MS, HOUR_MS], [1, 2_500]] as const) {
      once.outcomes = [{ ...REFUSED, retryAfterMs: askedMs }];
      const id = await add();
      await outbox.sweep();
      const { state } = await get(id);
      assert(state.kind === "queued");
      assertEquals(state.dueMs - clock.epochMs(), waitedMs);
    }
    await outbox.close();
  }));

Deno.test("Outbox gives up after 20 attempts, at once where there is no point, or in a day [O3]", () =>
  withKv(async (kv) => {
    const { outbox, clock, once, add, get, pass } = createBench(kv);
    once.outcomes = [REFUSED];
    const id = await add();
    for (let at = 0; at < 40; at++) await pass(15 * MINUTE_MS);
    assertEquals(once.sent.length, 20);
    const dead = { kind: "dead", cause: "503" };
    const { atMs: _, ...state } = (await get(id)).state as { atMs: number };
    assertEquals(state, dead as unknown);

    once.outcomes = [UNFIT];
    const unfit = await add();
    await outbox.sweep();
    assertEquals((await get(unfit)).state.kind, "dead");

    once.outcomes = [{ ...REFUSED, retryAfterMs: HOUR_MS }];
    const asked = await add({ goodForMs: 90 * MINUTE_MS });
    const sentBefore = once.sent.length;
    await outbox.sweep();
    for (let at = 0; at < 4; at++) await pass(HOUR_MS);
    assertEquals([once.sent.length - sentBefore, (await get(asked)).state.kind], [2, "dead"]);

    const nobody = createBench(kv);
    nobody.clock.setEpochMs(clock.epochMs());
    const old = await nobody.add();
    nobody.clock.tick(DAY_MS);
    await nobody.outbox.sweep();
    const { state: dropped } = await get(old);
    assert(dropped.kind === "dropped" && nobody.once.sent.length === 0);
    for (const bench of [outbox, nobody.outbox]) await bench.close();
  }));

Deno.test("Outbox does not repeat what may have arrived, unless that does no harm [O4]", () =>
  withKv(async (kv) => {
    const { outbox, once, folding, add, get, pass } = createBench(kv);
    once.outcomes = folding.outcomes = [LOST];
    const ids = [
      await add(),
      await add({ channel: "folding" }),
      await add({ isAtLeastOnce: true, text: "at least once" }),
    ];
    await outbox.sweep();
    const kinds = async () => await Promise.all(ids.map(async (id) => (await get(id)).state.kind));
    assertEquals(await kinds(), ["uncertain", "queued", "queued"]);
    once.outcomes = folding.outcomes = [DELIVERED];
    await pass(10_000);
    assertEquals(await kinds(), ["uncertain", "delivered", "delivered"]);
    assertEquals(folding.sent.map(({ id }) => id), [ids[1]!, ids[1]!]);
    assertEquals(once.sent.filter(({ id }) => id === ids[0]).length, 1);
    await outbox.close();
  }));

Deno.test("Outbox does not call dead what may have arrived once [O4]", () =>
  withKv(async (kv) => {
    const { outbox, folding, add, get, pass } = createBench(kv);
    folding.outcomes = [LOST, UNFIT];
    const id = await add({ channel: "folding" });
    await outbox.sweep();
    await pass(10_000);
    const { state } = await get(id);
    assertEquals([state.kind, "cause" in state && state.cause], ["uncertain", "410"]);
    await outbox.close();
  }));

Deno.test("Outbox takes a channel that throws, or never answers, for uncertain [O4]", () =>
  withKv(async (kv) => {
    const throws = { isIdempotent: false, deliver: () => Promise.reject(new Error("bug")) };
    const { promise } = Promise.withResolvers<never>();
    const hangs = { isIdempotent: false, deliver: () => promise };
    const bench = createBench(kv, { channels: { throws, hangs } });
    const ids = [await bench.add({ channel: "throws" }), await bench.add({ channel: "hangs" })];
    await bench.clock.tickUntil(bench.outbox.sweep(), 1_000);
    for (const id of ids) assertEquals((await bench.get(id)).state.kind, "uncertain");
    await bench.outbox.close();
  }));

Deno.test("Outbox knows a channel that is not there for a certain failure [O3]", () =>
  withKv(async (kv) => {
    const { outbox, add, get } = createBench(kv);
    const id = await add({ channel: "pigeon" });
    await outbox.sweep();
    const { state } = await get(id);
    assert(state.kind === "dead" && state.cause === "There is no channel pigeon");
    await outbox.close();
  }));

function createdAt(id: string): number {
  return parseInt(id.split("-")[0]!, 16);
}
