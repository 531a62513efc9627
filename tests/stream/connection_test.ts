import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { InferOutcome } from "../../inference/client.ts";
import { connect as connectAs, type Limits } from "./_connections.ts";
import { frameChunk } from "./_chunks.ts";

const CAPTION: InferOutcome = {
  kind: "captioned",
  caption: "A red ball.",
  latencyMs: 12.34,
  chunkStartS: 0,
  chunkEndS: 1.002,
  tokensGenerated: 9,
  model: "m",
  answers: [],
};
const FIELDS = {
  caption: "A red ball.",
  latency_ms: 12.3,
  chunk_start_s: 0,
  chunk_end_s: 1.002,
  tokens_generated: 9,
};

function connect(limits: Limits = {}) {
  const bench = connectAs(1, limits);
  const ended = () => bench.events.filter((event) => event.startsWith("end "));
  return { ...bench, ended };
}

Deno.test("connection acknowledges each frame in order, with its bytes [V1]", () => {
  const { send, socket, arrived } = connect();
  [5, 0, 7].forEach(send);
  assertEquals(socket.sent, [
    { frame: 1, bytes: 5 },
    { frame: 2, bytes: 0 },
    { frame: 3, bytes: 7 },
  ]);
  assertEquals(
    arrived.map(({ bytes }) => bytes.byteLength),
    [5, 7],
    "an empty message holds no picture",
  );
});

Deno.test("connection sends a result with the next ack, once [V5]", () => {
  const { clock, connection, send, socket } = connect();
  send(5);
  connection.told(CAPTION);
  send(6);
  send(7);
  clock.tick(1000);
  assertEquals(socket.sent.slice(1), [{ frame: 2, bytes: 6, ...FIELDS }, { frame: 3, bytes: 7 }]);
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("connection leaves null fields out, and tells failures as text [V5]", () => {
  const { connection, send, socket } = connect();
  connection.told({ ...CAPTION, tokensGenerated: null });
  connection.told({ kind: "failed", scope: "chunk", reason: 'no "frame" decodes' });
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
  connection.told(CAPTION);
  clock.tick(499);
  assertEquals(socket.sent.length, 1);
  clock.tick(1);
  assertEquals(socket.sent[1], { frame: 1, bytes: 5, ...FIELDS });
  send(8);
  assertEquals(socket.sent[2], { frame: 2, bytes: 8 });
});

Deno.test("connection sends several results in order, each alone in time [V6]", () => {
  const { clock, connection, socket } = connect();
  connection.told({ ...CAPTION, caption: "one" });
  connection.told({ ...CAPTION, caption: "two" });
  clock.tick(500);
  clock.tick(500);
  assertEquals(socket.sent.map((ack) => [ack.frame, ack.caption]), [[0, "one"], [0, "two"]]);
});

Deno.test("connection closes 1009 on a frame above maxFrameBytes [V9]", () => {
  const { send, socket, arrived, ended } = connect();
  send(100);
  send(101);
  send(5);
  assertEquals(socket.closes, [[1009, "a frame must be at most 100 bytes: it was 101"]]);
  assertEquals([socket.sent.length, arrived.length, ended().length], [1, 1, 1]);
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
  assertEquals([socket.closes, ended()], [[end], [`end ${end.join(" ")} false`]]);
  connection.closed(...end);
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("connection ends once, and is silent afterwards [V9]", () => {
  const { clock, connection, send, socket, ended } = connect();
  connection.told(CAPTION);
  connection.close(1012, "going away");
  connection.closed(1012, "going away");
  connection.told(CAPTION);
  send(1);
  clock.tick(1000);
  assertEquals(ended(), ["end 1012 going away false"]);
  assertEquals([socket.sent, clock.pendingTimers], [[], 0]);
});

Deno.test("connection acks a frame before anything follows from it [V2]", () => {
  const { send, events } = connect();
  send(1);
  send(1);
  assertEquals(events, ["admit 1", "proceed after 1", "admit 2", "proceed after 2"]);
});

Deno.test("connection v1 is told at once that the server goes away, and nothing else [V9]", () => {
  const { clock, connection, socket, ended } = connect({ stallMs: 1000 });
  clock.tick(10_000);
  connection.notice({ code: "slow_down", message: "too much" });
  connection.recorded(frameChunk(0));
  connection.drain();
  const reason = "the server is going away: connect again";
  assertEquals(socket.closes, [[1012, reason]]);
  assertEquals([socket.sent, ended()], [[], [`end 1012 ${reason} false`]]);
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("connection v1 says the same bytes whatever else there is to say [V1, V5]", () => {
  const { connection, socket, send } = connect();
  const bytes: string[] = [];
  socket.send = (text) => void bytes.push(text);
  send(5);
  connection.recorded(frameChunk(0));
  connection.told(CAPTION);
  send(6);
  assertEquals(bytes, [
    '{"frame":1,"bytes":5}',
    '{"frame":2,"bytes":6,"caption":"A red ball.","latency_ms":12.3,"chunk_start_s":0,' +
    '"chunk_end_s":1.002,"tokens_generated":9}',
  ]);
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
      else connection.told({ ...CAPTION, caption: String(results++) });
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
