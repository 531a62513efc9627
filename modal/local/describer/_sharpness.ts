/**
 * How sharp a picture is, without another to compare with.
 *
 * @module
 */
import type { Pixels } from "./_decode.ts";
import { lumaOf } from "./_picture.ts";

/** Lines read in each direction, spread evenly: detail is everywhere or it does not count. */
const LINES = 40;
/** Half the length of the blur that is tried on the picture, as in the paper: 9 pixels in all. */
const BLUR_RADIUS_PX = 4;
/** Steps below this are JPEG and sensor noise, which no lens sharpens. */
const NOISE_STEP = 6;
/** With fewer steps than this a pixel read, there is nothing to be sharp: a wall, the sky, the dark. */
const MIN_STEP_A_PIXEL = 0.2;

/**
 * Sharpness, 0 (smeared) to 1 (each pixel stands alone): the part of the steps between neighbours
 * that vanishes when the picture is blurred. A sharp picture has much to lose, a blurred one little.
 *
 * After F. Crete et al., "The blur effect: perception and estimation with a new no-reference
 * perceptual blur metric", SPIE 2007, with the noise floor added.
 *
 * @returns undefined where there is too little detail to tell.
 */
export function sharpnessOf(pixels: Pixels): number | undefined {
  const { widthPx, heightPx } = pixels;
  const sums = { steps: 0, lost: 0, read: 0 };
  for (let k = 0; k < LINES; k++) {
    const row = Math.floor((k + 0.5) * heightPx / LINES);
    addLine(sums, lineOf(pixels, row * widthPx, 1, widthPx));
    const col = Math.floor((k + 0.5) * widthPx / LINES);
    addLine(sums, lineOf(pixels, col, widthPx, heightPx));
  }
  // A picture smaller than the blur has been read nowhere, and tells as little as a flat one.
  if (sums.steps <= MIN_STEP_A_PIXEL * sums.read) return undefined;
  return sums.lost / sums.steps;
}

function lineOf(pixels: Pixels, firstPx: number, stridePx: number, lengthPx: number): Float32Array {
  const line = new Float32Array(lengthPx);
  for (let i = 0, at = 4 * firstPx; i < lengthPx; i++, at += 4 * stridePx) {
    line[i] = lumaOf(pixels.data[at]!, pixels.data[at + 1]!, pixels.data[at + 2]!);
  }
  return line;
}

function addLine(
  sums: { steps: number; lost: number; read: number },
  line: Float32Array,
): void {
  const window = 2 * BLUR_RADIUS_PX + 1;
  for (let i = BLUR_RADIUS_PX + 1; i + BLUR_RADIUS_PX < line.length; i++) {
    const step = Math.abs(line[i]! - line[i - 1]!);
    sums.read++;
    if (step < NOISE_STEP) continue;
    // A box blur moves by one pixel: what enters less what leaves.
    const enters = line[i + BLUR_RADIUS_PX]!;
    const leaves = line[i - BLUR_RADIUS_PX - 1]!;
    const blurredStep = Math.abs(enters - leaves) / window;
    sums.steps += step;
    sums.lost += Math.max(0, step - blurredStep);
  }
}
