/**
 * What keeps a stream's frames from being looked at: its client's pause, and the wearer's order from
 * outside. Neither undoes the other.
 *
 * @module
 */
import type { CameraOrder } from "../kv/camera_keys.ts";
import { DROPPED, type FrameFate } from "./frame.ts";

/** Why what was queued as an order came was not looked at. */
export const SHUT_BY_ORDER = "The camera was paused before these frames were looked at";

/** One stream's shutter. */
export class Shutter {
  #isPaused = false;
  #order: CameraOrder["kind"] = "open";

  /** What becomes of frames; null: they are looked at. */
  get fate(): FrameFate | null {
    if (this.#order === "unknown") return DROPPED.busy;
    return this.#isPaused || this.#order === "paused" ? DROPPED.paused : null;
  }

  /** Whether an order forbids to look at anything, also at what came before it. */
  get isOrdered(): boolean {
    return this.#order !== "open";
  }

  /** The client's own. @returns whether that is new */
  pause(isPaused: boolean): boolean {
    const isNew = this.#isPaused !== isPaused;
    this.#isPaused = isPaused;
    return isNew;
  }

  /** The wearer's. @returns whether that is new */
  order(order: CameraOrder["kind"]): boolean {
    const isNew = this.#order !== order;
    this.#order = order;
    return isNew;
  }
}
