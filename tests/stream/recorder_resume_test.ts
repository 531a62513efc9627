import { assert, assertEquals } from "@std/assert";
import { resumable } from "../kv/_sessions.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { CAPTION, chunkOf, createBench, now } from "./_recorder.ts";

const SESSION = await resumable(Number.MAX_SAFE_INTEGER);

/** KV refuses everything until `gate.works`. */
function createRefusing(kv: Deno.Kv, drainMs = 1000) {
  const gate = { works: false, attempts: 0 };
  const before = () => {
    gate.attempts++;
    if (!gate.works) throw new Error("KV is down");
  };
  return { gate, ...createBench(kv, { session: SESSION, before, drainMs }) };
}

/** KV takes real time, in which the fake clock runs fast. */
const PATIENT_MS = 1e9;

Deno.test("Recorder with resume tries again until it is written, then tells it in order [S3, S4]", () =>
  withKv(async (kv) => {
    const bench = createRefusing(kv, PATIENT_MS);
    const { gate, recorder, clock, recorded, counters, lines, chunks, end } = bench;
    recorder.chunk(chunkOf(1, 1), now(CAPTION));
    recorder.chunk(chunkOf(1, 2), now(CAPTION));
    await clock.tickAsync(60_000);
    assertEquals(recorded, []);
    assert(gate.attempts >= 30 && gate.attempts <= 40, `${gate.attempts} attempts in a minute`);
    assertEquals([counters.kvFailures, lines.length], [gate.attempts, gate.attempts]);
    gate.works = true;
    await clock.tickUntil(recorder.settled());
    assertEquals(recorded.map(({ index, endS }) => [index, endS]), [[0, 1], [1, 2]]);
    assertEquals((await chunks()).map(({ index }) => index), [0, 1]);
    await end("interrupted");
    assertEquals(clock.pendingTimers, 0);
  }));

Deno.test("Recorder is behind once 64 outcomes wait for KV, and no more when it works again", () =>
  withKv(async (kv) => {
    const { gate, recorder, clock, end } = createRefusing(kv, PATIENT_MS);
    for (let at = 1; at <= 63; at++) recorder.chunk(chunkOf(1, at), now(CAPTION));
    await clock.tickAsync(10);
    assertEquals(recorder.isBehind, false);
    const late = Promise.withResolvers<typeof CAPTION>();
    recorder.chunk(chunkOf(1, 64), late.promise);
    await clock.tickAsync(10);
    assertEquals(recorder.isBehind, false, "an inference that runs does not count");
    late.resolve(CAPTION);
    await clock.tickAsync(10);
    assertEquals(recorder.isBehind, true);
    gate.works = true;
    await clock.tickUntil(recorder.settled());
    assertEquals(recorder.isBehind, false);
    await end();
  }));

Deno.test("Recorder.settled and end wait for a KV that answers nothing for drainMs at most", () =>
  withKv(async (kv) => {
    const never = new Promise<void>(() => {});
    const bench = createBench(kv, { session: SESSION, before: () => never, drainMs: 5000 });
    const { recorder, clock, end } = bench;
    recorder.chunk(chunkOf(1, 1), now(CAPTION));
    let isSettled = false;
    const settled = recorder.settled().then(() => isSettled = true);
    await clock.tickAsync(4_999);
    assertEquals(isSettled, false);
    await clock.tickAsync(1);
    await settled;
    const ended = end("interrupted");
    await clock.tickAsync(6_000);
    await ended;
    assertEquals(clock.pendingTimers, 0);
  }));

Deno.test("Recorder.end tries the last writes for drainMs, then leaves them behind [S4]", () =>
  withKv(async (kv) => {
    const { recorder, clock, recorded, end } = createRefusing(kv, 5000);
    recorder.chunk(chunkOf(1, 1), now(CAPTION));
    await clock.tickAsync(10_000);
    let isEnded = false;
    const ended = end("interrupted").then(() => isEnded = true);
    await clock.tickAsync(4999);
    assertEquals(isEnded, false);
    await clock.tickAsync(1);
    await ended;
    assertEquals([recorded, clock.pendingTimers], [[], 0]);
  }));

Deno.test("Recorder.end writes what KV takes within drainMs, and waits for the last outcome [S4, V7]", () =>
  withKv(async (kv) => {
    const { gate, recorder, clock, recorded, stored, end } = createRefusing(kv, 5000);
    const answer = Promise.withResolvers<typeof CAPTION>();
    recorder.chunk(chunkOf(1, 1), answer.promise);
    let isEnded = false;
    const ended = end("interrupted").then(() => isEnded = true);
    await clock.tickAsync(60_000);
    assertEquals(isEnded, false, "the model may answer still: who gives it up says so");
    answer.resolve(CAPTION);
    await clock.tickAsync(4000);
    gate.works = true;
    await clock.tickAsync(1000);
    // The last attempt is under way; KV takes real time, in which the clock must stand.
    await clock.tickUntil(ended, 0);
    const { status, chunkCount } = await stored();
    assertEquals([recorded.length, status, chunkCount], [1, "interrupted", 1]);
    assertEquals(clock.pendingTimers, 0);
  }));

Deno.test("Recorder.heartbeat asks who the owner is, and writes before the session is too old [S4]", () =>
  withKv(async (kv) => {
    const session = await resumable(0);
    const bench = createBench(kv, { session, resumeMs: 60_000 });
    const { recorder, clock, events, stored, end } = bench;
    recorder.begin();
    await recorder.settled();
    for (let at = 1; at <= 6; at++) {
      await clock.tickAsync(10_000);
      recorder.heartbeat();
      await recorder.settled();
      const { resume } = await stored();
      assert(resume!.untilMs >= clock.epochMs() + 40_000, `${at}: a third of its time at most`);
    }
    const writes = events.filter((event) => event !== "asks" && event.endsWith("ends"));
    const asked = events.filter((event) => event === "asks").length;
    assertEquals([writes.length, asked], [4, 3], "every second one only asks");
    await end();
  }));

Deno.test("Recorder.heartbeat finds out that another has the session though nothing is written [S4]", () =>
  withKv(async (kv) => {
    const bench = createBench(kv, { session: SESSION });
    const { recorder, clock, takeOver, end } = bench;
    recorder.begin();
    await recorder.settled();
    await takeOver();
    await clock.tickAsync(10_000);
    recorder.heartbeat();
    recorder.heartbeat();
    await recorder.settled();
    assertEquals(bench.takenOver, 1);
    await end("interrupted");
    assertEquals(bench.takenOver, 1);
  }));

Deno.test("Recorder.settled waits for outcomes that run, and for their writes [S6]", () =>
  withKv(async (kv) => {
    const { gate, recorder, clock, recorded, end } = createRefusing(kv, PATIENT_MS);
    const answer = Promise.withResolvers<typeof CAPTION>();
    recorder.chunk(chunkOf(1, 1), answer.promise);
    let isSettled = false;
    const settled = recorder.settled().then(() => isSettled = true);
    await clock.tickAsync(100);
    answer.resolve(CAPTION);
    await clock.tickAsync(100);
    assertEquals(isSettled, false);
    gate.works = true;
    await clock.tickUntil(settled);
    assertEquals(recorded.length, 1);
    await end();
  }));

Deno.test("Recorder.lookFor writes the newest prompt once for all that came while KV was busy [S6]", () =>
  withKv(async (kv) => {
    const { gate, recorder, clock, stored, end } = createRefusing(kv, PATIENT_MS);
    gate.works = true;
    for (let at = 0; at < 1000; at++) recorder.lookFor(`sign ${at}`);
    await clock.tickUntil(recorder.settled(), 0);
    assertEquals([gate.attempts, (await stored()).prompt], [1, "sign 999"]);
    recorder.lookFor("the last");
    await clock.tickUntil(recorder.settled(), 0);
    assertEquals([gate.attempts, (await stored()).prompt], [2, "the last"]);
    await end();
  }));
