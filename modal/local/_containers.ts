/**
 * The containers of one class: so many calls at once, the others wait in the order they came.
 *
 * @module
 */
import type { Cancel, Clock } from "../../clock.ts";

type Warmth =
  | { readonly kind: "cold" }
  | { readonly kind: "warming"; readonly stop: Cancel }
  | { readonly kind: "warm" };

/** Runs jobs, at most `maxConcurrent` at once, the first of all after `coldStartMs`. */
export class Containers {
  readonly #maxConcurrent: number;
  readonly #coldStartMs: number;
  readonly #clock: Clock;
  readonly #waiting = new Set<() => Promise<void>>();
  #running = 0;
  #warmth: Warmth = { kind: "cold" };

  constructor(options: { maxConcurrent: number; coldStartMs: number }, clock: Clock) {
    this.#maxConcurrent = options.maxConcurrent;
    this.#coldStartMs = options.coldStartMs;
    this.#clock = clock;
  }

  /**
   * Runs `job` when its turn comes; it must not reject.
   *
   * @returns takes it out of the queue; without effect once it runs
   */
  enqueue(job: () => Promise<void>): Cancel {
    this.#waiting.add(job);
    this.#startNext();
    return () => this.#waiting.delete(job);
  }

  /** Forgets the jobs that wait and stops warming up. Jobs that run are not touched. */
  close(): void {
    this.#waiting.clear();
    if (this.#warmth.kind === "warming") this.#warmth.stop();
    this.#warmth = { kind: "cold" };
  }

  #startNext(): void {
    if (!this.#isWarm()) return;
    for (const job of this.#waiting) {
      if (this.#running >= this.#maxConcurrent) return;
      this.#waiting.delete(job);
      this.#running++;
      job().finally(() => {
        this.#running--;
        this.#startNext();
      });
    }
  }

  #isWarm(): boolean {
    switch (this.#warmth.kind) {
      case "warm":
        return true;
      case "warming":
        return false;
      case "cold":
        if (this.#coldStartMs > 0) {
          this.#warmth = { kind: "warming", stop: this.#warmUp() };
          return false;
        }
        this.#warmth = { kind: "warm" };
        return true;
    }
  }

  #warmUp(): Cancel {
    return this.#clock.after(this.#coldStartMs, () => {
      this.#warmth = { kind: "warm" };
      this.#startNext();
    });
  }
}
