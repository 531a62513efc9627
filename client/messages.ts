/**
 * The messages of `foresight.v2` (SPEC S), as they stand on the wire.
 *
 * @module
 */

/** The subprotocol that is offered. */
export const PROTOCOL = "foresight.v2";

/** What a client may do. A limit of 0 means off. */
export interface Limits {
  readonly max_frame_bytes: number;
  readonly max_fps: number;
  readonly chunk_seconds: number;
  readonly resume_seconds: number;
  /** Whether there is a model at all. */
  readonly captions: boolean;
}

/** The first message (S1). */
export interface Hello {
  readonly type: "hello";
  readonly session: string;
  /** A secret: with it the session is gone on with. */
  readonly resume: string;
  /** The newest frame that stored results account for. */
  readonly frame: number;
  /** The newest stored result. */
  readonly cursor: number;
  readonly limits: Limits;
}

/** What became of a frame as it arrived (S2). */
export interface Ack {
  readonly type: "ack";
  readonly frame: number;
  readonly bytes: number;
  readonly status: "queued" | "skipped" | "dropped";
  /** Why it was dropped. */
  readonly reason?: "busy" | "budget" | "paused";
  readonly age_ms?: number;
}

/** What a chunk of frames became (S3): `caption`, or `inference_error`. */
export interface Result {
  readonly type: "result";
  /** From 1, without a hole. */
  readonly cursor: number;
  /** The newest frame that is accounted for with it. */
  readonly frame: number;
  /** How many frames it stands for. */
  readonly frames: number;
  readonly chunk_start_s: number;
  readonly chunk_end_s: number;
  readonly caption?: string;
  readonly inference_error?: string;
  readonly latency_ms?: number;
  readonly tokens_generated?: number;
  readonly model?: string;
  readonly age_ms?: number;
}

/** Something to know (S5). */
export interface Notice {
  readonly type: "notice";
  readonly code:
    | "budget"
    | "slow_down"
    | "stalled"
    | "draining"
    | "inference"
    | "paused"
    | "unpaused";
  readonly message: string;
  readonly retry_after_ms?: number;
  readonly suggest_fps?: number;
}

/** The answer to a question (S6). */
export interface Answer {
  readonly type: "answer";
  readonly id: string;
  readonly text: string;
  readonly latency_ms: number;
}

/** What could not be acted on (S7), or answered (S6: with `id`). */
export interface Complaint {
  readonly type: "error";
  readonly code: "not_json" | "unknown_type" | "malformed" | "not_answered";
  readonly message: string;
  readonly id?: string;
}

/** Any message of the server. */
export type ServerMessage = Hello | Ack | Result | Notice | Answer | Complaint;

/** What a client may say beside frames (S6). */
export type Wish =
  | { readonly type: "prompt"; readonly prompt: string }
  | { readonly type: "prompt"; readonly profile: string }
  | { readonly type: "pause" | "unpause" | "bye" }
  | { readonly type: "ask"; readonly id: string; readonly question: string };

const TYPES = new Set(["hello", "ack", "result", "notice", "answer", "error"]);

/** Reads a message. Null: a newer server says something that this client does not know. */
export function readMessage(data: unknown): ServerMessage | null {
  if (typeof data !== "string") return null;
  try {
    const message = JSON.parse(data) as { type?: unknown } | null;
    return TYPES.has(String(message?.type)) ? message as ServerMessage : null;
  } catch {
    return null;
  }
}
