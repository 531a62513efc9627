/**
 * How many inferences run at once in the process, and whose turn it is (WIRE V3).
 *
 * @module
 */
import type { Cancel } from "../clock.ts";

/** Gives a slot back. Calling it twice does nothing. */
export type Release = () => void;

/**
 * A fixed number of slots. Whoever finds none free waits, and the longest waiting goes first: a
 * stream asks for one slot at a time, so streams take fair turns whatever their frame rates.
 */
export class InferenceSlots {
  readonly #max: number;
  readonly #waiting = new Set<(release: Release) => void>();
  #taken = 0;

  /** @param max slots in all; 0 means no limit */
  constructor(max: number) {
    this.#max = max || Infinity;
  }

  /** Slots in use. */
  get taken(): number {
    return this.#taken;
  }

  /** Streams that wait for one. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Calls `run` with a slot: at once when one is free, else when its turn comes.
   *
   * @returns leaves the queue; without effect once `run` was called
   */
  request(run: (release: Release) => void): Cancel {
    if (this.#taken < this.#max) {
      this.#give(run);
      return () => {};
    }
    // A wrapper, so that the same function may wait twice.
    const turn = (release: Release) => run(release);
    this.#waiting.add(turn);
    return () => void this.#waiting.delete(turn);
  }

  #give(run: (release: Release) => void): void {
    this.#taken++;
    let isHeld = true;
    run(() => {
      if (!isHeld) return;
      isHeld = false;
      this.#taken--;
      this.#next();
    });
  }

  #next(): void {
    const [turn] = this.#waiting;
    if (!turn || this.#taken >= this.#max) return;
    this.#waiting.delete(turn);
    this.#give(turn);
  }
}
