/**
 * Answers that many ask for and one request can give.
 *
 * @module
 */
import type { Clock } from "../clock.ts";

/** What a lookup found may change (a class is deployed anew): it is asked for again after so long. */
const TTL_MS = 10 * 60_000;
/** Keys may come from clients, so their number is bounded; the oldest goes first. */
const MAX_KEYS = 256;

interface Lookup<T> {
  readonly answer: Promise<T>;
  readonly expiresAtMs: number;
}

/** Keeps answers by key, and shares those still on their way. Failures are not kept. */
export class SharedLookups<T> {
  readonly #clock: Clock;
  readonly #lookups = new Map<string, Lookup<T>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The answer for `key`, from `find` where it is not known. Rejects as `find` does. */
  get(key: string, find: () => Promise<T>): Promise<T> {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#lookups.get(key);
    if (known && nowMs < known.expiresAtMs) return known.answer;
    const answer = find();
    const lookup = { answer, expiresAtMs: nowMs + TTL_MS };
    this.#lookups.delete(key); // so that it goes to the end of the line
    this.#lookups.set(key, lookup);
    answer.catch(() => {
      if (this.#lookups.get(key) === lookup) this.#lookups.delete(key);
    });
    if (this.#lookups.size > MAX_KEYS) this.#lookups.delete(this.#lookups.keys().next().value!);
    return answer;
  }

  /** Makes the next `get` find anew. */
  forget(key: string): void {
    this.#lookups.delete(key);
  }
}
