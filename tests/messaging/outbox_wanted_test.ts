import { assert, assertEquals } from "@std/assert";
import { messageDuePrefix } from "../../kv/outbox_keys.ts";
import type { Wanted } from "../../messaging/outbox.ts";
import { dumpKv, withKv } from "../kv/_temp_kv.ts";
import { createBench, DELIVERED, keysIn, REFUSED, until, WEARER } from "./_outbox.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

Deno.test("Outbox asks just before sending whether a message is wanted [O5]", () =>
  withKv(async (kv) => {
    const answers: (Wanted | Error)[] = [];
    const asked: string[] = [];
    const wanted = ({ id }: { id: string }) => {
      asked.push(id);
      const answer = answers.shift() ?? { kind: "yes" as const };
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    };
    const { outbox, clock, once, add, get, pass, lines } = createBench(kv, { wanted });
    answers.push({ kind: "no", reason: "the rule was deleted" });
    const no = await add();
    await outbox.sweep();
    const { state } = await get(no);
    assert(state.kind === "dropped" && state.reason === "the rule was deleted");

    answers.push({ kind: "later", untilMs: clock.epochMs() + HOUR_MS });
    const later = await add();
    await outbox.sweep();
    await pass(HOUR_MS - 1);
    assertEquals([once.sent.length, asked.filter((id) => id === later).length], [0, 1]);
    await pass(1);
    assertEquals((await get(later)).state.kind, "delivered");

    answers.push(new Error("a private caption"));
    const failing = await add();
    await outbox.sweep();
    assertEquals((await get(failing)).state.kind, "queued");
    await pass(MINUTE_MS);
    assertEquals((await get(failing)).state.kind, "delivered");
    assert(!lines.join().includes("private"));
    await outbox.close();
  }));

Deno.test("Outbox does not put off for ever [O5]", () =>
  withKv(async (kv) => {
    const wanted = () => Promise.resolve({ kind: "later", untilMs: Infinity } as const);
    const { outbox, once, add, get, pass } = createBench(kv, { wanted });
    const id = await add();
    await outbox.sweep();
    await pass(DAY_MS);
    assertEquals([(await get(id)).state.kind, once.sent.length], ["dropped", 0]);
    assertEquals(await keysIn(kv, messageDuePrefix(WEARER)), []);
    await outbox.close();
  }));

Deno.test("Outbox sends of messages with one fold key that wait the newest only [O5]", () =>
  withKv(async (kv) => {
    const { outbox, clock, once, add, get, pass } = createBench(kv);
    once.outcomes = [REFUSED, DELIVERED];
    const first = await add({ foldKey: "stove", text: "first" });
    await outbox.sweep();
    clock.tick(1);
    const second = await add({ foldKey: "stove", text: "second" });
    clock.tick(1);
    const third = await add({ foldKey: "stove", text: "third" });
    const other = await add({ foldKey: "door", text: "other" });
    await outbox.sweep();
    await pass(HOUR_MS);
    assertEquals(once.sent.map(({ text }) => text).sort(), ["first", "other", "third"]);
    for (const id of [first, second]) {
      const { state } = await get(id);
      assert(state.kind === "dropped" && state.reason.includes("newer"), JSON.stringify(state));
    }
    for (const id of [third, other]) assertEquals((await get(id)).state.kind, "delivered");
    // What was delivered stands in nobody's way.
    clock.tick(1);
    const again = await add({ foldKey: "stove", text: "again" });
    await outbox.sweep();
    assertEquals((await get(again)).state.kind, "delivered");
    assert(!(await dumpKv(kv)).includes('"stove"]'), "the fold key is not in the keys");
    await outbox.close();
  }));

Deno.test("Outbox sends a wearer so many messages in any 24 hours, and others theirs [O5]", () =>
  withKv(async (kv) => {
    const { outbox, once, add, get, pass } = createBench(kv, { perDay: 2 });
    once.outcomes = [REFUSED, DELIVERED];
    const ids: string[] = [];
    for (let at = 0; at < 2; at++) ids.push(await add());
    await outbox.sweep();
    await pass(MINUTE_MS);
    assertEquals(once.sent.length, 3, "a second attempt does not count");
    ids.push(await add(), await add({ wearer: "bob" }));
    await outbox.sweep();
    const { state } = await get(ids[2]!);
    assert(state.kind === "dropped" && state.reason.startsWith("there were 2 messages"));
    assertEquals((await get(ids[3]!, "bob")).state.kind, "delivered");
    await pass(DAY_MS);
    const next = await add();
    await outbox.sweep();
    assertEquals((await get(next)).state.kind, "delivered");
    await outbox.close();
  }));

Deno.test("Outbox sends nothing that another took over while it was asking [O4]", () =>
  withKv(async (kv) => {
    const { promise, resolve } = Promise.withResolvers<Wanted>();
    let isAsked = false;
    const wanted = () => {
      isAsked = true;
      return promise;
    };
    const slow = createBench(kv, { wanted });
    const id = await slow.add();
    slow.outbox.wake(WEARER);
    await until(() => isAsked);
    const other = createBench(kv);
    await other.pass(MINUTE_MS - 1);
    assertEquals(other.once.sent, [], "the lease lasts a minute");
    await other.pass(1);
    assertEquals((await other.get(id)).state.kind, "delivered");
    resolve({ kind: "yes" });
    await slow.outbox.quiet();
    assertEquals([slow.once.sent.length, other.once.sent.length], [0, 1]);
    for (const { outbox } of [slow, other]) await outbox.close();
  }));
