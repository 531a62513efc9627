/**
 * The wire `foresight.v2` (WIRE S): messages with a `type`, results pushed the moment they are in
 * the books.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { InferOutcome } from "../inference/client.ts";
import type { ChunkFacts } from "../kv/keys.ts";
import { readClientMessage, type ReadMessage } from "./_client_message.ts";
import type { Ack, Answer, Notice, Wire } from "./wire.ts";

/** The subprotocol that a client offers to be spoken to like this. */
export const PROTOCOL_V2 = "foresight.v2";

/** What `hello` says (WIRE S1). */
export interface Hello {
  readonly sessionId: string;
  /** Proves on the next connection that the session is the client's. */
  readonly secret: string;
  /** Up to where frames are accounted for: the client sends what came behind again. */
  readonly frame: number;
  /** The newest result in the books. */
  readonly cursor: number;
  readonly limits: Limits;
}

/** What a client may do. A limit of 0 means off. */
export interface Limits {
  readonly maxFrameBytes: number;
  readonly maxFps: number;
  readonly chunkMs: number;
  readonly resumeMs: number;
  /** Whether there is a model at all (WIRE V8). */
  readonly isCaptioned: boolean;
}

/** Speaks to a client that offered {@link PROTOCOL_V2}. */
export class WireV2 implements Wire {
  readonly resumes = true;
  readonly #send: (text: string) => void;
  readonly #clock: Clock;

  constructor(send: (text: string) => void, clock: Clock) {
    this.#send = send;
    this.#clock = clock;
  }

  /** The first message of a connection. */
  hello({ sessionId, secret, frame, cursor, limits }: Hello): void {
    this.#say({
      type: "hello",
      session: sessionId,
      resume: secret,
      frame,
      cursor,
      limits: {
        max_frame_bytes: limits.maxFrameBytes,
        max_fps: limits.maxFps,
        chunk_seconds: limits.chunkMs / 1000,
        resume_seconds: limits.resumeMs / 1000,
        captions: limits.isCaptioned,
      },
    });
  }

  /** Built by hand: it is said for every frame. */
  ack({ frame, bytes, fate, ageMs }: Ack): void {
    const reason = fate.status === "dropped" ? `,"reason":"${fate.reason}"` : "";
    const age = ageMs === null ? "" : `,"age_ms":${ageMs}`;
    this.#send(
      `{"type":"ack","frame":${frame},"bytes":${bytes},"status":"${fate.status}"${reason}${age}}`,
    );
  }

  /** What a chunk became is told when it is in the books; this is for what concerns none. */
  told(outcome: InferOutcome): void {
    if (outcome.kind !== "failed" || outcome.scope === "chunk") return;
    this.notice({ code: "inference", message: outcome.reason });
  }

  result(chunk: ChunkFacts): void {
    const { outcome, capturedAtMs } = chunk;
    this.#say({
      type: "result",
      cursor: chunk.index + 1,
      frame: chunk.lastFrame,
      frames: chunk.frameCount,
      chunk_start_s: chunk.startS,
      chunk_end_s: chunk.endS,
      ...outcome.status === "failed" ? { inference_error: outcome.error } : {
        caption: outcome.caption,
        latency_ms: Math.round(outcome.latencyMs * 10) / 10,
        tokens_generated: outcome.tokensGenerated ?? undefined,
        model: outcome.model ?? undefined,
      },
      age_ms: capturedAtMs === null ? undefined : ageOf(capturedAtMs, this.#clock),
    });
  }

  notice({ code, message, retryAfterMs, suggestFps }: Notice): void {
    this.#say({
      type: "notice",
      code,
      message,
      retry_after_ms: retryAfterMs,
      suggest_fps: suggestFps,
    });
  }

  answer(id: string, answer: Answer): void {
    if (answer.kind === "failed") {
      return this.#say({ type: "error", code: "not_answered", message: answer.reason, id });
    }
    const latencyMs = Math.round(answer.latencyMs * 10) / 10;
    this.#say({ type: "answer", id, text: answer.text, latency_ms: latencyMs });
  }

  error(code: string, message: string): void {
    this.#say({ type: "error", code, message });
  }

  read(text: string): ReadMessage {
    return readClientMessage(text);
  }

  close(): void {}

  /** Undefined fields are left out. */
  #say(message: { readonly type: string } & Record<string, unknown>): void {
    this.#send(JSON.stringify(message));
  }
}

/** Milliseconds since something was taken; a client whose clock is ahead sees nothing younger than 0. */
export function ageOf(capturedAtMs: number, clock: Clock): number {
  return Math.max(0, Math.round(clock.epochMs() - capturedAtMs));
}
