/**
 * Tells a client that sends nearly too fast, before the limit ends its connection (WIRE S5).
 *
 * @module
 */
import type { FrameRate } from "./_frame_rate.ts";
import { suggestFps } from "./suggest_fps.ts";
import type { Notice } from "./wire.ts";

/** Says so once, until the client is slower. */
export class PaceWarning {
  readonly #rate: Pick<FrameRate, "pressure">;
  readonly #maxFps: number;
  readonly #notice: (notice: Notice) => void;
  #isWarned = false;

  constructor(
    rate: Pick<FrameRate, "pressure">,
    maxFps: number,
    notice: (notice: Notice) => void,
  ) {
    this.#rate = rate;
    this.#maxFps = maxFps;
    this.#notice = notice;
  }

  /** A frame was admitted. */
  frame(): void {
    const { pressure } = this.#rate;
    if (pressure === "easy") this.#isWarned = false;
    if (pressure !== "tight" || this.#isWarned) return;
    this.#isWarned = true;
    const message = `frames come nearly too fast: at most ${this.#maxFps} per second are taken`;
    this.#notice({ code: "slow_down", message, suggestFps: suggestFps(this.#maxFps) });
  }
}
