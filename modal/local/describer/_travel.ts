/**
 * Which way the subject of a region goes.
 *
 * @module
 */
import type { Change } from "./_change.ts";
import { directionOf } from "./_direction.ts";
import { matchCells } from "./_match.ts";
import type { Direction } from "./measurements.ts";
import type { Picture } from "./_picture.ts";
import type { Region } from "./_regions.ts";
import { NO_SHIFT } from "./_shift.ts";

/** A region of fewer cells, all frames together, matches somewhere by chance. */
const MIN_CELLS_TOLD = 12;
/** Less than this in all is a leaf on its twig: it stirs and goes nowhere. */
const MIN_TRAVEL_CELLS = 2;
/** Of all the way it goes, this much must be one way. */
const STRAIGHTNESS = 0.75;

/**
 * The direction in which what changed in this region goes over the chunk.
 *
 * @returns undefined if it finds no match, or goes to and fro.
 */
export function travelOf(
  region: Region,
  pictures: readonly Picture[],
  changes: readonly Change[],
): Direction | undefined {
  if (region.cells.length < MIN_CELLS_TOLD) return undefined;
  let dx = 0, dy = 0, way = 0, matched = 0, moving = 0;
  changes.forEach((change, pair) => {
    const cells = region.cells.filter((cell) => change.mask[cell]);
    if (cells.length === 0) return;
    moving += cells.length;
    const step = matchCells(cells, pictures[pair]!, pictures[pair + 1]!);
    if (!step) return;
    matched += cells.length;
    const camera = change.shift ?? NO_SHIFT;
    const stepX = step.dx - camera.dx;
    const stepY = step.dy - camera.dy;
    dx += stepX;
    dy += stepY;
    way += Math.hypot(stepX, stepY);
  });
  // Half of what moves must be accounted for, or a chance match speaks for it all.
  if (matched * 2 < moving) return undefined;
  const travel = Math.hypot(dx, dy);
  if (travel < MIN_TRAVEL_CELLS || travel < STRAIGHTNESS * way) return undefined;
  return directionOf(dx, dy);
}
