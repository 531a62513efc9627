/**
 * One at a time for each name, in the order of asking. Within a process nobody then loses a check to
 * a neighbour, so the repeats are left for other processes.
 *
 * @module
 */

/** Lines to stand in. A line is forgotten when it is empty. */
export class Lines {
  readonly #lastOf = new Map<string, Promise<unknown>>();

  /** Runs `turn` when everybody before has settled. */
  enter<T>(name: string, turn: () => Promise<T>): Promise<T> {
    const outcome = (this.#lastOf.get(name) ?? Promise.resolve()).then(turn);
    const settled = outcome.then(() => {}, () => {}).then(() => {
      if (this.#lastOf.get(name) === settled) this.#lastOf.delete(name);
    });
    this.#lastOf.set(name, settled);
    return outcome;
  }

  /** Names that somebody waits for or has the turn of. */
  get size(): number {
    return this.#lastOf.size;
  }
}
