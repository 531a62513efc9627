/**
 * How fast things may go out.
 *
 * @module
 */
import type { Clock } from "./platform.ts";

/** A bucket of permits that fills at a steady rate. A rate of 0 means no limit. */
export class Pace {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #burst: number;
  #permits: number;
  #filledAtMs: number;

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#burst = Math.max(1, burst);
    this.#permits = this.#burst;
    this.#filledAtMs = clock.monotonicMs();
  }

  /** Takes a permit. 0: taken; else milliseconds until there may be one. */
  take(): number {
    if (this.#perSecond === 0) return 0;
    const nowMs = this.#clock.monotonicMs();
    const filled = this.#permits + (nowMs - this.#filledAtMs) * this.#perSecond / 1000;
    this.#filledAtMs = nowMs;
    this.#permits = Math.min(this.#burst, filled);
    if (this.#permits < 1) return Math.ceil((1 - this.#permits) * 1000 / this.#perSecond);
    this.#permits--;
    return 0;
  }
}
