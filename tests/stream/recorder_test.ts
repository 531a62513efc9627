import { assert, assertEquals } from "@std/assert";
import type { InferOutcome } from "../../inference/client.ts";
import { resumable } from "../kv/_sessions.ts";
import { dumpKv, withKv } from "../kv/_temp_kv.ts";
import { live } from "../kv/_sessions.ts";
import { CAPTION, chunkOf, createBench, FAILURE, now } from "./_recorder.ts";

Deno.test("Recorder keeps the books of a stream, from its beginning to its end [V7]", () =>
  withKv(async (kv) => {
    const { clock, recorder, stored, chunks, lines, end, recorded } = createBench(kv);
    const startedAtMs = clock.epochMs();
    recorder.begin();
    await clock.tickAsync(100);
    recorder.frame(10);
    await clock.tickAsync(100);
    recorder.frame(20);
    recorder.chunk({ ...chunkOf(2, 1), capturedAtMs: 77 }, now(CAPTION));
    await clock.tickAsync(300);
    recorder.chunk(chunkOf(5, 2, 7), now(FAILURE));
    await end();
    const { version: _, expiresAtMs, ...record } = await stored();
    assertEquals(record, {
      ...live,
      status: "ended",
      lastFrameAtMs: startedAtMs + 200,
      accounted: { frame: 7, atS: 2 },
      frameCount: 2,
      byteCount: 30,
      chunkCount: 2,
      captionCount: 1,
      errorCount: 1,
      endedAtMs: startedAtMs + 500,
      closeCode: 1000,
      reason: "bye",
    });
    assert(expiresAtMs !== null);
    const facts = (await chunks()).map(({ version: _, expiresAtMs: __, ...chunk }) => chunk);
    const common = { sessionId: "s1", sentFrameCount: 1 };
    const { caption, latencyMs, tokensGenerated, model } = CAPTION;
    const expected = [
      {
        ...common,
        index: 0,
        startS: 0,
        endS: 1,
        recordedAtMs: startedAtMs + 200,
        lastFrame: 2,
        capturedAtMs: 77,
        frameCount: 2,
        byteCount: 20,
        outcome: { status: "captioned" as const, caption, latencyMs, tokensGenerated, model },
      },
      {
        ...common,
        index: 1,
        startS: 1,
        endS: 2,
        recordedAtMs: startedAtMs + 500,
        lastFrame: 7,
        capturedAtMs: null,
        frameCount: 5,
        byteCount: 50,
        outcome: { status: "failed" as const, error: "no frame decodes" },
      },
    ];
    assertEquals(facts, expected);
    assertEquals(recorded, expected);
    assertEquals(lines, []);
  }));

Deno.test("Recorder says live, with the counts at the last chunk, while a stream is open", () =>
  withKv(async (kv) => {
    const { recorder, stored, events, until, end } = createBench(kv);
    recorder.begin();
    recorder.frame(10);
    recorder.chunk(chunkOf(1, 1), now(CAPTION));
    await until(() => events.includes("chunk 0 ends"));
    recorder.frame(10);
    const { status, frameCount, chunkCount } = await stored();
    assertEquals([status, frameCount, chunkCount], ["live", 1, 1]);
    await end();
    assertEquals((await stored()).frameCount, 2);
  }));

Deno.test("Recorder.lookFor writes the new prompt, for whoever goes on [S4, S6]", () =>
  withKv(async (kv) => {
    const { recorder, stored, end } = createBench(kv);
    recorder.begin();
    recorder.lookFor("Read the signs.");
    await recorder.settled();
    assertEquals((await stored()).prompt, "Read the signs.");
    await end();
  }));

Deno.test("Recorder stores no token and no frame [A4]", () =>
  withKv(async (kv) => {
    const { recorder, end } = createBench(kv, {
      session: { ...live, identity: { appName: "app", className: "Eyes" } },
    });
    recorder.chunk(chunkOf(1, 1), now(CAPTION));
    await end();
    const stored = await dumpKv(kv);
    for (const hidden of ["222,173,190,239", '"0":222']) assert(!stored.includes(hidden), stored);
  }));

Deno.test("Recorder writes one after another, in the order in which things happened", () =>
  withKv(async (kv) => {
    const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
    const before = (_: string, at: number) => gates[at]!.promise;
    const { clock, recorder, events, until, end } = createBench(kv, { before });
    recorder.begin();
    recorder.chunk(chunkOf(1, 1), now(CAPTION));
    recorder.chunk(chunkOf(1, 2), now(FAILURE));
    let isEnded = false;
    const ended = end().then(() => isEnded = true);
    const expected: string[] = [];
    for (const [at, what] of ["live", "chunk 0", "chunk 1", "ended"].entries()) {
      await clock.tickAsync(1);
      expected.push(`${what} begins`);
      assertEquals([events, isEnded], [expected, false]);
      gates[at]!.resolve();
      await until(() => events.length > expected.length);
      expected.push(`${what} ends`);
    }
    await ended;
    assertEquals(events, expected);
  }));

Deno.test("Recorder writes outcomes in the order in which their chunks left [S3]", () =>
  withKv(async (kv) => {
    const { clock, recorder, recorded, chunks, end } = createBench(kv);
    const answers = [1, 2, 3].map(() => Promise.withResolvers<InferOutcome>());
    answers.forEach(({ promise }, at) => recorder.chunk(chunkOf(at + 1, at + 1), promise));
    answers[2]!.resolve(CAPTION);
    answers[1]!.resolve(FAILURE);
    await clock.tickAsync(100);
    assertEquals(recorded, []);
    answers[0]!.resolve(CAPTION);
    await recorder.settled();
    const order = [[0, 1], [1, 2], [2, 3]];
    assertEquals(recorded.map(({ index, frameCount }) => [index, frameCount]), order);
    assertEquals((await chunks()).map(({ index, frameCount }) => [index, frameCount]), order);
    await end();
  }));

Deno.test("Recorder without resume logs, counts and leaves behind what KV refuses, and goes on", () =>
  withKv(async (kv) => {
    const before = (what: string, at: number) => {
      if (at < 2) throw new TypeError(`no room for the ${what}`);
    };
    const bench = createBench(kv, { before });
    const { recorder, lines, counters, stored, chunks, recorded, end, clock } = bench;
    recorder.begin();
    recorder.chunk(chunkOf(1, 1), now(CAPTION));
    recorder.chunk(chunkOf(1, 2), now(CAPTION));
    await end("ended", 1006, "lost");
    assertEquals(counters.kvFailures, 2);
    assertEquals(
      lines.map(({ level, event, session_id, reason }) => [level, event, session_id, reason]),
      [
        ["error", "kv.write_failed", "s1", "no room for the live"],
        ["error", "kv.write_failed", "s1", "no room for the chunk 0"],
      ],
    );
    const { status, chunkCount } = await stored();
    assertEquals([status, chunkCount], ["ended", 2]);
    assertEquals((await chunks()).map(({ index }) => index), [1]);
    assertEquals(recorded.map(({ index }) => index), [1], "what is not written is not told");
    assertEquals(clock.pendingTimers, 0);
  }));

Deno.test("Recorder without resume ends though KV is gone", async () => {
  const kv = await Deno.openKv(":memory:");
  kv.close();
  const { recorder, lines, counters, end } = createBench(kv);
  recorder.begin();
  recorder.chunk(chunkOf(1, 1), now(CAPTION));
  await end();
  assertEquals([counters.kvFailures, lines.length], [3, 3]);
  assert(!JSON.stringify(lines).includes("red ball"), "captions have no place in the log");
});

Deno.test("Recorder leaves out what was given up, and all that came later [S4]", () =>
  withKv(async (kv) => {
    const { recorder, stored, recorded, end } = createBench(kv);
    recorder.chunk(chunkOf(1, 1, 1), now(CAPTION));
    recorder.chunk(chunkOf(1, 2, 2), now(null));
    recorder.chunk(chunkOf(1, 3, 3), now(CAPTION));
    await end("interrupted");
    assertEquals(recorded.map(({ index }) => index), [0]);
    const { chunkCount, accounted, status } = await stored();
    assertEquals([chunkCount, accounted, status], [1, { frame: 1, atS: 1 }, "interrupted"]);
  }));

Deno.test("Recorder finds out once that another has the session, and writes no more [S4]", () =>
  withKv(async (kv) => {
    const bench = createBench(kv, { session: await resumable(Number.MAX_SAFE_INTEGER) });
    const { recorder, stored, recorded, events, end, takeOver } = bench;
    recorder.begin();
    await recorder.settled();
    assertEquals((await takeOver()).kind, "taken");
    const dump = await dumpKv(kv);
    recorder.chunk(chunkOf(1, 1), now(CAPTION));
    recorder.chunk(chunkOf(1, 2), now(CAPTION));
    recorder.lookFor("anything");
    recorder.heartbeat();
    await end("interrupted");
    assertEquals([bench.takenOver, recorded, (await stored()).owner], [1, [], "b"]);
    assertEquals(await dumpKv(kv), dump);
    assertEquals(events.filter((event) => event.endsWith("begins")).length, 2);
  }));
