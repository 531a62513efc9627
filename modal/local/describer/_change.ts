/**
 * What differs between two frames once the light and the camera are accounted for.
 *
 * @module
 */
import type { GridSize, Picture } from "./_picture.ts";
import { sampleAt } from "./_plane.ts";
import { findShift, NO_SHIFT, reversed, type Shift, shifted } from "./_shift.ts";
import { isFlat, isRestless, isWholeShift } from "./_whole_shift.ts";

/** The difference between a frame and the next. */
export interface Change {
  /** 1 for each cell that changed, the camera accounted for, in its place in the second frame. */
  readonly mask: Uint8Array;
  /** The share of cells that changed, 0..1, the camera not accounted for. */
  readonly motion: number;
  /** How the whole picture shifted; undefined where it cannot be told. */
  readonly shift: Shift | undefined;
  /** Whether the second frame shows something else altogether. */
  readonly cut: boolean;
  /** How likely it does, 0..1, and above 0.5 only where `cut`. */
  readonly sceneChange: number;
}

/** Two pictures are unlike if so much changed, and their light and shade do not go together. */
const CUT_CHANGED = 0.5;
const CUT_CORRELATION = 0.4;
/** So far beyond these, odds are about 3 to 1. */
const CUT_STEP = 0.06;

/** Compares a frame with the next, on the same grid. */
export function compare(from: Picture, to: Picture): Change {
  const gain = lightGain(from, to);
  // Compared in the darker of the two lights: brightening would raise noise as well.
  const before = dimmed(from, Math.min(1, gain));
  const after = dimmed(to, Math.min(1, 1 / gain));
  const found = findShift(from, to);
  const still = changedCells(before, after, NO_SHIFT, 0);
  const moves = isWholeShift(from, to, found);
  const shift = moves ? found : NO_SHIFT;
  // A hard edge shifted by part of a cell differs from any mix of the cells it was in; but it
  // stays between the lightest and the darkest about it.
  const { mask, share } = moves ? changedCells(before, after, found, 1) : still;
  const sceneChange = chanceOfCut(share, () => correlation(from, to, shift));
  const cut = sceneChange > 0.5;
  const unclear = cut || isFlat(to) || (!moves && isRestless(mask, from.cols));
  return { mask, motion: still.share, shift: unclear ? undefined : shift, cut, sceneChange };
}

/** The lesser of two chances: what is like the frame before is no cut, however much has changed. */
function chanceOfCut(changedShare: number, correlation: () => number): number {
  const beyond = (changedShare - CUT_CHANGED) / CUT_STEP;
  const unlike = beyond > 0 ? (CUT_CORRELATION - correlation()) / CUT_STEP : beyond;
  return 1 / (1 + Math.exp(-Math.min(beyond, unlike)));
}

/** A light that changes less than this is left alone: a passing subject weighs as much. */
const SAME_LIGHT = 0.03;
/** Light is made up for by at most this factor; beyond, there is nothing left to compare. */
const MAX_GAIN = 8;
/** Below this the mean light is the dark itself, and a ratio says nothing. */
const MIN_LUMA = 2;

/** By what factor the light changed; 1 if about the same. */
function lightGain(from: Picture, to: Picture): number {
  const ratios = to.luma.map((luma, cell) => (luma + MIN_LUMA) / (from.luma[cell]! + MIN_LUMA));
  // The middle one: what moves changes many ratios, but hardly ever half of them.
  const gain = ratios.sort()[ratios.length >> 1]!;
  if (Math.abs(gain - 1) < SAME_LIGHT) return 1;
  return Math.min(MAX_GAIN, Math.max(1 / MAX_GAIN, gain));
}

function dimmed(picture: Picture, factor: number): Picture {
  if (factor === 1) return picture;
  const dim = (plane: Float32Array) => plane.map((value) => value * factor);
  const { cols, rows, red, green, blue, luma } = picture;
  return { cols, rows, red: dim(red), green: dim(green), blue: dim(blue), luma: dim(luma) };
}

/** Channels differ by noise and JPEG up to about this much in a cell (of 255). */
const CHANGED_ABOVE = 16;
/** The steadiest camera trembles by this part of a cell, which changes it so much of its gradient. */
const TREMBLE_CELLS = 0.1;

/**
 * The cells of `to` that are not as `from` has them there, or within `around` cells of there.
 */
function changedCells(
  from: Picture,
  to: Picture,
  shift: Shift,
  around: number,
): { mask: Uint8Array; share: number } {
  const { cols, rows } = from;
  let changed = 0, compared = 0;
  const mask = new Uint8Array(cols * rows);
  const back = reversed(shift);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < cols; x++) {
      const cell = y * cols + x;
      const there = shifted(back, from, x, y);
      const col = Math.round(there.x);
      const row = Math.round(there.y);
      // Cells that have just come into view have nothing to differ from.
      if (col < 0 || row < 0 || col >= cols || row >= rows) continue;
      compared++;
      const allowed = CHANGED_ABOVE + TREMBLE_CELLS * gradientAt(to, x, y);
      const differs = (before: Float32Array, now: Float32Array) =>
        outside(now[cell]!, before, from, { col, row, around }) > allowed;
      if (
        differs(from.red, to.red) || differs(from.green, to.green) || differs(from.blue, to.blue)
      ) {
        mask[cell] = 1;
        changed++;
      }
    }
  }
  return { mask, share: compared > 0 ? changed / compared : 1 };
}

/** How far a value lies outside the range of a plane within `around` cells of a cell. */
function outside(
  value: number,
  plane: Float32Array,
  { cols, rows }: GridSize,
  { col, row, around }: { col: number; row: number; around: number },
): number {
  let least = Infinity, most = -Infinity;
  const lastY = Math.min(rows - 1, row + around);
  const lastX = Math.min(cols - 1, col + around);
  for (let y = Math.max(0, row - around); y <= lastY; y++) {
    for (let x = Math.max(0, col - around); x <= lastX; x++) {
      const near = plane[y * cols + x]!;
      if (near < least) least = near;
      if (near > most) most = near;
    }
  }
  return Math.max(value - most, least - value);
}

function gradientAt(picture: Picture, x: number, y: number): number {
  const { cols, rows, luma } = picture;
  const left = luma[y * cols + Math.max(0, x - 1)]!;
  const right = luma[y * cols + Math.min(cols - 1, x + 1)]!;
  const above = luma[Math.max(0, y - 1) * cols + x]!;
  const below = luma[Math.min(rows - 1, y + 1) * cols + x]!;
  return (Math.abs(right - left) + Math.abs(below - above)) / 2;
}

/** How light and shade of two pictures go together, -1..1; 0 if one of them is flat. */
function correlation(from: Picture, to: Picture, shift: Shift): number {
  const { cols, rows } = from;
  const back = reversed(shift);
  let n = 0, sumA = 0, sumB = 0, sumAA = 0, sumBB = 0, sumAB = 0;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < cols; x++) {
      const there = shifted(back, from, x, y);
      const a = sampleAt(from.luma, cols, rows, there.x, there.y);
      if (Number.isNaN(a)) continue;
      const b = to.luma[y * cols + x]!;
      n++;
      sumA += a;
      sumB += b;
      sumAA += a * a;
      sumBB += b * b;
      sumAB += a * b;
    }
  }
  const spread = Math.sqrt((sumAA - sumA * sumA / n) * (sumBB - sumB * sumB / n));
  // A flat picture has a spread of nothing but rounding.
  return spread > n ? (sumAB - sumA * sumB / n) / spread : 0;
}
