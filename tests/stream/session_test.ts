import { assertEquals } from "@std/assert";
import { parseConfig } from "../../config.ts";
import { createCounters } from "../../counters.ts";
import { noopInference } from "../../inference/noop.ts";
import { InferenceSlots } from "../../inference/slots.ts";
import { createSessionStore } from "../../kv/sessions.ts";
import { createLogger } from "../../log.ts";
import { LiveStreams } from "../../stream/live_streams.ts";
import { startStream } from "../../stream/session.ts";
import { beginSession, goOnWith } from "../../stream/session_start.ts";
import { WireV1 } from "../../stream/wire_v1.ts";
import { WireV2 } from "../../stream/wire_v2.ts";
import { FREE_LEASE, NO_BUDGETS } from "../kv/_no_budgets.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { says } from "../kv/_sessions.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { createFakeSocket } from "./_fake_socket.ts";

const BEGINNING = { wearer: "ann", identity: null, prompt: "look", resumeMs: 60_000 };
const HAS_IT: [number, string] = [1008, "another connection has the session now"];

/** Two processes on one KV, with one clock. */
function createTwo(kv: Deno.Kv) {
  const clock = createFakeClock();
  const outcome = parseConfig({ VISION_STALL_SECONDS: "0" });
  if (outcome.kind === "invalid") throw new Error(outcome.problems.join());
  const { vision } = outcome.config;
  const sessions = createSessionStore({ kv, clock, retentionDays: 30 });
  const createDeps = () => ({
    vision,
    inference: noopInference,
    slots: new InferenceSlots(1),
    budgets: NO_BUDGETS,
    questions: { follow: () => ({ now: () => [], stop() {} }) },
    streams: new LiveStreams(),
    clock,
    log: createLogger("error", () => {}),
    counters: createCounters(),
    sessions,
    newId: () => crypto.randomUUID() as string,
  });
  const store = sessions;
  return { clock, store, one: createDeps(), other: createDeps() };
}

/** Lets KV do its work without moving time. */
async function until(clock: ReturnType<typeof createFakeClock>, holds: () => Promise<boolean>) {
  while (!await holds()) await clock.tickAsync(0);
}

Deno.test("session finds out within ten seconds that another process has it, without a frame [S4]", () =>
  withKv(async (kv) => {
    const { clock, store, one, other } = createTwo(kv);
    const begun = await beginSession(one, BEGINNING);
    const [older, newer] = [createFakeSocket(), createFakeSocket()];
    startStream(one, older, new WireV2((text) => older.send(text), clock), {
      ...begun,
      lease: FREE_LEASE,
    });
    const { id } = begun.session;
    await until(clock, async () => await store.getSession("ann", id) !== null);
    const claim = { sessionId: id, secret: begun.secret, cursor: 0 };
    const next = await goOnWith(other, BEGINNING, claim, null);
    startStream(other, newer, new WireV2((text) => newer.send(text), clock), {
      ...next!,
      lease: FREE_LEASE,
    });
    await clock.tickAsync(9_999);
    assertEquals(older.closes, []);
    await clock.tickAsync(1);
    await until(clock, () => Promise.resolve(older.closes.length > 0));
    assertEquals([older.closes[0], newer.closes, one.streams.size], [HAS_IT, [], 0]);
    await clock.tickAsync(60_000);
    assertEquals([newer.closes, other.streams.size], [[], 1]);
    // Small steps: KV works in real time, and has ten seconds on this clock.
    await clock.tickUntil(Promise.all([one.streams.drain(), other.streams.drain()]), 1);
    assertEquals([(await store.getSession("ann", id))?.status, clock.pendingTimers], [
      "interrupted",
      0,
    ]);
  }));

Deno.test("session of v1 asks nobody whether it is its own, and ends for good [V7]", () =>
  withKv(async (kv) => {
    const { clock, store, one } = createTwo(kv);
    const begun = await beginSession(one, { ...BEGINNING, resumeMs: null });
    const socket = createFakeSocket();
    const send = (text: string) => socket.send(text);
    startStream(one, socket, new WireV1({ send, clock, resultFlushMs: 0 }), {
      ...begun,
      lease: FREE_LEASE,
    });
    assertEquals(clock.pendingTimers, 0);
    await clock.tickUntil(one.streams.drain(), 1);
    assertEquals((await store.getSession("ann", begun.session.id))?.status, "ended");
    assertEquals(clock.pendingTimers, 0);
  }));

Deno.test("session reminds a client no faster than it reads [S4]", () =>
  withKv(async (kv) => {
    const { clock, store, one } = createTwo(kv);
    const begun = await beginSession(one, BEGINNING);
    const { session, writer, secret } = begun;
    for (let index = 0; index < 3; index++) {
      const chunk = { ...says("hello", index), sessionId: session.id };
      await writer.write({ ...session, chunkCount: index + 1 }, chunk);
    }
    const claim = { sessionId: session.id, secret, cursor: 0 };
    const next = await goOnWith(one, BEGINNING, claim, null);
    const socket = createFakeSocket();
    socket.queuedBytes = 64 * 1024 + 1;
    startStream(one, socket, new WireV2((text) => socket.send(text), clock), {
      ...next!,
      lease: FREE_LEASE,
    });
    for (let turn = 0; turn < 20; turn++) {
      // Whoever reads later has read later: the session's own reader has been served.
      await Array.fromAsync(store.listChunks("ann", session.id));
      await clock.tickAsync(10);
    }
    assertEquals(socket.sent, []);
    socket.queuedBytes--;
    for (let turn = 0; socket.sent.length < 3; turn++) await clock.tickAsync(10);
    assertEquals(socket.sent.map(({ cursor }) => cursor), [1, 2, 3]);
    await clock.tickUntil(one.streams.drain(), 1);
    assertEquals([socket.closes.map(([code]) => code), clock.pendingTimers], [[1012], 0]);
  }));

Deno.test("session reminds nobody who has gone without having read [S4]", () =>
  withKv(async (kv) => {
    const { clock, one } = createTwo(kv);
    const begun = await beginSession(one, BEGINNING);
    const { session, writer, secret } = begun;
    const chunk = { ...says("hello", 0), sessionId: session.id };
    await writer.write({ ...session, chunkCount: 1 }, chunk);
    const claim = { sessionId: session.id, secret, cursor: 0 };
    const next = await goOnWith(one, BEGINNING, claim, null);
    const socket = createFakeSocket();
    socket.queuedBytes = 64 * 1024 + 1; // and stays so: a socket that is closed sends no more
    const connection = startStream(one, socket, new WireV2(socket.send, clock), {
      ...next!,
      lease: FREE_LEASE,
    });
    await clock.tickAsync(1000);
    connection.closed(1006, "");
    await clock.tickUntil(one.streams.drain(), 1);
    await clock.tickAsync(1000);
    assertEquals([socket.sent, clock.pendingTimers], [[], 0]);
  }));
