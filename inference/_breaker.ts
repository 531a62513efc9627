/**
 * A circuit breaker: leaves alone, for a while, what has just failed.
 *
 * @module
 */
import type { Clock } from "../clock.ts";

const FIRST_REST_MS = 1000;
const MAX_REST_MS = 30_000;

type State =
  | { readonly kind: "closed" }
  | { readonly kind: "open"; readonly untilMs: number }
  /** One call is out to see whether it works again; the others do without. */
  | { readonly kind: "trying" };

/** One for each thing that may fail, shared by all who use it. */
export class Breaker {
  readonly #clock: Clock;
  #state: State = { kind: "closed" };
  #failures = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether a call may be made now. Who is told so must report how it went. */
  admits(): boolean {
    switch (this.#state.kind) {
      case "closed":
        return true;
      case "trying":
        return false;
      case "open":
        if (this.#clock.monotonicMs() < this.#state.untilMs) return false;
        this.#state = { kind: "trying" };
        return true;
    }
  }

  /** The call worked. */
  succeeded(): void {
    this.#failures = 0;
    this.#state = { kind: "closed" };
  }

  /** The call was given up for reasons of the caller's: nothing was learned. */
  cancelled(): void {
    if (this.#state.kind === "trying") {
      this.#state = { kind: "open", untilMs: this.#clock.monotonicMs() };
    }
  }

  /** The call failed. The first failure is forgiven: a connection may be lost at any time. */
  failed(): void {
    this.#failures++;
    if (this.#failures < 2) {
      this.#state = { kind: "closed" };
      return;
    }
    const restMs = Math.min(MAX_REST_MS, FIRST_REST_MS * 2 ** (this.#failures - 2));
    this.#state = { kind: "open", untilMs: this.#clock.monotonicMs() + restMs };
  }
}
