import { assert, assertEquals } from "@std/assert";
import { type Clock, systemClock } from "../../clock.ts";
import { messageDuePrefix, outboxPrefix } from "../../kv/outbox_keys.ts";
import type { NewMessage } from "../../messaging/outbox.ts";
import { withKvPath } from "../kv/_temp_kv.ts";
import { type Receiver, startReceiver } from "./_channel_contract.ts";
import { addMessage, openOutbox, type Orders } from "./_outbox_process.ts";
import { keysIn, WEARER } from "./_outbox.ts";

const HOUR_MS = 60 * 60 * 1000;
const PERMISSIONS = [
  "--cached-only",
  "--no-prompt",
  "--allow-net=127.0.0.1",
  "--allow-read=.",
  "--allow-write=.scratch",
  "--ignore-env",
];
const TO_ITSELF = { perDay: 100, stopAt: 0, startsOnInput: false };
const never = () => Promise.resolve();

/** A process with an outbox, and what it says. */
function start(orders: Orders) {
  const process = new Deno.Command("deno", {
    args: [
      "run",
      ...PERMISSIONS,
      "tests/messaging/_outbox_process.ts",
      JSON.stringify(orders),
    ],
    cwd: new URL("../../", import.meta.url),
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  return {
    /** What it says next, without the line's end. */
    heard: async () => (await lines.read()).value?.trim() ?? "",
    async go() {
      const writer = process.stdin.getWriter();
      await writer.write(new TextEncoder().encode("go\n"));
      await writer.close();
    },
    /** `kill -9`, and nothing else is left of it. */
    async kill() {
      process.kill("SIGKILL");
      await ended();
    },
    /** Waits until it is over. */
    ended,
  };

  async function ended() {
    await lines.cancel().catch(() => {});
    await process.stdin.close().catch(() => {});
    return await process.status;
  }
}

function messageFor(channel: string, to: string, name = "firing 1"): NewMessage {
  const cause = { kind: "rule", id: "stove" };
  return { wearer: WEARER, channel, to, text: "The stove is on.", cause, atMs: 1, name };
}

/**
 * What a process does that comes after one that died: it adds the message if its cause is not there,
 * and sends what it finds, at once and later.
 */
async function recover(path: string, pokeUrl: string, message: NewMessage) {
  const kv = await Deno.openKv(path);
  try {
    let aheadMs = 0;
    const clock: Clock = { ...systemClock, epochMs: () => Date.now() + aheadMs };
    const outbox = openOutbox(kv, { pokeUrl, perDay: 100 }, clock, never);
    await addMessage(kv, outbox, message, never);
    // The lease of who died, then all that a message may be put off by.
    for (const ms of [0, 61_000, HOUR_MS, 2 * HOUR_MS]) {
      aheadMs = ms;
      await outbox.sweep();
    }
    await outbox.close();
    const messages = await outbox.store.page(WEARER, {
      order: "newest",
      limit: 10,
      after: null,
      state: null,
    });
    assertEquals(await keysIn(kv, messageDuePrefix(WEARER)), [], "nothing is left to be done");
    assertEquals(await keysIn(kv, outboxPrefix()), []);
    return messages.items;
  } finally {
    kv.close();
  }
}

/** What came of a message whose process was killed at a step. */
interface Crash {
  readonly step: string;
  readonly states: string[];
  /** How often the receiver was asked, with which keys. */
  readonly keys: (string | null)[];
}

/** Kills a process before its n-th step; null: it has no so many. */
async function crashAt(channel: "poke" | "webhook", stopAt: number): Promise<Crash | null> {
  const receiver = startReceiver();
  let crash: Crash | null = null;
  await withKvPath(async (path) => {
    const message = messageFor(channel, receiver.url);
    const orders = { ...TO_ITSELF, path, pokeUrl: receiver.url, message, stopAt };
    const process = start(orders);
    const said = await process.heard();
    if (said.startsWith("done")) return void await process.ended();
    assert(said.startsWith("at "), said);
    await process.kill();
    crash = await afterwards(path, receiver, message, said.slice(3));
  });
  await receiver.close();
  return crash;
}

/** Kills a process whose request has come and is not answered. */
async function crashMidway(channel: "poke" | "webhook"): Promise<Crash> {
  const receiver = startReceiver();
  let crash!: Crash;
  await withKvPath(async (path) => {
    const message = messageFor(channel, receiver.url);
    receiver.behave({ kind: "hangs" });
    const orders = { ...TO_ITSELF, path, pokeUrl: receiver.url, message };
    const process = start(orders);
    while (receiver.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await process.kill();
    receiver.behave({ kind: "answers", status: 200 });
    crash = await afterwards(path, receiver, message, "answer");
  });
  await receiver.close();
  return crash;
}

async function afterwards(
  path: string,
  receiver: Receiver,
  message: NewMessage,
  step: string,
): Promise<Crash> {
  const messages = await recover(path, receiver.url, message);
  const keys = receiver.received.map(({ headers }) => headers.get("webhook-id"));
  return { step, states: messages.map(({ state }) => state.kind), keys };
}

/** All crashes of a channel, in the order of their steps; two processes at a time. */
async function crashesOf(channel: "poke" | "webhook"): Promise<Crash[]> {
  const crashes: Crash[] = [];
  for (let at = 1;; at += 2) {
    const both = await Promise.all([crashAt(channel, at), crashAt(channel, at + 1)]);
    crashes.push(...both.filter((crash) => crash !== null));
    if (both.includes(null)) break;
  }
  return [...crashes, await crashMidway(channel)];
}

/** The place of the step that says that the message is about to leave. */
function markOf(crashes: readonly Crash[]): number {
  const deliver = crashes.findIndex(({ step }) => step === "deliver");
  return crashes.slice(0, deliver).findLastIndex(({ step }) => step === "commit");
}

Deno.test("Outbox, killed at any step, loses nothing and says nothing twice where repeats are folded [O1, O4]", async () => {
  const crashes = await crashesOf("webhook");
  const told = JSON.stringify(crashes);
  assert(crashes.length >= 12, told);
  for (const { step, states, keys } of crashes) {
    assertEquals(states, ["delivered"], `killed at ${step}: ${told}`);
    assertEquals(new Set(keys).size, 1, `killed at ${step}: the receiver folds by key`);
    assert(keys[0] && keys.length <= 2, `killed at ${step}`);
  }
  assert(crashes.some(({ keys }) => keys.length === 2), "some were sent again");
});

Deno.test("Outbox, killed at any step, sends at most once where repeats are not folded [O1, O4]", async () => {
  const crashes = await crashesOf("poke");
  const told = JSON.stringify(crashes);
  assert(crashes.length >= 12, told);
  const mark = markOf(crashes);
  for (const [at, { step, states, keys }] of crashes.entries()) {
    assertEquals(states.length, 1);
    const where = `killed at step ${at}, ${step}: ${told}`;
    // Up to the mark nothing can have left, so it is sent; behind it nobody can know.
    if (at <= mark) assertEquals([states[0], keys.length], ["delivered", 1], where);
    assert(keys.length <= 1, where);
    assert(states[0] === "delivered" ? keys.length === 1 : states[0] === "uncertain", where);
  }
  const uncertain = crashes.filter(({ states }) => states[0] === "uncertain");
  assert(uncertain.some(({ keys }) => keys.length === 1), "some had arrived");
  assert(uncertain.some(({ keys }) => keys.length === 0), "some had not, and nobody can know");
});

Deno.test("Outbox, one of two processes killed amidst the rest, loses and repeats nothing [O1, O2, O4]", () =>
  withKvPath(async (path) => {
    const receiver = startReceiver();
    const texts = Array.from({ length: 200 }, (_, at) => `message ${at}`);
    const orders = { ...TO_ITSELF, path, pokeUrl: receiver.url, message: null, perDay: 0 };
    const kv = await Deno.openKv(path);
    let aheadMs = 0;
    const clock: Clock = { ...systemClock, epochMs: () => Date.now() + aheadMs };
    const outbox = openOutbox(kv, orders, clock, never);
    const commit = kv.atomic();
    for (const text of texts) {
      await outbox.enqueue(commit, { ...messageFor("poke", receiver.url, text), text });
    }
    await commit.commit();
    const processes = [start({ ...orders, stopAt: 300 }), start(orders)];
    const [killed, other] = processes as [typeof processes[0], typeof processes[0]];
    assert((await killed!.heard()).startsWith("at "));
    await killed!.kill();
    assert((await other!.heard()).startsWith("done"));
    await other!.ended();
    aheadMs = 61_000;
    await outbox.sweep();
    await outbox.close();
    const sent = receiver.received.map(({ body }) => JSON.parse(body).message as string);
    assertEquals(new Set(sent).size, sent.length, "none was sent twice");
    const page = { order: "oldest", limit: 500, after: null, state: null } as const;
    const { items } = await outbox.store.page(WEARER, page);
    const delivered = items.filter(({ state }) => state.kind === "delivered");
    const uncertain = items.filter(({ state }) => state.kind === "uncertain");
    assertEquals(delivered.length + uncertain.length, texts.length);
    assert(uncertain.length <= 4, "no more than one process has in hand for a wearer");
    assert(delivered.every(({ text }) => sent.includes(text!)));
    kv.close();
    await receiver.close();
  }));

Deno.test("Outbox is drained by two processes, each message sent once [O2]", () =>
  withKvPath(async (path) => {
    const receiver = startReceiver();
    const texts = Array.from({ length: 1_000 }, (_, at) => `message ${at}`);
    const orders: Orders = {
      ...TO_ITSELF,
      path,
      pokeUrl: receiver.url,
      perDay: 0,
      message: null,
      startsOnInput: true,
    };
    const kv = await Deno.openKv(path);
    const outbox = openOutbox(kv, orders, systemClock, never);
    for (let at = 0; at < texts.length; at += 100) {
      const commit = kv.atomic();
      for (const text of texts.slice(at, at + 100)) {
        await outbox.enqueue(commit, { ...messageFor("poke", receiver.url, text), text });
      }
      await commit.commit();
    }
    await outbox.close();
    const processes = [start(orders), start(orders)];
    for (const process of processes) assertEquals(await process.heard(), "ready");
    for (const process of processes) await process.go();
    for (const process of processes) {
      const [done, delivered] = (await process.heard()).split(" ");
      assert(done === "done" && Number(delivered) > 100, "both had their share");
      assert((await process.ended()).success);
    }
    const sent = receiver.received.map(({ body }) => JSON.parse(body).message as string);
    assertEquals(sent.toSorted(), texts.toSorted());
    const { items } = await outbox.store.page(WEARER, {
      order: "oldest",
      limit: 2_000,
      after: null,
      state: "delivered",
    });
    assertEquals(items.length, texts.length);
    assertEquals(await keysIn(kv, messageDuePrefix(WEARER)), []);
    kv.close();
    await receiver.close();
  }));
