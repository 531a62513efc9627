/**
 * Whether the process has room for one more stream.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { LiveStreams } from "./live_streams.ts";

/** A handshake that is not complete by then will not be. */
const HANDSHAKE_MS = 10_000;

/** What admission is decided by. */
export interface AdmissionOptions {
  readonly streams: Pick<LiveStreams, "size" | "isDraining">;
  /** 0: off. */
  readonly maxStreams: number;
  readonly memory: { readonly isFull: boolean };
  readonly clock: Clock;
}

/** A place in the process, or why there is none. */
export type Place =
  | { readonly kind: "taken"; readonly leave: () => void }
  | { readonly kind: "refused"; readonly detail: string; readonly retryAfterS: number };

/** Gives out places; a stream that is open counts by itself. */
export class Admission {
  readonly #options: AdmissionOptions;
  /** Until when to wait for those that have been let in and whose handshake is not complete yet. */
  readonly #coming = new Set<{ readonly untilMs: number }>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Why nobody may come in now; null: there is room. */
  refusal(): (Place & { kind: "refused" }) | null {
    const { streams, maxStreams, memory } = this.#options;
    if (streams.isDraining) return refused("The server is going away: connect again", 5);
    const count = streams.size + this.#countComing();
    if (maxStreams > 0 && count >= maxStreams) {
      return refused(`The server is full: it serves ${maxStreams} streams`, 10);
    }
    // One is always let in: without streams nothing makes V8 give memory back, and nothing is gained.
    if (memory.isFull && count > 0) return refused("The server is full: it is short of memory", 30);
    return null;
  }

  /** Takes a place until the stream is open and counts by itself, or `leave` is called. */
  take(): Place {
    const refusal = this.refusal();
    if (refusal) return refusal;
    const coming = { untilMs: this.#options.clock.monotonicMs() + HANDSHAKE_MS };
    this.#coming.add(coming);
    return { kind: "taken", leave: () => void this.#coming.delete(coming) };
  }

  /** A client that vanishes is told of by nobody; its place is free again when its time is up. */
  #countComing(): number {
    const nowMs = this.#options.clock.monotonicMs();
    for (const coming of this.#coming) {
      if (nowMs >= coming.untilMs) this.#coming.delete(coming);
    }
    return this.#coming.size;
  }
}

function refused(detail: string, retryAfterS: number): Place & { kind: "refused" } {
  return { kind: "refused", detail, retryAfterS };
}
