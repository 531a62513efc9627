import { assert, assertEquals } from "@std/assert";
import type { MessageRecord } from "../../kv/outbox_keys.ts";
import { withKey } from "../../messaging/channel.ts";
import { createPokeChannel } from "../../messaging/poke.ts";
import type { NewMessage } from "../../messaging/outbox.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { type Behaviour, type Receiver, startReceiver } from "./_channel_contract.ts";
import { createBench, everyonesKey, WEARER } from "./_outbox.ts";

const HOUR_MS = 60 * 60 * 1000;

interface Story {
  readonly receiver: Receiver;
  readonly add: (message?: Partial<NewMessage>) => Promise<string>;
  readonly get: (id: string) => Promise<MessageRecord>;
  readonly nowMs: () => number;
  /**
   * Moves time on, lets what is due then go out, and waits until it is answered; `silent` requests
   * are not, until Poke's time is over.
   */
  readonly pass: (ms: number, silent?: number) => Promise<void>;
}

/** Runs `use` with an outbox in front of a Poke, whose time is the test's. */
function withPoke(use: (story: Story) => Promise<void>): Promise<void> {
  return withKv(async (kv) => {
    const receiver = startReceiver();
    const clock = createFakeClock();
    const poke = createPokeChannel({ fetch, urlOverride: receiver.url, clock });
    const { outbox, add, get } = createBench(kv, {
      clock,
      channels: { poke: withKey(poke, everyonesKey("sk-test")) },
    });
    const pass = async (ms: number, silent = 0) => {
      const before = receiver.received.length;
      clock.tick(ms);
      const swept = outbox.sweep();
      while (receiver.received.length < before + silent) await moment();
      if (silent > 0) clock.tick(10_000);
      await swept;
    };
    try {
      await use({
        receiver,
        add: (message) => add({ channel: "poke", ...message }),
        get,
        nowMs: () => clock.epochMs(),
        pass,
      });
    } finally {
      await outbox.close();
      await receiver.close();
    }
    assertEquals(clock.pendingTimers, 0);
  });
}

/** Real I/O goes on, time does not. */
function moment(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 1));
}

/** Texts that Poke has taken: what was answered with 200. */
function textsIn({ received }: Receiver): string[] {
  return received.flatMap(({ body }) => body ? [JSON.parse(body).message as string] : []);
}

Deno.test("Outbox delivers once after Poke has recovered from answering 500 [O3]", () =>
  withPoke(async ({ receiver, add, get, pass }) => {
    receiver.behave({ kind: "answers", status: 500 });
    const id = await add();
    await pass(0);
    for (let at = 0; at < 4; at++) await pass(60_000);
    assertEquals(receiver.received.length, 5);
    const waiting = await get(id);
    assertEquals([waiting.state.kind, waiting.lastCause], ["queued", "Poke answered 500"]);
    receiver.behave({ kind: "answers", status: 200 });
    for (let at = 0; at < 4; at++) await pass(HOUR_MS);
    assertEquals(receiver.received.length, 6);
    const { state, attempts } = await get(id);
    assertEquals([state.kind, attempts], ["delivered", 6]);
  }));

Deno.test("Outbox comes back to a Poke that answered 429 when that asked for it, and delivers once [O3]", () =>
  withPoke(async ({ receiver, add, get, nowMs, pass }) => {
    const headers = { "retry-after": "120" };
    receiver.behave({ kind: "answers", status: 429, headers });
    const id = await add();
    await pass(0);
    const { state } = await get(id);
    assert(state.kind === "queued" && state.dueMs >= nowMs() + 119_000, JSON.stringify(state));
    receiver.behave({ kind: "answers", status: 200 });
    await pass(110_000);
    assertEquals(receiver.received.length, 1, "not before");
    await pass(10_000);
    await pass(HOUR_MS);
    assertEquals([receiver.received.length, (await get(id)).state.kind], [2, "delivered"]);
  }));

Deno.test("Outbox delivers once to a Poke that was not there [O3]", () =>
  withKv(async (kv) => {
    const gone = startReceiver();
    await gone.close();
    const back = startReceiver();
    const clock = createFakeClock();
    let url = gone.url;
    const moving: typeof fetch = (_, init) => fetch(url, init);
    const poke = createPokeChannel({ fetch: moving, clock });
    const { outbox, add, get } = createBench(kv, {
      clock,
      channels: { poke: withKey(poke, everyonesKey("sk-test")) },
    });
    const id = await add({ channel: "poke" });
    await outbox.sweep();
    assertEquals((await get(id)).state.kind, "queued");
    url = back.url;
    clock.tick(10_000);
    await outbox.sweep();
    assertEquals([back.received.length, (await get(id)).state.kind], [1, "delivered"]);
    await outbox.close();
    await back.close();
  }));

/** Poke takes the request and gives no answer: whether it took the message nobody can know. */
for (const silent of [{ kind: "hangs" }, { kind: "resets" }] as const satisfies Behaviour[]) {
  Deno.test(`Outbox does not repeat what a Poke got that ${silent.kind}, unless told to, and goes on with the rest [O4]`, () =>
    withPoke(async ({ receiver, add, get, pass }) => {
      receiver.behave(silent);
      const once = await add({ text: "once" });
      const atLeastOnce = await add({ text: "at least once", isAtLeastOnce: true });
      await pass(0, silent.kind === "hangs" ? 2 : 0);
      const later = await add({ text: "later" });
      receiver.behave({ kind: "answers", status: 200 });
      const before = receiver.received.length;
      for (let at = 0; at < 4; at++) await pass(HOUR_MS);
      const after = textsIn({ ...receiver, received: receiver.received.slice(before) });
      assertEquals(after.sort(), ["at least once", "later"]);
      const states = await Promise.all([once, atLeastOnce, later].map((id) => get(id)));
      assertEquals(states.map(({ state }) => state.kind), ["uncertain", "delivered", "delivered"]);
      assertEquals(states.map(({ attempts }) => attempts), [1, 2, 1]);
      assertEquals(states[0]!.wearer, WEARER);
    }));
}
