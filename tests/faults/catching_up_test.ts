import { assertEquals } from "@std/assert";
import type { ChunkFacts } from "../../kv/keys.ts";
import { Connection } from "../../stream/connection.ts";
import { QUEUED } from "../../stream/frame.ts";
import type { StreamSession } from "../../stream/stream_session.ts";
import { WireV2 } from "../../stream/wire_v2.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { createFakeSocket } from "../stream/_fake_socket.ts";

const SESSION: StreamSession = {
  admit: () => QUEUED,
  proceed() {},
  lookFor() {},
  pause() {},
  unpause() {},
  ask: () => Promise.reject(new Error("nobody asks")),
  look: () => Promise.reject(new Error("nobody looks")),
  settle: () => Promise.resolve(),
  abandon() {},
  end() {},
};

function chunk(index: number): ChunkFacts {
  return {
    sessionId: "s",
    index,
    startS: index,
    endS: index + 1,
    recordedAtMs: 0,
    lastFrame: index + 1,
    capturedAtMs: null,
    frameCount: 1,
    byteCount: 1,
    sentFrameCount: 1,
    outcome: { status: "failed", error: "blind" },
  };
}

/** Resumes, and is told to leave before the results of before are read. */
async function cursorsWhen(leave: (connection: Connection) => void): Promise<unknown[]> {
  const clock = createFakeClock();
  const socket = createFakeSocket();
  const wire = new WireV2((text) => socket.send(text), clock);
  const options = { clock, maxFrameBytes: 0, maxFps: 0, stallMs: 0, earlierFrames: 2 };
  const connection = new Connection(socket, wire, options, SESSION, true);
  connection.recorded(chunk(2));
  leave(connection);
  connection.remind(chunk(0));
  connection.remind(chunk(1));
  connection.caughtUp();
  await clock.tickAsync(1);
  assertEquals(socket.closes.length, 1);
  return socket.sent.filter(({ type }) => type === "result").map(({ cursor }) => cursor);
}

Deno.test("bye before all earlier results are said leaves none out [S3, S4, S6]", async () => {
  const bye = (connection: Connection) => connection.message(`{"type":"bye"}`);
  assertEquals(await cursorsWhen(bye), [1, 2, 3]);
});

Deno.test("drain before all earlier results are said leaves none out [S3, S4]", async () => {
  assertEquals(await cursorsWhen((connection) => connection.drain()), [1, 2, 3]);
});
