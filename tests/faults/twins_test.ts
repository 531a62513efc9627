import { assertEquals } from "@std/assert";
import { Connection } from "../../stream/connection.ts";
import type { StreamSession } from "../../stream/stream_session.ts";
import { QUEUED } from "../../stream/frame.ts";
import { LiveStreams } from "../../stream/live_streams.ts";
import { WireV2 } from "../../stream/wire_v2.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { createFakeSocket } from "../stream/_fake_socket.ts";

/** A connection of session `s` among `streams`, and the code that it was closed with. */
function connect(streams: LiveStreams) {
  const clock = createFakeClock();
  const socket = createFakeSocket();
  const session: StreamSession = {
    admit: () => QUEUED,
    proceed() {},
    lookFor() {},
    pause() {},
    unpause() {},
    ask: () => Promise.reject(new Error("nobody asks")),
    look: () => Promise.reject(new Error("nobody looks")),
    settle: () => Promise.resolve(),
    abandon() {},
    end: () => streams.remove("s", connection, Promise.resolve()),
  };
  const options = { clock, maxFrameBytes: 0, maxFps: 0, stallMs: 0, earlierFrames: 0 };
  const wire = new WireV2((text) => socket.send(text), clock);
  const connection = new Connection(socket, wire, options, session, false);
  streams.add("s", connection);
  return () => socket.closes.map(([code]) => code);
}

Deno.test("connections with the same claim, opened at once, are both sent away [S4, V9]", async () => {
  const drained = new LiveStreams();
  const closes = [connect(drained), connect(drained)];
  assertEquals(drained.size, 2);
  await drained.drain();
  assertEquals(closes.map((of) => of()), [[1012], [1012]]);

  const replaced = new LiveStreams();
  const older = [connect(replaced), connect(replaced)];
  replaced.replace("s");
  assertEquals(older.map((of) => of()), [[1008], [1008]]);
  assertEquals(replaced.size, 0);
});
