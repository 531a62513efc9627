/**
 * Finds out that nobody is there: a server acknowledges at once, whatever the socket says.
 *
 * @module
 */
import type { Line } from "./_line.ts";
import type { Clock } from "./platform.ts";

/** Watches one connection for as long as an answer is owed. */
export class AnswerWatch {
  readonly #clock: Clock;
  readonly #line: Line;
  readonly #timeoutMs: number;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, line: Line, timeoutMs: number) {
    this.#clock = clock;
    this.#line = line;
    this.#timeoutMs = timeoutMs;
  }

  /** An answer is owed. */
  expect(timeoutMs = this.#timeoutMs): void {
    if (this.#cancel) return;
    const bufferedBytes = this.#line.bufferedBytes;
    this.#cancel = this.#clock.after(timeoutMs, () => {
      this.#cancel = null;
      // A slow network that still takes something is not a dead one.
      if (this.#line.bufferedBytes < bufferedBytes) return this.expect(timeoutMs);
      this.#line.giveUp(`nothing was heard for ${timeoutMs} ms`);
    });
  }

  /** Something was heard. */
  heard(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
