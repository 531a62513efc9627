import { assertEquals } from "@std/assert";
import { createCounters } from "../../counters.ts";
import type { InferOutcome } from "../../inference/client.ts";
import type { LiveSession } from "../../kv/keys.ts";
import { createSessionStore } from "../../kv/sessions.ts";
import { createLogger } from "../../log.ts";
import { Recorder } from "../../stream/recorder.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { FaultyKv } from "./_faulty_kv.ts";

const DRAIN_MS = 1_000;
const FAILED: InferOutcome = { kind: "failed", scope: "chunk", reason: "blind" };
const SESSION: LiveSession = {
  id: "s",
  wearer: "w",
  owner: "first",
  resume: { secretHash: "0".repeat(64), untilMs: 0 },
  status: "live",
  startedAtMs: 0,
  lastFrameAtMs: null,
  prompt: "look",
  accounted: { frame: 0, atS: 0 },
  frameCount: 0,
  byteCount: 0,
  chunkCount: 0,
  captionCount: 0,
  errorCount: 0,
  identity: null,
};

function chunk(lastFrame: number) {
  const frames = [{ bytes: new Uint8Array(1), atS: 0 }];
  const [startS, endS] = [lastFrame - 1, lastFrame];
  return { frames, frameCount: 1, byteCount: 1, startS, endS, lastFrame, capturedAtMs: null };
}

/** A recorder whose KV comes back with the first failure after {@link DRAIN_MS}. */
function createBench(kv: Deno.Kv) {
  const clock = createFakeClock();
  const faulty = new FaultyKv(kv);
  const store = createSessionStore({ kv: faulty.kv, clock, retentionDays: 0 });
  const options = {
    writer: store.begin(SESSION),
    clock,
    log: createLogger("error", () => {
      if (clock.monotonicMs() > DRAIN_MS) faulty.calm();
    }),
    counters: createCounters(),
    resumeMs: 60_000,
    drainMs: DRAIN_MS,
  };
  const recorder = new Recorder(options, SESSION, { recorded() {}, takenOver() {}, erased() {} });
  const books = async () => {
    const record = await store.getSession("w", "s");
    const chunks = await Array.fromAsync(store.listChunks("w", "s"));
    const { chunkCount, accounted } = record!;
    return { chunkCount, upTo: accounted.frame, found: chunks.map(({ index }) => index) };
  };
  return { clock, faulty, recorder, books };
}

Deno.test("books never say that a chunk is there which is still to be written [S4]", () =>
  withKv(async (kv) => {
    const { clock, faulty, recorder, books } = createBench(kv);
    const afterEach: { chunkCount: number; found: number[] }[] = [];
    faulty.afterCommit = async () => void afterEach.push(await books());
    faulty.failCommits({ kind: "refused" }, 1);
    // The outcome is there before the session is, and the process may die between the two writes.
    recorder.begin();
    recorder.chunk(chunk(1), Promise.resolve(FAILED));
    await clock.tickUntil(recorder.settled());
    await recorder.end("ended", 1000, "bye", 0);
    assertEquals(afterEach.map(({ chunkCount, found }) => [chunkCount, found.length]), [
      [0, 0],
      [1, 1],
      [1, 1],
    ]);
  }));

Deno.test("books have no hole where a write was given up and KV came back after [S4]", () =>
  withKv(async (kv) => {
    const { clock, faulty, recorder, books } = createBench(kv);
    recorder.begin();
    recorder.chunk(chunk(1), Promise.resolve(FAILED));
    await recorder.settled();
    // Down for as long as the stream is drained, and there again for the very next write.
    faulty.failCommits({ kind: "refused" }, 100);
    recorder.chunk(chunk(2), Promise.resolve(FAILED));
    await clock.tickUntil(recorder.end("interrupted", 1006, "", 0));
    assertEquals(await books(), { chunkCount: 1, upTo: 1, found: [0] });
  }));
