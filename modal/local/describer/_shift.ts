/**
 * How the whole picture shifted and grew from one frame to the next, to a fraction of a cell.
 *
 * @module
 */
import { fitFraction } from "./_fit.ts";
import { centred, halve, type Plane } from "./_plane.ts";
import type { GridSize, Picture } from "./_picture.ts";

/**
 * A shift of the whole picture, in cells: what was at (x, y) is now at (x + dx, y + dy), and
 * further from the middle by `grow` of its distance.
 */
export interface Shift {
  readonly dx: number;
  readonly dy: number;
  readonly grow: number;
}

/** Standing still. */
export const NO_SHIFT: Shift = { dx: 0, dy: 0, grow: 0 };

/** Where a shift takes the point (x, y). */
export function shifted(shift: Shift, { cols, rows }: GridSize, x: number, y: number) {
  return {
    x: x + shift.dx + shift.grow * (x - (cols - 1) / 2),
    y: y + shift.dy + shift.grow * (y - (rows - 1) / 2),
  };
}

/** The shift that leads back, but for what is too small to see. */
export function reversed({ dx, dy, grow }: Shift): Shift {
  return { dx: -dx, dy: -dy, grow: -grow };
}

/** How far a shift moves the cells it moves most, in cells. */
export function reachOf({ dx, dy, grow }: Shift, { cols, rows }: GridSize): number {
  return Math.hypot(dx, dy) + Math.abs(grow) * Math.max(cols, rows) / 2;
}

/** A head turning at 60 degrees a second moves a third of the view between frames at 3 a second. */
const MAX_SHIFT_SHARE = 1 / 3;
/** Pictures this alike (mean difference, of 255) stand still but for a fraction of a cell. */
const ALIKE = 2;
/** A difference counts no more than this: a walker must not outweigh the background. */
const DIFFERENCE_CAP = 40;
/** Each cell of distance must earn this much (of 255): a fence matches itself post by post. */
const DISTANCE_PENALTY = 0.15;
/** Grids this coarse or coarser are searched cell by cell; finer ones start from a coarser answer. */
const SEARCHED_CELLS = 24;

/** Finds the shift that explains most of the difference between two pictures of one size. */
export function findShift(from: Picture, to: Picture): Shift {
  const a = centred(from);
  const b = centred(to);
  return meanDifference(a, b, 0, 0) < ALIKE ? fitFraction(a, b, NO_SHIFT) : coarseToFine(a, b);
}

function coarseToFine(a: Plane, b: Plane): Shift {
  const longSide = Math.max(a.cols, a.rows);
  if (longSide <= SEARCHED_CELLS) {
    return fitFraction(a, b, bestWhole(a, b, Math.round(longSide * MAX_SHIFT_SHARE)));
  }
  const rough = coarseToFine(halve(a), halve(b));
  return fitFraction(a, b, { dx: rough.dx * 2, dy: rough.dy * 2, grow: rough.grow });
}

function bestWhole(a: Plane, b: Plane, reach: number): Shift {
  let best = NO_SHIFT;
  let least = Infinity;
  // Half of each side must stay in view, or two strips of sky would match best.
  const maxDx = Math.min(reach, Math.floor(a.cols / 2));
  const maxDy = Math.min(reach, Math.floor(a.rows / 2));
  for (let dy = -maxDy; dy <= maxDy; dy++) {
    for (let dx = -maxDx; dx <= maxDx; dx++) {
      const difference = meanDifference(a, b, dx, dy) + DISTANCE_PENALTY * Math.hypot(dx, dy);
      if (difference < least) {
        least = difference;
        best = { dx, dy, grow: 0 };
      }
    }
  }
  return best;
}

/** Mean capped difference over the cells that both pictures show. */
function meanDifference(a: Plane, b: Plane, dx: number, dy: number): number {
  const { cols, rows } = a;
  const firstX = Math.max(0, -dx), lastX = Math.min(cols, cols - dx);
  const firstY = Math.max(0, -dy), lastY = Math.min(rows, rows - dy);
  let sum = 0;
  for (let y = firstY; y < lastY; y++) {
    const rowA = y * cols;
    const rowB = (y + dy) * cols + dx;
    for (let x = firstX; x < lastX; x++) {
      const difference = Math.abs(a.values[rowA + x]! - b.values[rowB + x]!);
      sum += difference < DIFFERENCE_CAP ? difference : DIFFERENCE_CAP;
    }
  }
  const cells = (lastX - firstX) * (lastY - firstY);
  return cells > 0 ? sum / cells : Infinity;
}
