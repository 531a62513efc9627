/**
 * The wire as shipped phone apps speak it (WIRE V1, V5, V6): one JSON ack for each frame, results
 * travelling with the acks.
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";
import type { InferOutcome } from "../inference/client.ts";
import type { Ack, Notice, Wire } from "./wire.ts";

/** What the wire is made of. */
export interface WireV1Options {
  readonly send: (text: string) => void;
  readonly clock: Clock;
  /** How long a result waits for an ack to travel with. */
  readonly resultFlushMs: number;
}

/** Speaks to a client that offered no subprotocol. */
export class WireV1 implements Wire {
  readonly resumes = false;
  readonly #options: WireV1Options;
  #frame = 0;
  #bytes = 0;
  /** Fields that wait for an ack, each as the inside of a JSON object. */
  readonly #results: string[] = [];
  #cancelFlush: Cancel | null = null;

  constructor(options: WireV1Options) {
    this.#options = options;
  }

  ack({ frame, bytes }: Ack): void {
    this.#frame = frame;
    this.#bytes = bytes;
    this.#send();
  }

  told(outcome: InferOutcome): void {
    this.#results.push(fieldsOf(outcome));
    this.#scheduleFlush();
  }

  read(): null {
    return null;
  }

  close(): void {
    this.#cancelFlush?.();
  }

  /** Of all notices these clients know one, as a reason why there is no caption. */
  notice({ code, message }: Notice): void {
    if (code === "budget") this.told({ kind: "failed", scope: "service", reason: message });
  }

  // These clients hear of an outcome when it is told, and of nothing else.
  result(): void {}
  answer(): void {}
  error(): void {}

  #send(): void {
    const fields = this.#results.shift();
    const ack = `{"frame":${this.#frame},"bytes":${this.#bytes}`;
    this.#options.send(fields === undefined ? `${ack}}` : `${ack},${fields}}`);
    if (fields === undefined) return;
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    if (this.#results.length > 0) this.#scheduleFlush();
  }

  #scheduleFlush(): void {
    this.#cancelFlush ??= this.#options.clock.after(this.#options.resultFlushMs, () => {
      this.#cancelFlush = null;
      this.#send();
    });
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
