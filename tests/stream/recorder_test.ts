import { assert, assertEquals } from "@std/assert";
import { createCounters } from "../../counters.ts";
import type { Chunk, InferOutcome } from "../../inference/client.ts";
import type { SessionRecord } from "../../kv/keys.ts";
import { createSessionStore, type SessionStore } from "../../kv/sessions.ts";
import { createLogger } from "../../log.ts";
import { Recorder } from "../../stream/recorder.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { dumpKv, withKv } from "../kv/_temp_kv.ts";

const IDENTITY = {
  tokenId: "ak-do-not-tell",
  tokenSecret: "as-do-not-tell",
  appName: "app",
  className: "Eyes",
};
const FACTS = { sessionId: "s-1", wearer: "w", identity: IDENTITY };
const CAPTION: InferOutcome = {
  kind: "captioned",
  caption: "A red ball rolls.",
  latencyMs: 12.5,
  chunkStartS: 9,
  chunkEndS: 9,
  tokensGenerated: 7,
  model: "eyes-1",
};
const FAILURE: InferOutcome = { kind: "failed", scope: "chunk", reason: "no frame decodes" };

const frame = { bytes: Uint8Array.of(0xde, 0xad, 0xbe, 0xef), atS: 0 };

function chunkOf(frameCount: number, endS: number): Chunk {
  return { frames: [frame], frameCount, byteCount: 10 * frameCount, startS: endS - 1, endS };
}

/** What a write waits for, by the method's name and how many writes came before. */
type Before = (method: string, at: number) => Promise<void> | void;

/** Real records, with something that happens before each write; notes when writes begin and end. */
function watched(store: SessionStore, before: Before, events: string[]): SessionStore {
  let writes = 0;
  const write = async (method: string, run: () => Promise<void>) => {
    events.push(`${method} begins`);
    await before(method, writes++);
    await run();
    events.push(`${method} ends`);
  };
  return {
    open: (session) => write("open", () => store.open(session)),
    commitChunk: (session, chunk) => write("chunk", () => store.commitChunk(session, chunk)),
    end: (session) => write("end", () => store.end(session)),
    getSession: (wearer, id) => store.getSession(wearer, id),
    listChunks: (wearer, id) => store.listChunks(wearer, id),
    countRecords: (wearer) => store.countRecords(wearer),
  };
}

function createBench(kv: Deno.Kv, before: Before = () => {}) {
  const clock = createFakeClock();
  const events: string[] = [];
  const lines: Record<string, unknown>[] = [];
  const counters = createCounters();
  const real = createSessionStore({ kv, clock, retentionDays: 30 });
  const recorder = new Recorder({
    store: watched(real, before, events),
    clock,
    log: createLogger("debug", (line) => void lines.push(JSON.parse(line))),
    counters,
  }, FACTS);
  const session = () => real.getSession("w", "s-1") as Promise<SessionRecord>;
  const chunks = () => Array.fromAsync(real.listChunks("w", "s-1"));
  return { clock, recorder, events, lines, counters, session, chunks };
}

Deno.test("Recorder keeps the books of a stream, from open to end [V7]", () =>
  withKv(async (kv) => {
    const { clock, recorder, session, chunks, lines } = createBench(kv);
    const startedAtMs = clock.epochMs();
    await clock.tickAsync(100);
    recorder.frame(10);
    await clock.tickAsync(100);
    recorder.frame(20);
    recorder.chunk(chunkOf(2, 1), CAPTION);
    await clock.tickAsync(300);
    recorder.chunk(chunkOf(5, 2), FAILURE);
    await recorder.end(1000, "bye", clock.epochMs());
    const { version: _, expiresAtMs, ...record } = await session();
    assertEquals(record, {
      id: "s-1",
      wearer: "w",
      status: "ended",
      startedAtMs,
      lastFrameAtMs: startedAtMs + 200,
      frameCount: 2,
      byteCount: 30,
      chunkCount: 2,
      captionCount: 1,
      errorCount: 1,
      identity: { appName: "app", className: "Eyes" },
      endedAtMs: startedAtMs + 500,
      closeCode: 1000,
      reason: "bye",
    });
    assert(expiresAtMs !== null);
    const facts = (await chunks()).map(({ version: _, expiresAtMs: __, ...chunk }) => chunk);
    const common = { sessionId: "s-1", sentFrameCount: 1 };
    const { caption, latencyMs, tokensGenerated, model } = CAPTION;
    assertEquals(facts, [
      {
        ...common,
        index: 0,
        startS: 0,
        endS: 1,
        recordedAtMs: startedAtMs + 200,
        frameCount: 2,
        byteCount: 20,
        outcome: { status: "captioned", caption, latencyMs, tokensGenerated, model },
      },
      {
        ...common,
        index: 1,
        startS: 1,
        endS: 2,
        recordedAtMs: startedAtMs + 500,
        frameCount: 5,
        byteCount: 50,
        outcome: { status: "failed", error: "no frame decodes" },
      },
    ]);
    assertEquals(lines, []);
  }));

Deno.test("Recorder says live, with the counts at the last chunk, while a stream is open", () =>
  withKv(async (kv) => {
    const { clock, recorder, session, events } = createBench(kv);
    recorder.frame(10);
    recorder.chunk(chunkOf(1, 1), CAPTION);
    recorder.frame(10); // before the chunk is written, as the session itself is still being written
    while (!events.includes("chunk ends")) await clock.tickAsync(1);
    const { status, frameCount, chunkCount } = await session();
    assertEquals([status, frameCount, chunkCount], ["live", 1, 1]);
    await recorder.end(1000, "", clock.epochMs());
    assertEquals((await session()).frameCount, 2);
  }));

Deno.test("Recorder stores no token and no frame [A4]", () =>
  withKv(async (kv) => {
    const { clock, recorder } = createBench(kv);
    recorder.chunk(chunkOf(1, 1), CAPTION);
    await recorder.end(1000, "", clock.epochMs());
    const stored = await dumpKv(kv);
    for (const secret of ["do-not-tell", "222,173,190,239", '"0":222']) {
      assert(!stored.includes(secret), stored);
    }
  }));

Deno.test("Recorder writes one after another, in the order in which things happened", () =>
  withKv(async (kv) => {
    const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
    const { clock, recorder, events } = createBench(kv, (_, at) => gates[at]!.promise);
    recorder.chunk(chunkOf(1, 1), CAPTION);
    recorder.chunk(chunkOf(1, 2), FAILURE);
    let isEnded = false;
    const ended = recorder.end(1000, "", clock.epochMs()).then(() => isEnded = true);
    const expected: string[] = [];
    for (const [at, method] of ["open", "chunk", "chunk", "end"].entries()) {
      await clock.tickAsync(1);
      expected.push(`${method} begins`);
      assertEquals([events, isEnded], [expected, false]);
      gates[at]!.resolve();
      while (events.length === expected.length) await clock.tickAsync(1);
      expected.push(`${method} ends`);
    }
    await ended;
    assertEquals(events, expected);
  }));

Deno.test("Recorder counts and logs a write that KV refuses, and tries the next one", () =>
  withKv(async (kv) => {
    const refuse = (method: string, at: number) => {
      if (at < 2) throw new TypeError(`no room for the ${method}`);
    };
    const { clock, recorder, lines, counters, session, chunks } = createBench(kv, refuse);
    recorder.chunk(chunkOf(1, 1), CAPTION);
    recorder.chunk(chunkOf(1, 2), CAPTION);
    await recorder.end(1006, "lost", clock.epochMs());
    assertEquals(counters.kvFailures, 2);
    assertEquals(
      lines.map(({ level, event, session_id, reason }) => [level, event, session_id, reason]),
      [
        ["error", "kv.write_failed", "s-1", "no room for the open"],
        ["error", "kv.write_failed", "s-1", "no room for the chunk"],
      ],
    );
    const { status, chunkCount } = await session();
    assertEquals([status, chunkCount], ["ended", 2]);
    assertEquals((await chunks()).map(({ index }) => index), [1]);
  }));

Deno.test("Recorder ends though KV is gone", async () => {
  const kv = await Deno.openKv(":memory:");
  kv.close();
  const { clock, recorder, lines, counters } = createBench(kv);
  recorder.chunk(chunkOf(1, 1), CAPTION);
  await recorder.end(1000, "", clock.epochMs());
  assertEquals([counters.kvFailures, lines.length], [3, 3]);
  assert(!JSON.stringify(lines).includes("red ball"), "captions have no place in the log");
});
