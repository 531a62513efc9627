/**
 * Where the cells of one picture have gone in the next.
 *
 * @module
 */
import type { Picture } from "./_picture.ts";

/** Subjects are looked for this far from where they were: an eighth of the longer side of 96. */
const REACH_CELLS = 12;
/** A difference counts no more than this in each cell (sum of three channels). */
const DIFFERENCE_CAP = 180;
/** A cell that leaves the picture can be neither right nor wrong. */
const OUTSIDE = DIFFERENCE_CAP / 2;
/** Each cell of distance must earn this much: plain surfaces match themselves anywhere. */
const DISTANCE_PENALTY = 0.02;
/** Of a large region, a sample tells as much in less time. */
const MAX_CELLS_MATCHED = 250;
/** What a match must leave of the difference to be believed. */
const MATCHED = 0.6;

/** A step from one frame to the next, in whole cells. */
export interface Step {
  readonly dx: number;
  readonly dy: number;
}

/**
 * The step that takes these cells of one picture to where they look the same in the next. The
 * cells are those the subject left and those it came to: only its own step maps both well.
 *
 * @returns undefined if no step makes them look much more alike.
 */
export function matchCells(
  all: readonly number[],
  from: Picture,
  to: Picture,
): Step | undefined {
  const stride = Math.ceil(all.length / MAX_CELLS_MATCHED);
  const cells = all.filter((_, i) => i % stride === 0);
  const still = meanDifference(cells, from, to, { dx: 0, dy: 0 }, Infinity);
  let best: Step | undefined;
  let least = MATCHED * still;
  for (let dy = -REACH_CELLS; dy <= REACH_CELLS; dy++) {
    for (let dx = -REACH_CELLS; dx <= REACH_CELLS; dx++) {
      const distance = DISTANCE_PENALTY * Math.hypot(dx, dy) * still;
      const difference = meanDifference(cells, from, to, { dx, dy }, least - distance) + distance;
      if (difference < least) {
        least = difference;
        best = { dx, dy };
      }
    }
  }
  return best;
}

function meanDifference(
  cells: readonly number[],
  from: Picture,
  to: Picture,
  { dx, dy }: Step,
  giveUpAt: number,
): number {
  const { cols, rows } = from;
  const giveUpSum = giveUpAt * cells.length;
  let sum = 0;
  for (const cell of cells) {
    const x = cell % cols + dx;
    const y = Math.floor(cell / cols) + dy;
    if (x < 0 || y < 0 || x >= cols || y >= rows) {
      sum += OUTSIDE;
    } else {
      const there = y * cols + x;
      const difference = Math.abs(from.red[cell]! - to.red[there]!) +
        Math.abs(from.green[cell]! - to.green[there]!) +
        Math.abs(from.blue[cell]! - to.blue[there]!);
      sum += Math.min(DIFFERENCE_CAP, difference);
    }
    if (sum > giveUpSum) return Infinity;
  }
  return sum / cells.length;
}
