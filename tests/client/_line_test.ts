import { assertEquals } from "@std/assert";
import { connect, type Glasses, type GlassesOptions, type Loss } from "../../client/glasses.ts";
import type { ClientSocket, SocketEvent } from "../../client/platform.ts";
import { createFakeClock, type FakeClock } from "../_fake_clock.ts";
import { WORD } from "./_glasses.ts";

const LIMITS = {
  max_frame_bytes: 0,
  max_fps: 10,
  chunk_seconds: 1,
  resume_seconds: 60,
  captions: true,
};

/** A server in the hands of the test, of which each connection is one socket. */
class FakeSocket implements ClientSocket {
  binaryType = "";
  bufferedAmount = 0;
  frames = 0;
  readonly said: string[] = [];
  isTerminated = false;
  readonly #hearers = new Map<string, (event: SocketEvent) => void>();

  addEventListener(type: string, hear: (event: SocketEvent) => void): void {
    this.#hearers.set(type, hear);
  }
  send(data: string | Uint8Array): void {
    if (typeof data !== "string") this.frames++;
    else if (!data.startsWith('{"type":"frame"')) this.said.push(data);
  }
  close(): void {}
  terminate(): void {
    this.isTerminated = true;
  }
  fire(type: string, event: Partial<SocketEvent> = {}): void {
    this.#hearers.get(type)!({ type, ...event });
  }
  say(message: Record<string, unknown>): void {
    this.fire("message", { data: JSON.stringify(message) });
  }
  greet(more: Record<string, unknown> = {}): void {
    this.fire("open");
    this.say({
      type: "hello",
      session: "s",
      resume: "r",
      frame: 0,
      cursor: 0,
      limits: LIMITS,
      ...more,
    });
  }
}

async function withFake(
  options: Partial<GlassesOptions>,
  use: (
    glasses: Glasses,
    clock: FakeClock,
    newest: () => FakeSocket,
    addresses: URL[],
  ) => Promise<void>,
): Promise<void> {
  const clock = createFakeClock();
  const sockets: FakeSocket[] = [];
  const addresses: URL[] = [];
  class Made extends FakeSocket {
    constructor(address: string) {
      super();
      addresses.push(new URL(address));
      sockets.push(this);
    }
  }
  const platform = { clock, WebSocket: Made, random: () => 0 };
  const glasses = connect({
    url: "http://host",
    access: WORD,
    maxWaiting: 100,
    ...options,
    platform,
  });
  await clock.tickAsync(0);
  await use(glasses, clock, () => sockets.at(-1)!, addresses);
  assertEquals((await clock.tickUntil(glasses.close())).kind, "stopped");
  assertEquals(clock.pendingTimers, 0);
}

const bytes = new Uint8Array(1_000);

Deno.test("glasses take a server that does not greet, or acknowledges nothing, for lost", () =>
  withFake({}, async (glasses, clock, newest, addresses) => {
    const first = newest();
    await clock.tickAsync(9_999);
    assertEquals(first.isTerminated, false);
    await clock.tickAsync(1);
    assertEquals([first.isTerminated, glasses.state.kind], [true, "waiting"]);
    await clock.tickAsync(250);
    const second = newest();
    second.greet();
    glasses.send(bytes);
    await clock.tickAsync(9_999);
    assertEquals([second.frames, second.isTerminated], [1, false]);
    await clock.tickAsync(1);
    assertEquals(second.isTerminated, true);
    await clock.tickAsync(500);
    newest().greet();
    assertEquals([newest().frames, glasses.state.kind], [1, "open"], "it is sent again");
    assertEquals(addresses.map(({ search }) => search), [
      "?magic_word=open-sesame",
      "?magic_word=open-sesame",
      "?magic_word=open-sesame&session=s&resume=r&cursor=0",
    ]);
  }));

Deno.test("glasses bear a slow network that still takes something", () =>
  withFake({}, async (glasses, clock, newest) => {
    newest().greet();
    const socket = newest();
    socket.bufferedAmount = 0;
    glasses.send(bytes);
    socket.bufferedAmount = 900;
    await clock.tickAsync(10_000);
    assertEquals(socket.isTerminated, true, "nothing moved");
    await clock.tickAsync(250);
    const slow = newest();
    slow.bufferedAmount = 900;
    slow.greet();
    for (let left = 800; left > 0; left -= 100) {
      await clock.tickAsync(9_000);
      slow.bufferedAmount = left;
    }
    assertEquals(slow.isTerminated, false);
  }));

Deno.test("glasses send no faster than four fifths of the limit, after a burst of a second", () =>
  withFake({ maxUnacked: 1_000 }, async (glasses, clock, newest) => {
    newest().greet();
    const socket = newest();
    for (let at = 0; at < 60; at++) glasses.send(bytes);
    assertEquals(socket.frames, 10);
    await clock.tickAsync(5_000);
    assertEquals(socket.frames, 50);
  }));

Deno.test("glasses send no more than is acknowledged, nor than the socket takes", () =>
  withFake({ maxUnacked: 3, maxBufferedBytes: 2_500 }, async (glasses, clock, newest) => {
    newest().greet();
    const socket = newest();
    for (let at = 0; at < 6; at++) glasses.send(bytes);
    assertEquals(socket.frames, 3);
    socket.bufferedAmount = 2_000;
    socket.say({ type: "ack", frame: 1, bytes: 1_000, status: "queued" });
    await clock.tickAsync(100);
    assertEquals(socket.frames, 3, "the socket is full");
    socket.bufferedAmount = 1_000;
    await clock.tickAsync(20);
    assertEquals(socket.frames, 4);
    assertEquals(glasses.counts.waiting, 2);
  }));

Deno.test("glasses hear each result once, and come back where one is missing [S3]", () =>
  withFake({}, async (glasses, clock, newest) => {
    const results = glasses.results();
    const result = (cursor: number) => ({ type: "result", cursor, frame: cursor, frames: 1 });
    newest().greet();
    const socket = newest();
    for (const cursor of [1, 2, 2, 1, 4]) socket.say(result(cursor));
    assertEquals(socket.isTerminated, true);
    socket.say(result(3));
    await clock.tickAsync(250);
    newest().greet({ cursor: 4 });
    for (const cursor of [3, 4]) newest().say(result(cursor));
    const heard = [];
    for (let at = 0; at < 4; at++) heard.push((await results.next()).value?.cursor);
    assertEquals(heard, [1, 2, 3, 4]);
  }));

Deno.test("glasses that are sent away for a frame that is too large do not send it again [V9]", () =>
  withFake({}, async (glasses, clock, newest) => {
    const losses: Loss[] = [];
    void Array.fromAsync(glasses.losses(), (loss) => losses.push(loss));
    newest().greet();
    for (let at = 0; at < 3; at++) glasses.send(bytes);
    newest().say({ type: "ack", frame: 1, bytes: 1_000, status: "queued" });
    newest().fire("close", { code: 1009, reason: "too large" });
    await clock.tickAsync(250);
    newest().greet();
    assertEquals(newest().frames, 2);
    assertEquals(losses.map(({ kind, given }) => [kind, given]), [["too_large", 2]]);
  }));

Deno.test("glasses say no more wishes than the server hears, and none is lost [S6]", () =>
  withFake({}, async (glasses, clock, newest) => {
    newest().greet();
    const socket = newest();
    const asked = Array.from({ length: 30 }, (_, at) => glasses.ask(`question ${at}`));
    assertEquals(socket.said.length, 16);
    await clock.tickAsync(1_000);
    assertEquals(socket.said.length, 24);
    await clock.tickAsync(1_000);
    assertEquals(socket.said.length, 30);
    socket.say({ type: "answer", id: "q1", text: "a dog", latency_ms: 5 });
    socket.say({ type: "error", code: "not_answered", message: "busy", id: "q2" });
    socket.fire("close", { code: 1006, reason: "" });
    const outcomes = await Promise.all(asked);
    assertEquals(outcomes.slice(0, 3), [
      { kind: "answered", text: "a dog", latencyMs: 5 },
      { kind: "failed", reason: "busy" },
      { kind: "failed", reason: "the connection was lost" },
    ]);
    await clock.tickAsync(0);
  }));
