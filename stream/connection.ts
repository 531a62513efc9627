/**
 * The wire as shipped phone apps speak it (WIRE V1, V2, V5, V6, V9): binary frames in, one JSON
 * ack each out, results travelling with the acks.
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";
import type { InferOutcome } from "../inference/client.ts";
import { FrameRate } from "./_frame_rate.ts";
import { CLOSE_CODE, type Socket, type SocketListener } from "./socket.ts";

/** Acks that a client leaves unread, in bytes, before it is taken for gone. */
const MAX_UNREAD_BYTES = 256 * 1024;

/** What a connection hands its frames to. */
export interface FrameSink {
  /** Takes a frame that was acknowledged. Must return at once. */
  offer(frame: Uint8Array): void;
  /** The client has left, or was sent away. */
  end(code: number, reason: string): void;
}

/** What a connection is made of. Limits of 0 mean off. */
export interface ConnectionOptions {
  readonly clock: Clock;
  readonly maxFrameBytes: number;
  readonly maxFps: number;
  readonly resultFlushMs: number;
}

/** One client. Everything it does on a frame is synchronous: an ack waits for nothing (V2). */
export class VisionConnection implements SocketListener {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #rate: FrameRate;
  readonly #sink: FrameSink;
  #isOpen = true;
  #frameNumber = 0;
  #lastFrameBytes = 0;
  /** Fields that wait for an ack, each as the inside of a JSON object. */
  readonly #results: string[] = [];
  #cancelFlush: Cancel | null = null;

  constructor(socket: Socket, options: ConnectionOptions, sink: FrameSink) {
    this.#socket = socket;
    this.#options = options;
    this.#sink = sink;
    this.#rate = new FrameRate(options.maxFps, options.clock.monotonicMs());
  }

  message(data: string | Uint8Array): void {
    if (!this.#isOpen) return;
    if (typeof data === "string") {
      return this.close(CLOSE_CODE.unsupportedData, "a frame must be binary: this was text");
    }
    const { clock, maxFrameBytes } = this.#options;
    if (maxFrameBytes > 0 && data.byteLength > maxFrameBytes) {
      const reason = `a frame must be at most ${maxFrameBytes} bytes: it was ${data.byteLength}`;
      return this.close(CLOSE_CODE.messageTooBig, reason);
    }
    if (!this.#rate.admits(clock.monotonicMs())) {
      const reason = `frames must be at most ${this.#options.maxFps} per second`;
      return this.close(CLOSE_CODE.policyViolation, reason);
    }
    this.#acknowledge(data);
  }

  closed(code: number, reason: string): void {
    this.#finish(code, reason);
  }

  /** Tells the client of an outcome: with the next ack, or alone if none comes soon (V5, V6). */
  tell(outcome: InferOutcome): void {
    if (!this.#isOpen) return;
    this.#results.push(fieldsOf(outcome));
    this.#scheduleFlush();
  }

  /** Sends the client away. */
  close(code: number, reason: string): void {
    if (this.#isOpen) this.#socket.close(code, reason);
    this.#finish(code, reason);
  }

  #acknowledge(frame: Uint8Array): void {
    this.#frameNumber++;
    this.#lastFrameBytes = frame.byteLength;
    this.#sendAck();
    if (this.#socket.queuedBytes > MAX_UNREAD_BYTES) {
      return this.close(CLOSE_CODE.policyViolation, "acks must be read: too many are unread");
    }
    if (frame.byteLength > 0) this.#sink.offer(frame);
  }

  #sendAck(): void {
    const fields = this.#results.shift();
    const ack = `{"frame":${this.#frameNumber},"bytes":${this.#lastFrameBytes}`;
    this.#socket.send(fields === undefined ? `${ack}}` : `${ack},${fields}}`);
    if (fields === undefined) return;
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    if (this.#results.length > 0) this.#scheduleFlush();
  }

  #scheduleFlush(): void {
    this.#cancelFlush ??= this.#options.clock.after(this.#options.resultFlushMs, () => {
      this.#cancelFlush = null;
      this.#sendAck();
    });
  }

  #finish(code: number, reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#cancelFlush?.();
    this.#sink.end(code, reason);
  }
}

/** An outcome as the fields of an ack, without the braces. Null fields are left out (V5). */
function fieldsOf(outcome: InferOutcome): string {
  const fields = outcome.kind === "failed" ? { inference_error: outcome.reason } : {
    caption: outcome.caption,
    latency_ms: Math.round(outcome.latencyMs * 10) / 10,
    chunk_start_s: outcome.chunkStartS,
    chunk_end_s: outcome.chunkEndS,
    tokens_generated: outcome.tokensGenerated ?? undefined,
  };
  return JSON.stringify(fields).slice(1, -1);
}
