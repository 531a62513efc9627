/**
 * Long work in short turns: a search of a large index takes tens of milliseconds, and the acks of all
 * streams in the process would wait for it (WIRE V2).
 *
 * @module
 */
import type { Clock } from "../../clock.ts";

/** Work goes on for so long before others have their turn. */
const MAX_TURN_MS = 4;

/** One piece of work, in turns. */
export class Turns {
  readonly #clock: Clock;
  #beganMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#beganMs = clock.monotonicMs();
  }

  /** To be awaited where the work can pause: lets others have their turn if this one was long. */
  async pass(): Promise<void> {
    if (this.#clock.monotonicMs() - this.#beganMs < MAX_TURN_MS) return;
    await new Promise<void>((goOn) => this.#clock.after(0, goOn));
    this.#beganMs = this.#clock.monotonicMs();
  }
}
