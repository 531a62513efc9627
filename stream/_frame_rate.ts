/**
 * How many frames per second a client may send (WIRE V9).
 *
 * @module
 */

/** After a stall the radio delivers what it held back, so a burst of so many seconds may pass. */
const BURST_SECONDS = 2;

/** With less than this share of the permits left the client should hear that it sends too fast. */
const TIGHT_SHARE = 0.25;
/** With more than this share left it does so no more. */
const EASY_SHARE = 0.5;

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

  /** How near the limit the client is; between `tight` and `easy` it is as it was. */
  get pressure(): "tight" | "easy" | "between" {
    const share = this.#max === Infinity ? 1 : this.#permits / this.#max;
    return share < TIGHT_SHARE ? "tight" : share > EASY_SHARE ? "easy" : "between";
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
