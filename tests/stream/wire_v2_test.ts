import { assertEquals } from "@std/assert";
import { ageOf, WireV2 } from "../../stream/wire_v2.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { captioned, failed } from "../kv/_sessions.ts";

function speak() {
  const sent: string[] = [];
  const clock = createFakeClock();
  return { sent, clock, wire: new WireV2((text) => void sent.push(text), clock) };
}

Deno.test("WireV2 greets with the session, the secret and the limits [S1]", () => {
  const { sent, wire } = speak();
  wire.hello({
    sessionId: "s",
    secret: "hush",
    frame: 7,
    cursor: 3,
    limits: { maxFrameBytes: 100, maxFps: 0, chunkMs: 250, resumeMs: 90_000, isCaptioned: false },
  });
  assertEquals(sent.map((text) => JSON.parse(text)), [{
    type: "hello",
    session: "s",
    resume: "hush",
    frame: 7,
    cursor: 3,
    limits: {
      max_frame_bytes: 100,
      max_fps: 0,
      chunk_seconds: 0.25,
      resume_seconds: 90,
      captions: false,
    },
  }]);
});

Deno.test("WireV2 acks are JSON with and without their optional fields [S2]", () => {
  const { sent, wire } = speak();
  const ack = { frame: 1, bytes: 5, ageMs: null };
  wire.ack({ ...ack, fate: { status: "skipped" } });
  wire.ack({ ...ack, fate: { status: "dropped", reason: "budget" }, ageMs: 0 });
  assertEquals(sent, [
    '{"type":"ack","frame":1,"bytes":5,"status":"skipped"}',
    '{"type":"ack","frame":1,"bytes":5,"status":"dropped","reason":"budget","age_ms":0}',
  ]);
});

Deno.test("WireV2 results have a cursor from 1 on, and leave out what is not known [S3]", () => {
  const { sent, clock, wire } = speak();
  const { outcome } = captioned;
  wire.result({ ...captioned, capturedAtMs: clock.epochMs() - 40 });
  wire.result({ ...failed, capturedAtMs: null });
  const bare = { ...outcome, latencyMs: 1.26, tokensGenerated: null, model: null };
  wire.result({ ...captioned, index: 2, capturedAtMs: null, outcome: bare as typeof outcome });
  const common = { type: "result", frame: 30, frames: 30, chunk_start_s: 0, chunk_end_s: 1.5 };
  assertEquals(sent.map((text) => JSON.parse(text)), [
    {
      ...common,
      cursor: 1,
      caption: "A dog.",
      latency_ms: 80,
      tokens_generated: 3,
      model: "m",
      age_ms: 40,
    },
    { ...common, cursor: 2, inference_error: "no answer" },
    { ...common, cursor: 3, caption: "A dog.", latency_ms: 1.3 },
  ]);
});

Deno.test("WireV2 tells of the model only what belongs to no chunk: results do the rest [S3, S5]", () => {
  const { sent, wire } = speak();
  wire.told({ kind: "failed", scope: "chunk", reason: "no frame decodes" });
  wire.told({
    kind: "captioned",
    caption: "A dog.",
    latencyMs: 1,
    chunkStartS: 0,
    chunkEndS: 1,
    tokensGenerated: 1,
    model: null,
    answers: [],
  });
  wire.told({ kind: "failed", scope: "service", reason: 'no "class"' });
  assertEquals(sent.map((text) => JSON.parse(text)), [
    { type: "notice", code: "inference", message: 'no "class"' },
  ]);
});

Deno.test("WireV2 notices say when to come again and how fast, if that is known [S5]", () => {
  const { sent, wire } = speak();
  wire.notice({ code: "budget", message: "enough", retryAfterMs: 5000, suggestFps: 2 });
  wire.notice({ code: "slow_down", message: "too much" });
  assertEquals(sent.map((text) => JSON.parse(text)), [
    { type: "notice", code: "budget", message: "enough", retry_after_ms: 5000, suggest_fps: 2 },
    { type: "notice", code: "slow_down", message: "too much" },
  ]);
});

Deno.test("ageOf is whole milliseconds, and never negative [S2]", () => {
  const clock = createFakeClock(10_000);
  assertEquals([9000.4, 10_000, 99_999].map((at) => ageOf(at, clock)), [1000, 0, 0]);
});
