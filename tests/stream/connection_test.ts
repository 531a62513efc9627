import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { InferOutcome } from "../../inference/client.ts";
import { VisionConnection } from "../../stream/connection.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { createFakeSocket } from "./_fake_socket.ts";

const CAPTION: InferOutcome = {
  kind: "captioned",
  caption: "A red ball.",
  latencyMs: 12.34,
  chunkStartS: 0,
  chunkEndS: 1.002,
  tokensGenerated: 9,
  model: "m",
};
const FIELDS = {
  caption: "A red ball.",
  latency_ms: 12.3,
  chunk_start_s: 0,
  chunk_end_s: 1.002,
  tokens_generated: 9,
};

function connect(limits: { maxFrameBytes?: number; maxFps?: number } = {}) {
  const clock = createFakeClock();
  const socket = createFakeSocket();
  const offered: number[] = [];
  const ended: [number, string][] = [];
  const options = { clock, maxFrameBytes: 100, maxFps: 0, resultFlushMs: 500, ...limits };
  const connection = new VisionConnection(socket, options, {
    offer: (frame) => void offered.push(frame.byteLength),
    end: (code, reason) => void ended.push([code, reason]),
  });
  const send = (byteLength: number) => connection.message(new Uint8Array(byteLength));
  return { clock, socket, offered, ended, connection, send };
}

Deno.test("connection acknowledges each frame in order, with its bytes [V1]", () => {
  const { send, socket, offered } = connect();
  [5, 0, 7].forEach(send);
  assertEquals(socket.sent, [
    { frame: 1, bytes: 5 },
    { frame: 2, bytes: 0 },
    { frame: 3, bytes: 7 },
  ]);
  assertEquals(offered, [5, 7], "an empty message holds no picture");
});

Deno.test("connection sends a result with the next ack, once [V5]", () => {
  const { clock, connection, send, socket } = connect();
  send(5);
  connection.tell(CAPTION);
  send(6);
  send(7);
  clock.tick(1000);
  assertEquals(socket.sent.slice(1), [{ frame: 2, bytes: 6, ...FIELDS }, { frame: 3, bytes: 7 }]);
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("connection leaves null fields out, and tells failures as text [V5]", () => {
  const { connection, send, socket } = connect();
  connection.tell({ ...CAPTION, tokensGenerated: null });
  connection.tell({ kind: "failed", scope: "chunk", reason: 'no "frame" decodes' });
  send(1);
  send(1);
  const { tokens_generated: _, ...rest } = FIELDS;
  assertEquals(socket.sent, [
    { frame: 1, bytes: 1, ...rest },
    { frame: 2, bytes: 1, inference_error: 'no "frame" decodes' },
  ]);
});

Deno.test("connection sends a result alone when no frame comes [V6]", () => {
  const { clock, connection, send, socket } = connect();
  send(5);
  connection.tell(CAPTION);
  clock.tick(499);
  assertEquals(socket.sent.length, 1);
  clock.tick(1);
  assertEquals(socket.sent[1], { frame: 1, bytes: 5, ...FIELDS });
  send(8);
  assertEquals(socket.sent[2], { frame: 2, bytes: 8 });
});

Deno.test("connection sends several results in order, each alone in time [V6]", () => {
  const { clock, connection, socket } = connect();
  connection.tell({ ...CAPTION, caption: "one" });
  connection.tell({ ...CAPTION, caption: "two" });
  clock.tick(500);
  clock.tick(500);
  assertEquals(socket.sent.map((ack) => [ack.frame, ack.caption]), [[0, "one"], [0, "two"]]);
});

Deno.test("connection closes 1009 on a frame above maxFrameBytes [V9]", () => {
  const { send, socket, offered, ended } = connect();
  send(100);
  send(101);
  send(5);
  assertEquals(socket.closes, [[1009, "a frame must be at most 100 bytes: it was 101"]]);
  assertEquals([socket.sent.length, offered.length, ended.length], [1, 1, 1]);
});

Deno.test("connection closes 1003 on text [V9]", () => {
  const { connection, socket } = connect();
  connection.message("hello");
  assertEquals(socket.closes, [[1003, "a frame must be binary: this was text"]]);
});

Deno.test("connection closes 1008 on too many frames per second, after a burst [V9]", () => {
  const { clock, send, socket } = connect({ maxFps: 10 });
  for (let at = 0; at < 20; at++) send(1);
  assertEquals([socket.sent.length, socket.closes.length], [20, 0]);
  clock.tick(100);
  send(1);
  assertEquals(socket.closes, []);
  send(1);
  assertEquals(socket.closes, [[1008, "frames must be at most 10 per second"]]);
});

Deno.test("connection makes who leaves acks unread wait, then closes 1008 [V9]", () => {
  const { clock, connection, send, socket, ended } = connect();
  socket.queuedBytes = 256 * 1024 + 1;
  send(1);
  assertEquals([socket.isPaused, socket.closes], [true, []]);
  clock.tick(10_000);
  const end: [number, string] = [1008, "acks must be read: too many are unread"];
  assertEquals([socket.closes, ended], [[end], [end]]);
  connection.closed(...end);
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("connection ends once, and is silent afterwards [V9]", () => {
  const { clock, connection, send, socket, ended } = connect();
  connection.tell(CAPTION);
  connection.close(1012, "going away");
  connection.closed(1012, "going away");
  connection.tell(CAPTION);
  send(1);
  clock.tick(1000);
  assertEquals(ended, [[1012, "going away"]]);
  assertEquals([socket.sent, clock.pendingTimers], [[], 0]);
});

Deno.test("connection acks whatever comes, results in order and none twice [V1, V5, V6]", () => {
  const steps = fc.array(fc.oneof(
    fc.record({ kind: fc.constant("frame" as const), bytes: fc.integer({ min: 0, max: 100 }) }),
    fc.record({ kind: fc.constant("result" as const) }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 700 }) }),
  ));
  fc.assert(fc.property(steps, (steps) => {
    const { clock, connection, send, socket } = connect();
    const sizes: number[] = [];
    let results = 0;
    for (const step of steps) {
      if (step.kind === "frame") sizes.push(step.bytes), send(step.bytes);
      else if (step.kind === "wait") clock.tick(step.ms);
      else connection.tell({ ...CAPTION, caption: String(results++) });
    }
    clock.tick(500 * (results + 1));
    const captions = socket.sent.flatMap((ack) => "caption" in ack ? [ack.caption] : []);
    assertEquals(captions, Array.from({ length: results }, (_, at) => String(at)));
    const acked = socket.sent.filter((ack, at) => ack.frame !== (socket.sent[at - 1]?.frame ?? 0));
    assertEquals(
      acked.map((ack) => [ack.frame, ack.bytes]),
      sizes.map((size, at) => [at + 1, size]),
    );
  }));
});
