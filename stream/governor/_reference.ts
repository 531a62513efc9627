/**
 * The picture that later ones are held against.
 *
 * @module
 */
import type { Thumbnail } from "./_thumbnail.ts";

/**
 * A cell may differ by so many levels of 255. Its mean over 256 pixels carries about half a level of
 * sensor noise and, at the quality that phones send, one of rounding; four times both lies below.
 */
const TOLERANCE = 6;
/**
 * And by so much of the step to the cells beside it: a picture that trembles by a fifth of a cell
 * (three pixels at 640 x 360), as from a head held still, differs by a fifth of that step.
 */
const TREMBLE = 0.2;
/**
 * What counts for at most so many levels beyond the tolerance: a blaze of light in one cell must not
 * weigh as much as a person.
 */
const MAX_EXCESS = 32;
/**
 * The excess of all cells together that makes a change: two cells of strong contrast (a person far
 * away, a traffic light near by) or many of little. One cell alone never does: it may be a bird or
 * a speck of the coding.
 */
const CHANGED_EXCESS = 48;
/**
 * Light that became up to so much brighter or darker all over is flicker or the camera's exposure at
 * work; beyond that somebody switched a lamp.
 */
const MAX_GAIN = 1.15;
/** Thumbnails are about 0; what is kept is about this, in whole levels, a quarter of the memory. */
const MIDDLE = 128;

/** Keeps one thumbnail and tells whether others show the same. */
export class Reference {
  #widthPx = 0;
  #heightPx = 0;
  #cols = 0;
  /** Levels of the cells, 0..255, and how far each may be off, plane by plane. */
  #levels: Uint8ClampedArray[] = [];
  #tolerances: Uint8ClampedArray[] = [];
  /** Mean of the luma levels. */
  #light = 0;

  /** Forgets the picture. */
  clear(): void {
    this.#levels = [];
  }

  /** Takes another picture in place of the one it has. */
  keep({ widthPx, heightPx, cols, rows, planes }: Thumbnail): void {
    const cells = cols * rows;
    if (this.#levels.length !== planes.length || this.#levels[0]!.length !== cells) {
      this.#levels = planes.map(() => new Uint8ClampedArray(cells));
      this.#tolerances = planes.map(() => new Uint8ClampedArray(cells));
    }
    this.#widthPx = widthPx;
    this.#heightPx = heightPx;
    this.#cols = cols;
    for (const [at, plane] of planes.entries()) {
      const levels = this.#levels[at]!;
      for (let cell = 0; cell < cells; cell++) levels[cell] = plane[cell]! + MIDDLE;
      writeTolerances(this.#tolerances[at]!, levels, cols);
    }
    this.#light = lightOf(planes[0]!);
  }

  /** Whether a picture shows the same, but for noise, trembling and a little more or less light. */
  isLike({ widthPx, heightPx, cols, planes }: Thumbnail): boolean {
    const isSameSize = widthPx === this.#widthPx && heightPx === this.#heightPx;
    if (!isSameSize || cols !== this.#cols || planes.length !== this.#levels.length) return false;
    const gain = this.#light / lightOf(planes[0]!);
    if (!(gain < MAX_GAIN && gain > 1 / MAX_GAIN)) return false;
    let left = CHANGED_EXCESS;
    for (let at = 0; at < planes.length; at++) {
      left -= excessOf(planes[at]!, this.#levels[at]!, this.#tolerances[at]!, at > 0 ? 1 : gain);
      if (left <= 0) return false;
    }
    return true;
  }
}

/** How far the cells of a plane are off together, beyond what each may be. */
function excessOf(
  plane: Float32Array,
  levels: Uint8ClampedArray,
  tolerances: Uint8ClampedArray,
  gain: number,
): number {
  let sum = 0;
  for (let cell = 0; cell < levels.length; cell++) {
    const level = (plane[cell]! + MIDDLE) * gain;
    const excess = Math.abs(level - levels[cell]!) - tolerances[cell]!;
    if (excess > 0) sum += Math.min(excess, MAX_EXCESS);
  }
  return sum;
}

function writeTolerances(
  tolerances: Uint8ClampedArray,
  levels: Uint8ClampedArray,
  cols: number,
): void {
  for (let cell = 0; cell < levels.length; cell++) {
    const level = levels[cell]!;
    const col = cell % cols;
    const left = col > 0 ? Math.abs(levels[cell - 1]! - level) : 0;
    const right = col < cols - 1 ? Math.abs(levels[cell + 1]! - level) : 0;
    const above = Math.abs((levels[cell - cols] ?? level) - level);
    const below = Math.abs((levels[cell + cols] ?? level) - level);
    tolerances[cell] = TOLERANCE + TREMBLE * Math.max(left, right, above, below);
  }
}

/** Mean level of a luma plane; a black picture is not without light, or nothing could be held to it. */
function lightOf(luma: Float32Array): number {
  let sum = 0;
  for (let cell = 0; cell < luma.length; cell++) sum += luma[cell]!;
  return sum / luma.length + MIDDLE + 1;
}
