/**
 * A stream's newest captions, which go along with each call.
 *
 * @module
 */

/** So many at most. */
export const MAX_HISTORY = 6;

/** Keeps the newest captions, oldest first. */
export class CaptionHistory {
  readonly #captions: string[];

  /** @param captions from before this connection, oldest first */
  constructor(captions: readonly string[]) {
    this.#captions = captions.slice(-MAX_HISTORY);
  }

  /** A copy: a call that runs is not to see what comes later. */
  get recent(): readonly string[] {
    return [...this.#captions];
  }

  /** An empty caption says nothing, and is not kept. */
  add(caption: string): void {
    if (caption) this.#captions.push(caption);
    if (this.#captions.length > MAX_HISTORY) this.#captions.shift();
  }
}
