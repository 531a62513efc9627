/**
 * A recorder over real KV, with something that happens before each write.
 *
 * @module
 */
import { createCounters } from "../../counters.ts";
import type { InferOutcome } from "../../inference/client.ts";
import type { ChunkFacts, LiveSession, SessionRecord } from "../../kv/keys.ts";
import type { SessionWriter } from "../../kv/session_writer.ts";
import { createSessionStore } from "../../kv/sessions.ts";
import { createLogger } from "../../log.ts";
import type { DispatchedChunk } from "../../stream/captioning.ts";
import { Recorder } from "../../stream/recorder.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { claim, live } from "../kv/_sessions.ts";

/** What a write waits for, by what is written and how many writes came before. Throws: KV refuses. */
export type Before = (what: string, at: number) => Promise<void> | void;

export const CAPTION = {
  kind: "captioned",
  caption: "A red ball rolls.",
  latencyMs: 12.5,
  chunkStartS: 9,
  chunkEndS: 9,
  tokensGenerated: 7,
  model: "eyes-1",
  answers: [],
} as const;
export const FAILURE: InferOutcome = { kind: "failed", scope: "chunk", reason: "no frame decodes" };

const frame = { bytes: Uint8Array.of(0xde, 0xad, 0xbe, 0xef), atS: 0 };

export function chunkOf(frameCount: number, endS: number, lastFrame = frameCount): DispatchedChunk {
  const facts = { frameCount, byteCount: 10 * frameCount, startS: endS - 1, endS };
  return { frames: [frame], ...facts, lastFrame, capturedAtMs: null };
}

/** An outcome that is there already. */
export function now<T>(outcome: T): Promise<T> {
  return Promise.resolve(outcome);
}

/** `session` is written by the recorder, and read by the test. */
export function createBench(
  kv: Deno.Kv,
  { session = live, before = () => {}, resumeMs = 60_000, drainMs = 1000 }: {
    readonly session?: LiveSession;
    readonly before?: Before;
    readonly resumeMs?: number;
    readonly drainMs?: number;
  } = {},
) {
  const clock = createFakeClock();
  const lines: Record<string, unknown>[] = [];
  const recorded: ChunkFacts[] = [];
  const events: string[] = [];
  const counters = createCounters();
  const store = createSessionStore({ kv, clock, retentionDays: 30 });
  const real = store.begin(session);
  let writes = 0;
  const watched: Pick<SessionWriter, "write" | "isOwner" | "lost"> = {
    get lost() {
      return real.lost;
    },
    async write(session, chunk) {
      const what = chunk ? `chunk ${chunk.index}` : session.status;
      events.push(`${what} begins`);
      await before(what, writes++);
      const outcome = await real.write(session, chunk);
      events.push(`${what} ends`);
      return outcome;
    },
    isOwner() {
      events.push("asks");
      return real.isOwner();
    },
  };
  const bench = { takenOver: 0, erased: 0 };
  const recorder = new Recorder(
    {
      writer: watched as SessionWriter,
      clock,
      log: createLogger("debug", (line) => void lines.push(JSON.parse(line))),
      counters,
      resumeMs,
      drainMs,
    },
    session,
    {
      recorded: (chunk) => void recorded.push(chunk),
      takenOver: () => void bench.takenOver++,
      erased: () => void bench.erased++,
    },
  );
  return Object.assign(bench, {
    clock,
    recorder,
    events,
    lines,
    recorded,
    counters,
    stored: () => store.getSession("ann", "s1") as Promise<SessionRecord>,
    chunks: () => Array.fromAsync(store.listChunks("ann", "s1")),
    takeOver: () => store.takeOver(claim("b")),
    end: (status: "ended" | "interrupted" = "ended", code = 1000, reason = "bye") =>
      recorder.end(status, code, reason, clock.epochMs()),
    /** Real KV takes real time: lets it, and moves the clock by nothing. */
    async until(holds: () => boolean) {
      while (!holds()) await clock.tickAsync(0);
    },
  });
}
