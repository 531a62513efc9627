/**
 * Writes down what a stream did. Never on the ack path, and never a reason for a stream to end.
 *
 * Outcomes come into the books in the order in which their chunks left. Where the client may come
 * back for them (`keeps`), what KV refuses is tried again until it is written, and what comes later
 * waits behind it; else it is logged, counted and left behind.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { Counters } from "../counters.ts";
import type { InferOutcome } from "../inference/client.ts";
import type { ChunkFacts, ChunkOutcome, LiveSession, SessionFacts } from "../kv/keys.ts";
import type { SessionWriter, WriteOutcome } from "../kv/session_writer.ts";
import { type Logger, reasonOf } from "../log.ts";
import type { DispatchedChunk } from "./captioning.ts";

/** More outcomes than these wait for KV only if it is down: then nothing more is sent out. */
const MAX_BEHIND = 64;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;
/** When a stream has been over for long enough, what waits is tried once more. */
const LAST_ATTEMPT_MS = 1_000;

/** What a recorder is made of. */
export interface RecorderOptions {
  readonly writer: SessionWriter;
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: Counters;
  /** How long a client may stay away, in milliseconds. */
  readonly resumeMs: number;
  /** How long the last writes are tried when the stream has ended, in milliseconds. */
  readonly drainMs: number;
}

/** Who hears what came into the books. */
export interface RecorderListener {
  /** The chunk is in the books for good. */
  recorded(chunk: ChunkFacts): void;
  /** Another connection has the session now; nothing is written here any more. */
  takenOver(): void;
  /** The session was erased; nothing is written here any more. */
  erased(): void;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Keeps the books of one stream. Writes go out one after another, in order. */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #listener: RecorderListener;
  readonly #session: Mutable<LiveSession>;
  /** The stream ended long ago: what KV does not take now is left behind. */
  readonly #closing = new AbortController();
  #settled: Promise<void> = Promise.resolve();
  #written: Promise<void> = Promise.resolve();
  #behind = 0;
  #promptWaits = false;
  #hasGap = false;
  #isOwner = true;
  /** What comes after a write that was given up would leave a hole. */
  #hasGivenUp = false;
  #wroteAtMs = 0;

  constructor(options: RecorderOptions, session: LiveSession, listener: RecorderListener) {
    this.#options = options;
    this.#session = { ...session };
    this.#listener = listener;
  }

  /** Whether outcomes pile up behind what KV does not take. */
  get isBehind(): boolean {
    return this.#behind >= MAX_BEHIND;
  }

  /** Writes the session as it begins. */
  begin(): void {
    this.#enqueue(() => this.#commit(this.#now()));
  }

  /** Counts a frame. On the ack path: arithmetic only. */
  frame(byteCount: number): void {
    this.#session.frameCount++;
    this.#session.byteCount += byteCount;
    this.#session.lastFrameAtMs = this.#options.clock.epochMs();
  }

  /** What is looked for from now on. */
  lookFor(prompt: string): void {
    this.#session.prompt = prompt;
    // A write that waits takes the newest.
    if (this.#promptWaits) return;
    this.#promptWaits = true;
    this.#enqueue(() => {
      this.#promptWaits = false;
      return this.#commit(this.#now());
    });
  }

  /**
   * Writes what becomes of a chunk, and the session with it, in one commit.
   *
   * @param outcome null: it was given up, and its frames are not accounted for; nor is what came
   *   later then
   */
  chunk(chunk: DispatchedChunk, outcome: Promise<InferOutcome | null>): void {
    this.#settled = this.#settled.then(() => outcome).then((settled) => {
      this.#hasGap ||= settled === null;
      if (this.#hasGap || settled === null) return;
      this.#behind++;
      // Not awaited: the next outcome is put in line at once.
      this.#record(chunk, settled).finally(() => this.#behind--);
    });
  }

  /** Finds out whether the session is still ours, and keeps it from growing too old to resume. */
  heartbeat(): void {
    const { writer, clock, resumeMs } = this.#options;
    this.#enqueue(async () => {
      const isFresh = clock.monotonicMs() - this.#wroteAtMs < resumeMs / 3;
      if (!isFresh) return await this.#commit(this.#now());
      return await writer.isOwner() ? "written" : writer.lost;
    });
  }

  /** Resolves when all that has left so far is written, or KV has been waited for long enough. */
  async settled(): Promise<void> {
    await this.#settled;
    await this.#writtenWithin(this.#options.drainMs);
  }

  /** Writes the end of the stream; resolves when everything before it is written too. */
  async end(
    status: "ended" | "interrupted",
    closeCode: number,
    reason: string,
    endedAtMs: number,
  ): Promise<void> {
    const { clock, drainMs } = this.#options;
    await this.#settled;
    this.#enqueue(() => this.#commit({ ...this.#now(), status, endedAtMs, closeCode, reason }));
    const cancel = clock.after(drainMs, () => this.#closing.abort());
    await this.#writtenWithin(drainMs + LAST_ATTEMPT_MS);
    cancel();
  }

  /** A KV that is locked for good may neither take nor refuse a write. */
  async #writtenWithin(limitMs: number): Promise<void> {
    const { promise: timeIsUp, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(limitMs, resolve);
    await Promise.race([this.#written, timeIsUp]);
    cancel();
  }

  async #record(chunk: DispatchedChunk, outcome: InferOutcome): Promise<void> {
    const recordedAtMs = this.#options.clock.epochMs();
    let entry: { readonly session: LiveSession; readonly facts: ChunkFacts } | null = null;
    const isWritten = await this.#enqueue(() => {
      // Counted when its turn comes, once: no other write may say of it that it is in the books.
      entry ??= this.#count(chunk, outcome, recordedAtMs);
      return this.#commit(entry.session, entry.facts);
    });
    if (isWritten) this.#listener.recorded(entry!.facts);
  }

  #count(chunk: DispatchedChunk, outcome: InferOutcome, recordedAtMs: number) {
    const facts = { ...this.#factsOf(chunk, outcome), recordedAtMs };
    this.#session.chunkCount++;
    if (outcome.kind === "captioned") this.#session.captionCount++;
    else this.#session.errorCount++;
    this.#session.accounted = { frame: chunk.lastFrame, atS: chunk.endS };
    return { session: this.#now(), facts };
  }

  #factsOf(chunk: DispatchedChunk, outcome: InferOutcome): Omit<ChunkFacts, "recordedAtMs"> {
    return {
      sessionId: this.#session.id,
      index: this.#session.chunkCount,
      startS: chunk.startS,
      endS: chunk.endS,
      lastFrame: chunk.lastFrame,
      capturedAtMs: chunk.capturedAtMs,
      frameCount: chunk.frameCount,
      byteCount: chunk.byteCount,
      sentFrameCount: chunk.frames.length,
      outcome: storedOutcome(outcome),
    };
  }

  /** The session as it is to be written now. */
  #now(): LiveSession {
    const { resume } = this.#session;
    const untilMs = this.#options.clock.epochMs() + this.#options.resumeMs;
    return { ...this.#session, resume: resume && { ...resume, untilMs } };
  }

  /** Resolves with whether it was written; never rejects. */
  #enqueue(write: () => Promise<WriteOutcome>): Promise<boolean> {
    const written = this.#written.then(() => this.#write(write));
    this.#written = written.then(() => {});
    return written;
  }

  async #write(write: () => Promise<WriteOutcome>): Promise<boolean> {
    for (let attempts = 1; this.#isOwner && !this.#hasGivenUp; attempts++) {
      try {
        const outcome = await write();
        if (outcome !== "written") this.#lose(outcome);
        return this.#isOwner;
      } catch (error) {
        this.#report(error);
        if (!this.#session.resume) return false;
        if (this.#closing.signal.aborted) {
          this.#hasGivenUp = true;
          return false;
        }
        await this.#pause(Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempts - 1)));
      }
    }
    return false;
  }

  /** Only what is written keeps the session from growing old. */
  async #commit(session: SessionFacts, chunk?: ChunkFacts): Promise<WriteOutcome> {
    const outcome = await this.#options.writer.write(session, chunk);
    this.#wroteAtMs = this.#options.clock.monotonicMs();
    return outcome;
  }

  #lose(to: Exclude<WriteOutcome, "written">): void {
    this.#isOwner = false;
    if (to === "erased") this.#listener.erased();
    else this.#listener.takenOver();
  }

  #report(error: unknown): void {
    this.#options.counters.kvFailures++;
    const fields = { session_id: this.#session.id, reason: reasonOf(error) };
    this.#options.log.error("kv.write_failed", fields);
  }

  /** Waits, or until the stream has been over for too long. */
  #pause(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(delayMs, resolve);
    const wake = () => (cancel(), resolve());
    this.#closing.signal.addEventListener("abort", wake, { once: true });
    return promise.finally(() => this.#closing.signal.removeEventListener("abort", wake));
  }
}

function storedOutcome(outcome: InferOutcome): ChunkOutcome {
  if (outcome.kind === "failed") return { status: "failed", error: outcome.reason };
  const { caption, latencyMs, tokensGenerated, model, answers } = outcome;
  const said = { status: "captioned", caption, latencyMs, tokensGenerated, model } as const;
  return answers.length > 0 ? { ...said, answers } : said;
}
