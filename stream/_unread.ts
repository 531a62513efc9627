/**
 * What becomes of a client that does not read: it may not send either, and is sent away if it does
 * not read on.
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";
import type { Socket } from "./socket.ts";

/** Bytes that a client leaves unread before it may not send any more. */
const MAX_UNREAD_BYTES = 256 * 1024;
/** It may send again when so little is left. */
const RESUME_BYTES = MAX_UNREAD_BYTES / 2;
/** It has so long to read on. */
const DRAIN_MS = 10_000;
/** How often is looked whether it does. */
const LOOK_MS = 100;
/** A client that reads nothing will not read the close frame either. */
const TERMINATE_MS = 1000;

/** Keeps what one client leaves unread within bounds. */
export class UnreadGuard {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #drop: () => void;
  #isStopped = false;
  /** Set while the client is made to wait, or is being sent away. */
  #cancel: Cancel | null = null;

  /** @param drop sends the client away with a close frame */
  constructor(socket: Socket, clock: Clock, drop: () => void) {
    this.#socket = socket;
    this.#clock = clock;
    this.#drop = drop;
  }

  /** To be called after each message that is sent; in the normal case one comparison. */
  check(): void {
    if (this.#socket.queuedBytes > MAX_UNREAD_BYTES) this.#exceeded();
  }

  /** The connection has ended. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
    this.#cancel = null;
  }

  #exceeded(): void {
    if (this.#isStopped || this.#cancel) return;
    if (!this.#socket.pause()) return this.#giveUp();
    this.#lookAgain(this.#clock.monotonicMs() + DRAIN_MS);
  }

  #lookAgain(untilMs: number): void {
    this.#cancel = this.#clock.after(LOOK_MS, () => {
      if (this.#socket.queuedBytes <= RESUME_BYTES) {
        this.#cancel = null;
        return this.#socket.resume();
      }
      if (this.#clock.monotonicMs() >= untilMs) return this.#giveUp();
      this.#lookAgain(untilMs);
    });
  }

  #giveUp(): void {
    this.#cancel = this.#clock.after(TERMINATE_MS, () => this.#socket.terminate());
    this.#drop();
  }
}
