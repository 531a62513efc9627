/**
 * How many questions are answered at once: each reads the whole index of its wearer and may wait long
 * for a model.
 *
 * @module
 */

/** Of one wearer: enough for a second one while the first is slow. */
const MAX_OF_WEARER = 2;
/** Of the process. */
const MAX_OF_PROCESS = 16;

/** A place, or whose places are taken. */
export type AskPlace =
  | { readonly kind: "given"; /** Gives it back; once. */ leave(): void }
  | { readonly kind: "full"; readonly whose: "wearer" | "process" };

/** The places of this process. */
export class AskPlaces {
  readonly #taken = new Map<string, number>();
  #all = 0;

  /** A place for one question of the wearer. */
  take(wearer: string): AskPlace {
    const own = this.#taken.get(wearer) ?? 0;
    if (own >= MAX_OF_WEARER) return { kind: "full", whose: "wearer" };
    if (this.#all >= MAX_OF_PROCESS) return { kind: "full", whose: "process" };
    this.#taken.set(wearer, own + 1);
    this.#all++;
    return { kind: "given", leave: () => this.#leave(wearer) };
  }

  #leave(wearer: string): void {
    const left = this.#taken.get(wearer)! - 1;
    if (left > 0) this.#taken.set(wearer, left);
    else this.#taken.delete(wearer);
    this.#all--;
  }
}
