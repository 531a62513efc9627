/**
 * Few searches at once: each takes tens of milliseconds of the processor, in turns with the acks of
 * all streams, and holds all of a wearer's blocks in memory.
 *
 * Wearers wait in a line each. A free place goes to a wearer that has the fewest running, and of these
 * to the one whose turn was longest ago. So whoever asks for many waits for itself.
 *
 * @module
 */
import type { Search } from "./search.ts";

/** So many run at once: one computes as the other reads. */
export const MAX_RUNNING = 2;
/** So many wait: they are served within a second or two. */
export const MAX_WAITING = 32;

/** What became of asking for a search. */
export type Entry<T> =
  | { readonly kind: "done"; readonly value: T }
  /** Too many wait. */
  | { readonly kind: "full" }
  /** Whoever asked has left before it was begun. */
  | { readonly kind: "left" };

/** Thrown by a search that may not even wait. */
export class TooManySearchesError extends Error {
  override readonly name = "TooManySearchesError";
  constructor() {
    super("Too many search already");
  }
}

type Verdict = "enter" | "full" | "left";

type Decide = (verdict: Verdict) => void;

/** Lets searches in. */
export class SearchGate {
  /** The wearers of those that run; one for each. */
  readonly #running: string[] = [];
  /** Lines that are not empty; the one whose turn was longest ago first. */
  readonly #lines = new Map<string, Decide[]>();

  /** Searches that wait. */
  get waiting(): number {
    return this.#lines.values().reduce((sum, line) => sum + line.length, 0);
  }

  /** Runs `search` when its turn comes. Rejects as it does. */
  async run<T>(wearer: string, left: AbortSignal, search: () => Promise<T>): Promise<Entry<T>> {
    const verdict = await this.#enter(wearer, left);
    if (verdict !== "enter") return { kind: verdict };
    try {
      return { kind: "done", value: await search() };
    } finally {
      this.#running.splice(this.#running.indexOf(wearer), 1);
      this.#letIn();
    }
  }

  /** The same search, which waits for its turn, or rejects with {@link TooManySearchesError}. */
  guard(search: Search): Search {
    const { signal: never } = new AbortController();
    return async (request) => {
      const entry = await this.run(request.wearer, never, () => search(request));
      if (entry.kind === "done") return entry.value;
      throw new TooManySearchesError();
    };
  }

  async #enter(wearer: string, left: AbortSignal): Promise<Verdict> {
    if (left.aborted) return "left";
    if (this.#running.length < MAX_RUNNING) {
      this.#running.push(wearer);
      return "enter";
    }
    if (!this.#makeRoom(wearer)) return "full";
    const { promise, resolve: decide } = Promise.withResolvers<Verdict>();
    const leave = () => {
      this.#remove(wearer, decide);
      decide("left");
    };
    this.#lines.set(wearer, [...this.#lines.get(wearer) ?? [], decide]);
    left.addEventListener("abort", leave, { once: true });
    return await promise.finally(() => left.removeEventListener("abort", leave));
  }

  /** Whether one more may wait: if there are too many, the newest of the longest line goes. */
  #makeRoom(wearer: string): boolean {
    if (this.waiting < MAX_WAITING) return true;
    const lengthOf = (line: readonly Decide[] | undefined) => line?.length ?? 0;
    const [longest, line] = [...this.#lines].reduce((one, other) =>
      other[1].length > one[1].length ? other : one
    );
    if (lengthOf(line) <= lengthOf(this.#lines.get(wearer)) + 1) return false;
    const newest = line.at(-1)!;
    this.#remove(longest, newest);
    newest("full");
    return true;
  }

  #letIn(): void {
    const runningOf = (wearer: string) => this.#running.filter((it) => it === wearer).length;
    const [next] = [...this.#lines.keys()].sort((one, other) => runningOf(one) - runningOf(other));
    if (next === undefined) return;
    const [first, ...rest] = this.#lines.get(next)!;
    this.#lines.delete(next);
    if (rest.length > 0) this.#lines.set(next, rest);
    this.#running.push(next);
    first!("enter");
  }

  #remove(wearer: string, gone: Decide): void {
    const line = this.#lines.get(wearer)?.filter((decide) => decide !== gone) ?? [];
    if (line.length > 0) this.#lines.set(wearer, line);
    else this.#lines.delete(wearer);
  }
}
