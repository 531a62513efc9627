/**
 * Keeps the process below what the platform kills it for. It is the only defence where reads cannot
 * be paused (`native_socket.ts`), and a second one elsewhere.
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";

const LOOK_MS = 1000;
/** Clients are sent away at so many times the limit. */
const DRAIN_FACTOR = 1.25;
/** Freed memory takes a while to be given back; clients are not sent away again before. */
const DRAIN_PAUSE_MS = 60_000;

/** What a guard is made of. */
export interface MemoryGuardOptions {
  /** Resident memory above which the process is full. 0: never. */
  readonly limitBytes: number;
  /** Resident memory now. Read on a timer, never on a frame. */
  readonly rssBytes: () => number;
  readonly clock: Clock;
  /** Told when the process becomes full, and when it no longer is. */
  readonly changed: (isFull: boolean, rssBytes: number) => void;
  /** Sends all clients away, to connect again, here or to another process. */
  readonly drain: (rssBytes: number) => void;
}

/** Watches the memory of the process. */
export class MemoryGuard {
  readonly #options: MemoryGuardOptions;
  #isFull = false;
  #drainedAtMs = -Infinity;
  #cancel: Cancel = () => {};

  constructor(options: MemoryGuardOptions) {
    this.#options = options;
    if (options.limitBytes > 0) this.#lookLater();
  }

  /** Whether no more clients should come. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Looks no more. */
  stop(): void {
    this.#cancel();
  }

  #lookLater(): void {
    this.#cancel = this.#options.clock.after(LOOK_MS, () => {
      this.#lookLater();
      this.#look();
    });
  }

  #look(): void {
    const { limitBytes, rssBytes, clock, changed, drain } = this.#options;
    const bytes = rssBytes();
    const isFull = bytes > limitBytes;
    if (isFull !== this.#isFull) {
      this.#isFull = isFull;
      changed(isFull, bytes);
    }
    const nowMs = clock.monotonicMs();
    const isFar = bytes > limitBytes * DRAIN_FACTOR;
    if (!isFar || nowMs - this.#drainedAtMs < DRAIN_PAUSE_MS) return;
    this.#drainedAtMs = nowMs;
    drain(bytes);
  }
}
