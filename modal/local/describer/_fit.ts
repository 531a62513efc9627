/**
 * The last fraction of a shift: least squares on the gradient, after B. D. Lucas and T. Kanade,
 * "An iterative image registration technique" (1981), with growth as a third unknown.
 *
 * @module
 */
import { type Plane, sampleAt } from "./_plane.ts";
import { reachOf, type Shift, shifted } from "./_shift.ts";

/** Each step brings the fit several times closer; it ends when a step moves no cell by this much. */
const MAX_STEPS = 4;
const CLOSE_CELLS = 0.02;
/** Cells that differ by more (of 255) show something else there: a subject, not the shift. */
const OUTLIER = 40;
/** The gradient tells of a cell or two around; a fit that went further has lost its hold. */
const MAX_CORRECTION_CELLS = 3;
/** Added to the diagonal: with no detail in some direction, the fit stays where it is. */
const STIFFNESS = 1;

/** Improves a shift found in whole cells. */
export function fitFraction(a: Plane, b: Plane, start: Shift): Shift {
  let shift = start;
  for (let step = 0; step < MAX_STEPS; step++) {
    const [dx, dy, grow] = solve(...normalEquations(a, b, shift));
    shift = { dx: shift.dx + dx, dy: shift.dy + dy, grow: shift.grow + grow };
    if (reachOf({ dx, dy, grow }, a) < CLOSE_CELLS) break;
  }
  const correction = {
    dx: shift.dx - start.dx,
    dy: shift.dy - start.dy,
    grow: shift.grow - start.grow,
  };
  // Written so that NaN fails as well.
  return reachOf(correction, a) <= MAX_CORRECTION_CELLS ? shift : start;
}

type Vector = [number, number, number];
type Matrix = [xx: number, xy: number, xs: number, yy: number, ys: number, ss: number];

function normalEquations(a: Plane, b: Plane, shift: Shift): [Matrix, Vector] {
  const { cols, rows } = a;
  let xx = 0, xy = 0, xs = 0, yy = 0, ys = 0, ss = 0, xt = 0, yt = 0, st = 0;
  for (let y = 1; y < rows - 1; y++) {
    for (let x = 1; x < cols - 1; x++) {
      const at = y * cols + x;
      const there = shifted(shift, a, x, y);
      const change = sampleAt(b.values, cols, rows, there.x, there.y) - a.values[at]!;
      if (!(Math.abs(change) < OUTLIER)) continue;
      const gx = (a.values[at + 1]! - a.values[at - 1]!) / 2;
      const gy = (a.values[at + cols]! - a.values[at - cols]!) / 2;
      // What growing by one would change here: the gradient along the way from the middle.
      const gs = gx * (x - (cols - 1) / 2) + gy * (y - (rows - 1) / 2);
      xx += gx * gx;
      xy += gx * gy;
      xs += gx * gs;
      yy += gy * gy;
      ys += gy * gs;
      ss += gs * gs;
      xt -= gx * change;
      yt -= gy * change;
      st -= gs * change;
    }
  }
  return [[xx + STIFFNESS, xy, xs, yy + STIFFNESS, ys, ss + STIFFNESS], [xt, yt, st]];
}

/** Solves the symmetric 3 x 3 system by Cramer's rule. */
function solve([xx, xy, xs, yy, ys, ss]: Matrix, [xt, yt, st]: Vector): Vector {
  const a = yy * ss - ys * ys;
  const b = xs * ys - xy * ss;
  const c = xy * ys - xs * yy;
  const d = xx * ss - xs * xs;
  const e = xy * xs - xx * ys;
  const f = xx * yy - xy * xy;
  const determinant = xx * a + xy * b + xs * c;
  return [
    (a * xt + b * yt + c * st) / determinant,
    (b * xt + d * yt + e * st) / determinant,
    (c * xt + e * yt + f * st) / determinant,
  ];
}
