import { assert, assertEquals, assertRejects } from "@std/assert";
import { messageDueKey, messageDuePrefix, outboxKey, outboxPrefix } from "../../kv/outbox_keys.ts";
import { dumpKv, withKv } from "../kv/_temp_kv.ts";
import {
  createBench,
  DELIVERED,
  keysIn,
  LOST,
  REFUSED,
  scriptedChannel,
  UNFIT,
  until,
  WEARER,
} from "./_outbox.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const PAGE = { order: "newest", limit: 10, after: null, state: null } as const;

Deno.test("Outbox sends at once what is in the books, and leaves nothing to be looked at [O1]", () =>
  withKv(async (kv) => {
    const { outbox, once, add, get } = createBench(kv);
    const id = await add({ to: "here" });
    assertEquals((await keysIn(kv, outboxPrefix())).length, 1);
    outbox.wake(WEARER);
    await outbox.quiet();
    const createdAtMs = (await get(id)).createdAtMs;
    assertEquals(once.sent, [
      { id, wearer: WEARER, text: "The stove is on.", to: "here", createdAtMs },
    ]);
    const { state, attempts } = await get(id);
    assertEquals([state.kind, attempts], ["delivered", 1]);
    assert(state.kind === "delivered" && state.answer === '{"id":7}');
    assertEquals(await keysIn(kv, messageDuePrefix(WEARER)), []);
    assertEquals(await keysIn(kv, outboxPrefix()), []);
  }));

Deno.test("Outbox sends nothing whose cause did not come into the books [O1]", () =>
  withKv(async (kv) => {
    const { outbox, once, add } = createBench(kv);
    await kv.set(["cause", "taken"], 1);
    const commit = kv.atomic().check({ key: ["cause", "taken"], versionstamp: null });
    const message = { wearer: WEARER, channel: "once", text: "x", atMs: 1, name: "taken" };
    await outbox.enqueue(commit, { ...message, cause: { kind: "rule", id: null } });
    assert(!(await commit.commit()).ok);
    await outbox.sweep();
    assertEquals(once.sent, []);
    await add();
    await outbox.sweep();
    assertEquals(once.sent.length, 1);
    await outbox.close();
  }));

Deno.test("Outbox takes a commit that is tried again for the same, also when it was sent [O1]", () =>
  withKv(async (kv) => {
    const { outbox, clock, once, add } = createBench(kv);
    const same = { name: "firing 1", atMs: clock.epochMs() };
    const id = await add(same);
    assertEquals(await add(same), id);
    await outbox.sweep();
    assertEquals(await add(same), id);
    await outbox.sweep();
    assertEquals(once.sent.length, 1);
    assert(await add({ ...same, name: "firing 2" }) !== id);
    await outbox.close();
  }));

Deno.test("Outbox refuses texts that are none, and what is too long", () =>
  withKv(async (kv) => {
    const { add, outbox } = createBench(kv);
    for (
      const wrong of [
        { text: " \n" },
        { text: "x".repeat(4001) },
        { to: "x".repeat(2049) },
        { atMs: NaN },
        { atMs: -1 },
      ]
    ) {
      await assertRejects(() => add(wrong), RangeError, "Cannot enqueue a message");
    }
    assertEquals(await dumpKv(kv), "[]");
    await outbox.close();
  }));

Deno.test("Outbox finds what another process left behind, and nobody who has nothing waiting [O2]", () =>
  withKv(async (kv) => {
    const left = createBench(kv);
    for (const wearer of ["ann", "bob"]) await left.add({ wearer });
    await left.outbox.close();
    const other = createBench(kv);
    await other.outbox.sweep();
    assertEquals(other.once.sent.map(({ wearer }) => wearer).sort(), ["ann", "bob"]);
    assertEquals(await keysIn(kv, outboxPrefix()), []);
    await other.outbox.close();
  }));

Deno.test("Outbox.startSweeping looks at once and then every minute, until it is closed [O2]", () =>
  withKv(async (kv) => {
    const other = createBench(kv);
    const { outbox, clock, once } = createBench(kv);
    await other.add();
    outbox.startSweeping();
    await until(() => once.sent.length === 1);
    for (let minutes = 2; minutes < 4; minutes++) {
      await outbox.quiet();
      await other.add();
      clock.tick(MINUTE_MS - 1);
      await outbox.quiet();
      assertEquals(once.sent.length, minutes - 1);
      clock.tick(1);
      await until(() => once.sent.length === minutes);
    }
    await outbox.close();
    assertEquals(clock.pendingTimers, 0);
    await other.outbox.close();
  }));

Deno.test("Outbox logs neither texts nor addresses nor what receivers say [A4]", () =>
  withKv(async (kv) => {
    const outcomes = [DELIVERED, REFUSED, UNFIT, LOST].map((outcome) =>
      outcome.kind === "delivered"
        ? { ...outcome, answer: "private answer" }
        : { ...outcome, cause: "private cause" }
    );
    const { outbox, once, add, lines } = createBench(kv);
    once.outcomes = outcomes;
    for (let at = 0; at < 4; at++) await add({ text: "private text", to: "private address" });
    await outbox.sweep();
    await outbox.close();
    for (const event of ["delivered", "put_off", "dead", "uncertain"]) {
      assert(lines.some((line) => line.includes(`outbox.${event}`)), event);
    }
    assert(!lines.join().includes("private"), lines.join("\n"));
  }));

Deno.test("Outbox holds up nobody for a receiver who hangs [O2]", () =>
  withKv(async (kv) => {
    const slow = scriptedChannel(false);
    const { promise, resolve } = Promise.withResolvers<typeof DELIVERED>();
    slow.outcomes = [promise];
    const { outbox, once, add } = createBench(kv, { channels: { slow } });
    for (let at = 0; at < 20; at++) await add({ channel: "slow" });
    await add({ wearer: "bob" });
    const swept = outbox.sweep();
    await until(() => slow.sent.length === 4 && once.sent.length === 1);
    resolve(DELIVERED);
    await swept;
    assertEquals(slow.sent.length, 20);
    await outbox.close();
  }));

Deno.test("Outbox counts that KV is away, and sends when it is back [O2]", () =>
  withKv(async (kv) => {
    const gone = await Deno.openKv(":memory:");
    gone.close();
    const away = createBench(gone);
    away.outbox.wake(WEARER);
    await away.outbox.sweep();
    await away.outbox.close();
    assert(away.counters.kvFailures >= 2, String(away.counters.kvFailures));
    const { outbox, add, once } = createBench(kv);
    await add();
    await outbox.sweep();
    assertEquals(once.sent.length, 1);
    await outbox.close();
  }));

Deno.test("Outbox writes nothing of a wearer who is erased meanwhile, and forgets who is [O1]", () =>
  withKv(async (kv) => {
    const erase = async () => {
      for (const key of await keysIn(kv, ["wearer", WEARER])) await kv.delete(key);
    };
    const during = {
      isIdempotent: true,
      async deliver() {
        await erase();
        return REFUSED;
      },
    };
    const { outbox, add } = createBench(kv, { channels: { during } });
    await add({ channel: "during" });
    await outbox.sweep();
    assertEquals(await keysIn(kv, ["wearer"]), []);
    assertEquals(await keysIn(kv, outboxPrefix()), []);
    await outbox.close();
  }));

Deno.test("Outbox mends a due index that says more than there is [O2]", () =>
  withKv(async (kv) => {
    const { outbox, once, add } = createBench(kv);
    const id = await add();
    await kv.set(messageDueKey(WEARER, 1, id), { version: 1, expiresAtMs: null });
    await kv.set(messageDueKey(WEARER, 2, "nobody"), { version: 1, expiresAtMs: null });
    await outbox.sweep();
    assertEquals(once.sent.length, 1);
    assertEquals(await keysIn(kv, messageDuePrefix(WEARER)), []);
    assertEquals(await keysIn(kv, outboxPrefix()), []);
    await outbox.close();
  }));

Deno.test("Outbox.close begins nothing more, and waits for what has begun [O2]", () =>
  withKv(async (kv) => {
    const slow = scriptedChannel(false);
    const { promise, resolve } = Promise.withResolvers<typeof DELIVERED>();
    slow.outcomes = [promise];
    const { outbox, clock, add } = createBench(kv, { channels: { slow } });
    for (let at = 0; at < 10; at++) await add({ channel: "slow" });
    outbox.wake(WEARER);
    await until(() => slow.sent.length === 4);
    let isClosed = false;
    const closed = outbox.close().then(() => void (isClosed = true));
    await new Promise((go) => setTimeout(go, 20));
    assertEquals(isClosed, false);
    resolve(DELIVERED);
    await closed;
    outbox.wake(WEARER);
    await outbox.quiet();
    assertEquals([slow.sent.length, clock.pendingTimers], [4, 0]);
    const { items } = await outbox.store.page(WEARER, { ...PAGE, state: "delivered" });
    assertEquals(items.length, 4);
  }));

Deno.test("Outbox keeps what waits however short the retention is, and what is over for so long [O1]", () =>
  withKv(async (kv) => {
    const retentionDays = 1 / 24;
    const { outbox, clock, add, get } = createBench(kv, { retentionDays });
    const id = await add({ goodForMs: 20 * HOUR_MS });
    clock.tick(19 * HOUR_MS);
    assertEquals((await get(id)).state.kind, "queued");
    await outbox.sweep();
    assertEquals((await get(id)).state.kind, "delivered");
    clock.tick(HOUR_MS - 1);
    assertEquals((await get(id)).state.kind, "delivered");
    clock.tick(1);
    assertEquals(await outbox.store.get(WEARER, id), null);
    assertEquals((await outbox.store.page(WEARER, PAGE)).items, []);
    await outbox.close();
  }));

Deno.test("Outbox does not forget who gets a message as it looks for the last time [O2]", () =>
  withKv(async (kv) => {
    const writer = createBench(kv);
    let looks = 0;
    const list = async function* (...args: Parameters<Deno.Kv["list"]>) {
      const found = await Array.fromAsync(kv.list(...args));
      // The first look finds the message, the second none; so does the third, before it forgets.
      if (++looks === 3) {
        await writer.add();
        outbox.wake(WEARER);
      }
      yield* found;
    };
    const lookedAt = new Proxy(kv, {
      get(_, name) {
        if (name === "list") return list;
        const member = Reflect.get(kv, name);
        return typeof member === "function" ? member.bind(kv) : member;
      },
    });
    const { outbox, once, add } = createBench(lookedAt);
    await add({ name: "the first" });
    outbox.wake(WEARER);
    while (once.sent.length < 1) await new Promise((go) => setTimeout(go));
    await outbox.quiet();
    assertEquals([once.sent.length, looks > 3], [2, true], "sent by who was woken");
    assertEquals(await keysIn(kv, outboxPrefix()), []);

    for (const bench of [outbox, writer.outbox]) await bench.close();
  }));

Deno.test("OutboxStore.forget forgets nobody who gets a message meanwhile [O2]", () =>
  withKv(async (kv) => {
    const { outbox, add } = createBench(kv);
    await kv.set(outboxKey(WEARER), { version: 1, expiresAtMs: null });
    let isFirst = true;
    const list = async function* (...args: Parameters<Deno.Kv["list"]>) {
      const found = await Array.fromAsync(kv.list(...args));
      if (isFirst) await add();
      isFirst = false;
      yield* found;
    };
    const lookedAt = {
      list,
      get: (key: Deno.KvKey) => kv.get(key),
      atomic: () => kv.atomic(),
    } as unknown as Deno.Kv;
    const slow = createBench(lookedAt);
    await slow.outbox.store.forget(WEARER);
    assertEquals(await keysIn(kv, outboxPrefix()), [outboxKey(WEARER)]);
    for (const bench of [outbox, slow.outbox]) await bench.close();
  }));
