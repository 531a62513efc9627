/**
 * How many frames per second a client may send (WIRE V9).
 *
 * @module
 */

/** After a stall the radio delivers what it held back, so a burst of so many seconds may pass. */
const BURST_SECONDS = 2;

/** A bucket of permits that fills at a steady rate. */
export class FrameRate {
  readonly #permitsPerMs: number;
  readonly #max: number;
  #permits: number;
  #filledAtMs: number;

  /** @param maxFps frames per second; 0 means no limit */
  constructor(maxFps: number, nowMs: number) {
    this.#permitsPerMs = maxFps / 1000;
    this.#max = maxFps > 0 ? Math.max(1, maxFps * BURST_SECONDS) : Infinity;
    this.#permits = this.#max;
    this.#filledAtMs = nowMs;
  }

  /** Whether one more frame may pass now. */
  admits(nowMs: number): boolean {
    const filled = this.#permits + (nowMs - this.#filledAtMs) * this.#permitsPerMs;
    this.#permits = Math.min(this.#max, filled);
    this.#filledAtMs = nowMs;
    if (this.#permits < 1) return false;
    this.#permits--;
    return true;
  }
}
