/**
 * Notices that no frame comes any more (WIRE S5): glasses stall for seconds while they say that they
 * stream.
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";

/** Watches one connection, with one timer that looks how long ago the last frame was. */
export class StallWatch {
  readonly #clock: Clock;
  readonly #stallMs: number;
  readonly #stalled: () => void;
  #lastFrameAtMs = 0;
  #timer: Cancel | null = null;

  /**
   * @param stallMs 0: never
   * @param stalled called once for each stall
   */
  constructor(clock: Clock, stallMs: number, stalled: () => void) {
    this.#clock = clock;
    this.#stallMs = stallMs;
    this.#stalled = stalled;
  }

  /** A frame has come; from now on the next one is waited for. */
  frame(nowMs: number): void {
    this.#lastFrameAtMs = nowMs;
    if (this.#timer === null && this.#stallMs > 0) this.#look(this.#stallMs);
  }

  /** No frame is waited for. */
  stop(): void {
    this.#timer?.();
    this.#timer = null;
  }

  #look(inMs: number): void {
    this.#timer = this.#clock.after(inMs, () => {
      const leftMs = this.#lastFrameAtMs + this.#stallMs - this.#clock.monotonicMs();
      if (leftMs > 0) return this.#look(leftMs);
      this.#timer = null;
      this.#stalled();
    });
  }
}
