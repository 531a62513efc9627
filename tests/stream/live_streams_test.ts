import { assertEquals } from "@std/assert";
import { VisionConnection } from "../../stream/connection.ts";
import { LiveStreams } from "../../stream/live_streams.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { createFakeSocket } from "./_fake_socket.ts";

const AWAY: [number, string] = [1012, "the server is going away: connect again"];

/** A stream as `session.ts` makes it; `finish` ends what runs when its client has left. */
function join(streams: LiveStreams) {
  const clock = createFakeClock();
  const socket = createFakeSocket();
  const { promise: ended, resolve: finish, reject: fail } = Promise.withResolvers<void>();
  const limits = { maxFrameBytes: 0, maxFps: 0, resultFlushMs: 0 };
  const connection = new VisionConnection(socket, { clock, ...limits }, {
    offer() {},
    end: () => streams.remove(connection, ended),
  });
  streams.add(connection);
  return { connection, socket, finish, fail };
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
