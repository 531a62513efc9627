/**
 * What a pause means for a connection: no frame is waited for, and of an order from outside the
 * client is told (WIRE S5). Its own pause it knows itself.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { CameraOrder } from "../kv/camera_keys.ts";
import type { StallWatch } from "./_stall_watch.ts";
import type { Notice } from "./wire.ts";

/** Watches one connection. */
export class CameraWatch {
  readonly #stallWatch: StallWatch;
  readonly #clock: Clock;
  readonly #notice: (notice: Notice) => void;
  #isPaused = false;
  #isOrdered = false;
  #isOver = false;
  /** Whether the client was told of a pause whose end it was not told of. */
  #isTold = false;

  constructor(stallWatch: StallWatch, clock: Clock, notice: (notice: Notice) => void) {
    this.#stallWatch = stallWatch;
    this.#clock = clock;
    this.#notice = notice;
  }

  /** A frame has come. */
  frame(nowMs: number): void {
    if (!this.#isPaused && !this.#isOrdered && !this.#isOver) this.#stallWatch.frame(nowMs);
  }

  /** The client's own pause begins or ends. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#follow();
  }

  /** What was ordered from outside. */
  order(camera: CameraOrder): void {
    this.#isOrdered = camera.kind === "paused";
    this.#follow();
    if (camera.kind === "paused" && !this.#isTold) this.#tellPaused(camera.untilMs);
    if (camera.kind === "open" && this.#isTold) {
      this.#isTold = false;
      this.#notice({ code: "unpaused", message: "the pause from outside is over" });
    }
  }

  /** No frame is waited for any more. */
  stop(): void {
    this.#isOver = true;
    this.#stallWatch.stop();
  }

  #follow(): void {
    if (this.#isPaused || this.#isOrdered) this.#stallWatch.stop();
    else this.frame(this.#clock.monotonicMs());
  }

  #tellPaused(untilMs: number | null): void {
    this.#isTold = true;
    const message = "the camera was paused from outside: nothing is looked at";
    const end = untilMs === null
      ? {}
      : { retryAfterMs: Math.max(0, untilMs - this.#clock.epochMs()) };
    this.#notice({ code: "paused", message, ...end });
  }
}
