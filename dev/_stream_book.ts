/**
 * What was sent on a stream and heard, and whether it fits the wire's rules (WIRE V1, V5, V6).
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { Ack } from "./glasses.ts";

const RESULTS = ["caption", "inference_error"] as const;

/** The caption that was waited for. */
export interface HeardCaption {
  readonly caption: string;
  readonly captionAfterMs: number;
  readonly ackedFrames: number;
  readonly errors: number;
}

/** The books of one stream. */
export class StreamBook {
  readonly #clock: Clock;
  readonly #onNote: (line: string) => void;
  readonly #sentBytes: number[] = [];
  #firstSentAtMs = 0;
  /** Since when an ack is owed, or came last. */
  #quietSinceMs = 0;
  #acked = 0;
  #errors = 0;
  #lastError: string | null = null;
  #caption: { readonly text: string; readonly afterMs: number } | null = null;
  /** The first rule that was broken. */
  problem: string | null = null;

  constructor(options: { readonly clock: Clock; readonly onNote: (line: string) => void }) {
    this.#clock = options.clock;
    this.#onNote = options.onNote;
  }

  /** The first caption. */
  get heard(): HeardCaption | null {
    if (this.#caption === null) return null;
    const { text: caption, afterMs: captionAfterMs } = this.#caption;
    return { caption, captionAfterMs, ackedFrames: this.#acked, errors: this.#errors };
  }

  get sent(): number {
    return this.#sentBytes.length;
  }

  get unacked(): number {
    return this.#sentBytes.length - this.#acked;
  }

  /** How long an ack has been owed. */
  get silentMs(): number {
    return this.unacked === 0 ? 0 : this.#clock.monotonicMs() - this.#quietSinceMs;
  }

  get summary(): string {
    const error = this.#lastError === null
      ? ""
      : `, the last one ${JSON.stringify(this.#lastError)}`;
    return `${this.#sentBytes.length} frames sent, ${this.#acked} acknowledged, ` +
      `${this.#errors} errors of the model${error}`;
  }

  /** A frame of so many bytes goes out. */
  send(bytes: number): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#sentBytes.length === 0) this.#firstSentAtMs = nowMs;
    if (this.unacked === 0) this.#quietSinceMs = nowMs;
    this.#sentBytes.push(bytes);
  }

  /** A message came. */
  hear(ack: Ack): void {
    this.#checkOrder(ack);
    this.#quietSinceMs = this.#clock.monotonicMs();
    if (typeof ack.inference_error === "string") {
      this.#errors++;
      // The same trouble again is no news.
      if (ack.inference_error !== this.#lastError) {
        this.#onNote(`the model is not ready yet: ${ack.inference_error}`);
      }
      this.#lastError = ack.inference_error;
    }
    if (typeof ack.caption !== "string" || ack.caption.trim() === "") return;
    const afterMs = this.#clock.monotonicMs() - this.#firstSentAtMs;
    this.#caption ??= { text: ack.caption, afterMs };
  }

  /** The next frame's ack, or a result alone that repeats the last one's. */
  #checkOrder({ frame, bytes, ...fields }: Ack): void {
    const isResultAlone = frame === this.#acked && RESULTS.some((name) => name in fields);
    const isNext = frame === this.#acked + 1 && frame <= this.#sentBytes.length;
    if (isNext) this.#acked = frame;
    if (isNext || isResultAlone) {
      const sent = this.#sentBytes[frame - 1];
      if (frame > 0 && bytes !== sent) {
        this.problem ??= `the ack of frame ${frame} must say its ${sent} bytes: it says ${
          JSON.stringify(bytes)
        }`;
      }
      return;
    }
    this.problem ??= `acks must come in order: after that of frame ${this.#acked}, of ` +
      `${this.#sentBytes.length} sent, came that of frame ${JSON.stringify(frame)}`;
  }
}
