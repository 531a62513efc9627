/**
 * Writes down what a stream did. Never on the ack path, and never a reason for a stream to end: what
 * KV refuses is logged, counted and left behind.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { Counters } from "../counters.ts";
import type { Chunk, InferOutcome, ModelIdentity } from "../inference/client.ts";
import type { ChunkOutcome, LiveSession, SessionFacts } from "../kv/keys.ts";
import type { SessionStore } from "../kv/sessions.ts";
import { type Logger, reasonOf } from "../log.ts";

/** What a recorder is made of. */
export interface RecorderOptions {
  readonly store: SessionStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: Counters;
}

/** Who streams, and to which model. */
export interface StreamFacts {
  readonly sessionId: string;
  readonly wearer: string;
  readonly identity: ModelIdentity | null;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Keeps the books of one stream. Writes go out one after another, in order. */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #session: Mutable<LiveSession>;
  #written: Promise<void>;

  constructor(options: RecorderOptions, { sessionId, wearer, identity }: StreamFacts) {
    this.#options = options;
    this.#session = {
      id: sessionId,
      wearer,
      status: "live",
      startedAtMs: options.clock.epochMs(),
      lastFrameAtMs: null,
      frameCount: 0,
      byteCount: 0,
      chunkCount: 0,
      captionCount: 0,
      errorCount: 0,
      identity: identity && { appName: identity.appName, className: identity.className },
    };
    this.#written = this.#write(() => options.store.open({ ...this.#session }));
  }

  /** Counts a frame. On the ack path: arithmetic only. */
  frame(byteCount: number): void {
    this.#session.frameCount++;
    this.#session.byteCount += byteCount;
    this.#session.lastFrameAtMs = this.#options.clock.epochMs();
  }

  /** Writes what became of a chunk, and the session with it, in one commit. */
  chunk(chunk: Chunk, outcome: InferOutcome): void {
    const index = this.#session.chunkCount++;
    if (outcome.kind === "captioned") this.#session.captionCount++;
    else this.#session.errorCount++;
    const session = { ...this.#session };
    const facts = {
      sessionId: session.id,
      index,
      startS: chunk.startS,
      endS: chunk.endS,
      recordedAtMs: this.#options.clock.epochMs(),
      frameCount: chunk.frameCount,
      byteCount: chunk.byteCount,
      sentFrameCount: chunk.frames.length,
      outcome: storedOutcome(outcome),
    };
    this.#enqueue(() => this.#options.store.commitChunk(session, facts));
  }

  /** Writes the end of the stream; resolves when everything before it is written too. */
  async end(closeCode: number, reason: string, endedAtMs: number): Promise<void> {
    const session: SessionFacts = {
      ...this.#session,
      status: "ended",
      endedAtMs,
      closeCode,
      reason,
    };
    this.#enqueue(() => this.#options.store.end(session));
    await this.#written;
  }

  #enqueue(write: () => Promise<void>): void {
    this.#written = this.#written.then(() => this.#write(write));
  }

  async #write(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.#options.counters.kvFailures++;
      const fields = { session_id: this.#session.id, reason: reasonOf(error) };
      this.#options.log.error("kv.write_failed", fields);
    }
  }
}

function storedOutcome(outcome: InferOutcome): ChunkOutcome {
  if (outcome.kind === "failed") return { status: "failed", error: outcome.reason };
  const { caption, latencyMs, tokensGenerated, model } = outcome;
  return { status: "captioned", caption, latencyMs, tokensGenerated, model };
}
