import { assertEquals } from "@std/assert";
import type { Wanted } from "../../messaging/outbox.ts";
import { FaultyKv } from "../faults/_faulty_kv.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { createBench, DELIVERED, LOST, UNFIT, WEARER } from "./_outbox.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const PAGE = { order: "newest", limit: 10, after: null, state: null } as const;

Deno.test("Outbox.resend sends what is dead again, under the same id and unasked [O6]", () =>
  withKv(async (kv) => {
    let wanted: Wanted = { kind: "yes" };
    const { outbox, clock, once, add, get } = createBench(kv, {
      wanted: () => Promise.resolve(wanted),
    });
    once.outcomes = [UNFIT, DELIVERED];
    const id = await add();
    await outbox.sweep();
    clock.tick(2 * DAY_MS);
    wanted = { kind: "no", reason: "paused" };
    assertEquals((await outbox.resend(WEARER, id, false)).kind, "queued");
    await outbox.quiet();
    assertEquals((await get(id)).state.kind, "delivered");
    assertEquals(once.sent.map((message) => message.id), [id, id]);
    assertEquals((await outbox.resend(WEARER, id, true)).kind, "not_over");
    assertEquals((await outbox.resend("bob", id, true)).kind, "unknown");
    await outbox.close();
  }));

Deno.test("Outbox.resend asks before it repeats what may have arrived [O6]", () =>
  withKv(async (kv) => {
    const { outbox, once, add, get } = createBench(kv);
    once.outcomes = [LOST, UNFIT];
    const id = await add();
    await outbox.sweep();
    assertEquals((await outbox.resend(WEARER, id, false)).kind, "may_have_arrived");
    assertEquals(once.sent.length, 1);
    assertEquals((await outbox.resend(WEARER, id, true)).kind, "queued");
    await outbox.quiet();
    assertEquals(once.sent.length, 2);
    assertEquals((await get(id)).state.kind, "uncertain", "the first may still have arrived");
    await outbox.close();
  }));

Deno.test("Outbox.waited books before it sends, and sends nothing that is not in the books [O1]", () =>
  withKv(async (kv) => {
    const { outbox, once } = createBench(kv);
    const seen: string[] = [];
    const looking = {
      ...once,
      async deliver() {
        const { items } = await outbox.store.page(WEARER, PAGE);
        seen.push(...items.map(({ state }) => "phase" in state ? state.phase : state.kind));
        return DELIVERED;
      },
    };
    const sent = { wearer: WEARER, text: "x" };
    const key = { key: "sk-1" };
    assertEquals(await outbox.waited("poke", looking).deliver(sent, key), DELIVERED);
    assertEquals(seen, ["sending"]);
    await outbox.close();

    const gone = await Deno.openKv(":memory:");
    gone.close();
    const away = createBench(gone);
    const outcome = await away.outbox.waited("poke", looking).deliver(sent, key);
    assertEquals([outcome.kind, seen.length], ["unavailable", 1]);
    await away.outbox.close();
  }));

Deno.test("Outbox.waited leaves what its process died over uncertain, and nobody repeats it [O4]", () =>
  withKv(async (kv) => {
    const dying = createBench(kv);
    const { promise } = Promise.withResolvers<never>();
    const hangs = { isIdempotent: true, deliver: () => promise };
    void dying.outbox.waited("folding", hangs).deliver({ wearer: WEARER, text: "x" }, { key: "k" });
    const other = createBench(kv);
    const stateNow = async () => (await other.outbox.store.page(WEARER, PAGE)).items[0]?.state.kind;
    while (await stateNow() !== "claimed") await new Promise((resolve) => setTimeout(resolve, 1));
    await other.pass(MINUTE_MS - 1);
    assertEquals(await stateNow(), "claimed");
    await other.pass(1);
    assertEquals([await stateNow(), other.folding.sent.length], ["uncertain", 0]);
    await other.outbox.close();
  }));

Deno.test("Outbox.waited gives its caller the outcome though KV does not take it [O1]", () =>
  withKv(async (kv) => {
    const { outbox, clock, counters } = createBench(kv);
    const faulty = new FaultyKv(kv);
    const bench = createBench(faulty.kv, { clock });
    const failing = {
      isIdempotent: false,
      deliver() {
        faulty.failCommits({ kind: "refused" }, 2);
        return Promise.resolve(DELIVERED);
      },
    };
    const waited = bench.outbox.waited("poke", failing);
    const told = waited.deliver({ wearer: WEARER, text: "x" }, { key: "k" });
    for (const [failures, pauseMs] of [[1, 250], [2, 500]] as const) {
      while (bench.counters.kvFailures < failures) await new Promise((go) => setTimeout(go, 1));
      await new Promise((go) => setTimeout(go));
      clock.tick(pauseMs);
    }
    assertEquals(await told, DELIVERED);
    await bench.outbox.quiet();
    const { items } = await outbox.store.page(WEARER, PAGE);
    assertEquals(items.map(({ state }) => state.kind), ["delivered"]);
    assertEquals([bench.counters.kvFailures, counters.kvFailures], [2, 0]);
    for (const each of [outbox, bench.outbox]) await each.close();
  }));

Deno.test("Outbox.resend lets others find the message, where its own process cannot send it [O2, O6]", () =>
  withKv(async (kv) => {
    const { outbox, once, add } = createBench(kv);
    once.outcomes = [UNFIT];
    const id = await add();
    await outbox.sweep();
    await outbox.close();
    assertEquals((await outbox.resend(WEARER, id, false)).kind, "queued");
    const other = createBench(kv);
    await other.outbox.sweep();
    assertEquals(other.once.sent.map((message) => message.id), [id]);
    await other.outbox.close();
  }));
