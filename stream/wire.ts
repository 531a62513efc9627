/**
 * How a connection speaks to its client: the port between the connection and its wire. Wires:
 * `wire_v1.ts` (as shipped phone apps know it) and `wire_v2.ts` (`foresight.v2`).
 *
 * @module
 */
import type { InferOutcome } from "../inference/client.ts";
import type { ChunkFacts } from "../kv/keys.ts";
import type { ReadMessage } from "./_client_message.ts";
import type { FrameFate } from "./frame.ts";

/** An acknowledged frame. */
export interface Ack {
  /** The session's frames count from 1. */
  readonly frame: number;
  readonly bytes: number;
  readonly fate: FrameFate;
  /** Milliseconds since it was taken; null: the client does not say when. */
  readonly ageMs: number | null;
}

/** What a client should know beside acks and results (WIRE S5). */
export interface Notice {
  readonly code:
    | "budget"
    | "slow_down"
    | "stalled"
    | "draining"
    | "inference"
    | "paused"
    | "unpaused";
  readonly message: string;
  readonly retryAfterMs?: number;
  readonly suggestFps?: number;
}

/** What became of a question about what is seen (WIRE S6). */
export type Answer =
  | { readonly kind: "answered"; readonly text: string; readonly latencyMs: number }
  | { readonly kind: "failed"; readonly reason: string };

/** One client's language. A wire that has no words for something says nothing. */
export interface Wire {
  /** Whether the client can come back to its session over another connection. */
  readonly resumes: boolean;
  ack(ack: Ack): void;
  /** What the model said of a chunk, or why it says nothing, the moment that is known. */
  told(outcome: InferOutcome): void;
  /** A chunk that is in the books. */
  result(chunk: ChunkFacts): void;
  notice(notice: Notice): void;
  answer(id: string, answer: Answer): void;
  /** The client said something that cannot be acted on. */
  error(code: string, message: string): void;
  /** Reads a text message; null: this wire has none. */
  read(text: string): ReadMessage | null;
  /** Nothing more is said. */
  close(): void;
}
