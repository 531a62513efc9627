import { assertEquals } from "@std/assert";
import { Connection } from "../../stream/connection.ts";
import { LiveStreams } from "../../stream/live_streams.ts";
import { WireV1 } from "../../stream/wire_v1.ts";
import { WireV2 } from "../../stream/wire_v2.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { createFakeSession } from "./_fake_session.ts";
import { createFakeSocket } from "./_fake_socket.ts";

const AWAY: [number, string] = [1012, "the server is going away: connect again"];
const REPLACED: [number, string] = [1008, "another connection has the session now"];

/** A stream as `session.ts` makes it; `finish` ends what runs when its client has left. */
function join(streams: LiveStreams, sessionId = crypto.randomUUID() as string, protocol = 1) {
  const clock = createFakeClock();
  const socket = createFakeSocket();
  const { promise: ended, resolve: finish, reject: fail } = Promise.withResolvers<void>();
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
  const limits = { maxFrameBytes: 0, maxFps: 0, stallMs: 0, earlierFrames: 0 };
  const send = (text: string) => socket.send(text);
  const wire = protocol === 1
    ? new WireV1({ send, clock, resultFlushMs: 0 })
    : new WireV2(send, clock);
  const session = createFakeSession({
    settle: () => settled,
    end: () => streams.remove(sessionId, connection, ended),
  });
  const connection = new Connection(socket, wire, { clock, ...limits }, session, false);
  streams.add(sessionId, connection);
  return { clock, connection, socket, finish, fail, settle };
}

/** Whether a promise has settled by the time that all others have had their turn. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(() => settled = true, () => settled = true);
  await createFakeClock().tickAsync(1);
  return settled;
}

Deno.test("LiveStreams counts the clients that are connected", () => {
  const streams = new LiveStreams();
  const [first, second] = [join(streams), join(streams)];
  assertEquals([streams.size, streams.isDraining], [2, false]);
  first.connection.closed(1000, "");
  first.connection.closed(1000, "");
  assertEquals(streams.size, 1, "a client that left counts no more, though its stream is ending");
  second.connection.close(1008, "too fast");
  assertEquals(streams.size, 0);
});

Deno.test("LiveStreams sends every client away with 1012, once [V9]", async () => {
  const streams = new LiveStreams();
  const all = [join(streams), join(streams), join(streams)];
  all[1]!.connection.closed(1000, "left before");
  all.forEach(({ finish }) => finish());
  await streams.drain();
  await streams.drain();
  assertEquals(all.map(({ socket }) => socket.closes), [[AWAY], [], [AWAY]]);
  assertEquals([streams.size, streams.isDraining], [0, true]);
});

Deno.test("LiveStreams drains until the last inference has ended, and the last record is written [V7]", async () => {
  const streams = new LiveStreams();
  const [left, stays] = [join(streams), join(streams)];
  left.connection.closed(1000, "left a while ago");
  const drained = streams.drain();
  stays.finish();
  assertEquals(await isSettled(drained), false);
  left.finish();
  await drained;
});

Deno.test("LiveStreams waits for clients that are still being told their last results [S5]", async () => {
  const streams = new LiveStreams();
  const [quick, slow] = [join(streams, "a", 2), join(streams, "b", 2)];
  [quick, slow].forEach(({ finish }) => finish());
  const drained = streams.drain();
  quick.settle();
  assertEquals([await isSettled(drained), streams.size], [false, 1]);
  slow.clock.tick(2000);
  await drained;
  assertEquals([quick.socket.closes, slow.socket.closes], [[AWAY], [AWAY]]);
});

Deno.test("LiveStreams does not wait for streams that ended long ago", async () => {
  const streams = new LiveStreams();
  const { connection, finish } = join(streams);
  connection.closed(1000, "");
  finish();
  assertEquals(await isSettled(streams.drain()), true);
  assertEquals(await isSettled(new LiveStreams().drain()), true);
});

Deno.test("LiveStreams sends who comes too late away at once, and waits for it too [V9]", async () => {
  const streams = new LiveStreams();
  await streams.drain();
  const late = join(streams);
  assertEquals([late.socket.closes, streams.size], [[AWAY], 0]);
  const drained = streams.drain();
  assertEquals(await isSettled(drained), false);
  late.finish();
  await drained;
});

Deno.test("LiveStreams.replace closes the session's old connection, and no other [S4]", () => {
  const streams = new LiveStreams();
  const [old, other] = [join(streams, "mine", 2), join(streams, "other", 2)];
  streams.replace("unknown");
  streams.replace("mine");
  const next = join(streams, "mine", 2);
  assertEquals([old.socket.closes, other.socket.closes], [[REPLACED], []]);
  old.connection.closed(1008, "the socket says so late");
  assertEquals(streams.size, 2, "an end that comes late takes the new one from nobody");
  streams.replace("mine");
  assertEquals(next.socket.closes, [REPLACED]);
});

Deno.test("LiveStreams drains both of two connections that came for one session at once [S4]", async () => {
  const streams = new LiveStreams();
  const both = [join(streams, "mine", 2), join(streams, "mine", 2)];
  assertEquals(streams.size, 2);
  both.forEach(({ settle, finish }) => (settle(), finish()));
  await streams.drain();
  assertEquals(both.map(({ socket }) => socket.closes), [[AWAY], [AWAY]]);
  assertEquals(streams.size, 0);
});

Deno.test("LiveStreams still replaces the newer of two that came at once when the older has gone [S4]", () => {
  const streams = new LiveStreams();
  const [older, newer] = [join(streams, "mine", 2), join(streams, "mine", 2)];
  older.connection.replaced();
  streams.replace("mine");
  assertEquals([older.socket.closes, newer.socket.closes], [[REPLACED], [REPLACED]]);
});
