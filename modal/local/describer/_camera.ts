/**
 * What the camera does over a chunk.
 *
 * @module
 */
import { directionOf } from "./_direction.ts";
import type { CameraMotion } from "./measurements.ts";
import type { GridSize } from "./_picture.ts";
import { reachOf, type Shift } from "./_shift.ts";

/** From this share of the longer side on, over the chunk, the camera pans. */
const PAN_TRAVEL = 0.04;
/** Of all the way it goes, this much must be one way: else it shakes. */
const PAN_STRAIGHTNESS = 0.7;
/** From this growth on, over the chunk, it comes closer: a slow step towards a wall 20 m off. */
const APPROACH_GROWTH = 0.03;
/** Between two frames, in cells: below this it is steady (at 768 px, two pixels). */
const STEADY_CELLS = 0.25;

/**
 * What the camera does over a chunk.
 *
 * @param shifts The picture's shift for each pair of frames; undefined where it cannot be told.
 */
export function cameraMotion(
  shifts: readonly (Shift | undefined)[],
  grid: GridSize,
): CameraMotion {
  const known = shifts.filter((shift) => shift !== undefined);
  if (known.length * 2 <= shifts.length || known.length === 0) return { kind: "unknown" };
  const longSide = Math.max(grid.cols, grid.rows);
  let dx = 0, dy = 0, grow = 0, way = 0, longest = 0;
  for (const shift of known) {
    dx += shift.dx;
    dy += shift.dy;
    grow += shift.grow;
    way += Math.hypot(shift.dx, shift.dy);
    longest = Math.max(longest, reachOf(shift, grid));
  }
  const travel = Math.hypot(dx, dy) / longSide;
  const straight = Math.hypot(dx, dy) >= PAN_STRAIGHTNESS * way;
  // Growth moves the edges, half the picture from the middle: whichever moves them more is told.
  if (Math.abs(grow) >= APPROACH_GROWTH && Math.abs(grow) / 2 > travel) {
    return { kind: grow > 0 ? "approaches" : "recedes", growth: Math.abs(grow) };
  }
  // The picture goes one way as the camera goes the other.
  if (travel >= PAN_TRAVEL && straight) {
    return { kind: "pans", direction: directionOf(-dx, -dy), travel };
  }
  return { kind: longest < STEADY_CELLS ? "steady" : "shakes" };
}
