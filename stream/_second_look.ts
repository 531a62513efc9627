/**
 * Fresh frames for a second look: those that come from now on, a few, and not for long.
 *
 * They are gathered only while somebody waits for them, so that no stream keeps old pictures.
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";

/** Enough to see that something moves. */
const MAX_FRAMES = 3;
/** Apart from each other, so that they are not three times the same. */
const APART_MS = 250;
/** When one has come, so long for the others. */
const GATHER_MS = 1_000;
/** Whoever sends nothing for so long shows nothing. */
const WAIT_MS = 5_000;

interface Gathering {
  readonly frames: Uint8Array[];
  newestAtMs: number;
  cancel: Cancel;
  readonly done: (frames: readonly Uint8Array[]) => void;
}

/** The fresh frames of one stream. */
export class FreshFrames {
  readonly #clock: Clock;
  #gathering: Gathering | null = null;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A frame has come. On the ack path. */
  offer(bytes: Uint8Array): void {
    const gathering = this.#gathering;
    if (!gathering) return;
    const nowMs = this.#clock.monotonicMs();
    const { frames } = gathering;
    if (frames.length > 0 && nowMs - gathering.newestAtMs < APART_MS) return;
    gathering.newestAtMs = nowMs;
    frames.push(bytes);
    if (frames.length === MAX_FRAMES) return this.#finish();
    if (frames.length > 1) return;
    gathering.cancel();
    gathering.cancel = this.#clock.after(GATHER_MS, () => this.#finish());
  }

  /** The next frames, oldest first; none where none comes. One at a time. Resolves always. */
  gather(): Promise<readonly Uint8Array[]> {
    if (this.#isClosed || this.#gathering) return Promise.resolve([]);
    return new Promise((done) => {
      const cancel = this.#clock.after(WAIT_MS, () => this.#finish());
      this.#gathering = { frames: [], newestAtMs: 0, cancel, done };
    });
  }

  /** No frame comes any more. */
  close(): void {
    this.#isClosed = true;
    this.#finish();
  }

  #finish(): void {
    const gathering = this.#gathering;
    this.#gathering = null;
    gathering?.cancel();
    gathering?.done(gathering.frames);
  }
}
