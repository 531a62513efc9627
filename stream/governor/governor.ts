/**
 * Which pictures are worth a look (WIRE S2): one that shows what the last one showed is not.
 *
 * @module
 */
import { Reference } from "./_reference.ts";
import { readThumbnail } from "./_thumbnail.ts";

/** What a governor is made of. */
export interface GovernorOptions {
  /** At least so often a picture is let through, whatever it shows. 0: only when it has changed. */
  readonly heartbeatMs: number;
}

/**
 * Decides for one stream, frame by frame, whether a picture is worth a look.
 *
 * Each frame is held against the last one that was let through, and not against the one before it:
 * so a slow pan, or a slow dusk, passes when it has come far enough.
 *
 * It reads JPEGs (baseline and progressive, in colour or grey), in about 0.3 ms for 50 KB (bench/README.md). What it
 * cannot read it lets through, and what comes after as well: PNG and WEBP, broken or cut frames,
 * frames of more than 512 KiB, arithmetic coding, CMYK.
 */
export class FrameGovernor {
  readonly #heartbeatMs: number;
  readonly #reference = new Reference();
  #letThroughAtMs = -Infinity;

  constructor({ heartbeatMs }: GovernorOptions) {
    this.#heartbeatMs = heartbeatMs;
  }

  /**
   * Whether a frame is too like the last one that was let through. The first is not. Never throws.
   *
   * @param nowMs monotonic time of the frame
   */
  isSimilar(frame: Uint8Array, nowMs: number): boolean {
    const thumbnail = readThumbnail(frame);
    const isDue = this.#heartbeatMs > 0 && nowMs - this.#letThroughAtMs >= this.#heartbeatMs;
    if (thumbnail && !isDue && this.#reference.isLike(thumbnail)) return true;
    this.#letThroughAtMs = nowMs;
    if (thumbnail) this.#reference.keep(thumbnail);
    else this.#reference.clear();
    return false;
  }

  /** Lets the next frame through: what was let through last has not been looked at after all. */
  forget(): void {
    this.#reference.clear();
  }
}
