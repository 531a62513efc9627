/**
 * One number for each cell of a picture, and what lies between the cells.
 *
 * @module
 */
import { meanOf, type Picture } from "./_picture.ts";

/** Numbers on a grid, row after row. */
export interface Plane {
  readonly cols: number;
  readonly rows: number;
  readonly values: Float32Array;
}

/** Luma about its mean, so that a change of light is no difference. */
export function centred({ cols, rows, luma }: Picture): Plane {
  const mean = meanOf(luma);
  return { cols, rows, values: luma.map((value) => value - mean) };
}

/** The plane at half the size, four cells averaged into one. */
export function halve(plane: Plane): Plane {
  const cols = Math.max(1, plane.cols >> 1);
  const rows = Math.max(1, plane.rows >> 1);
  const values = new Float32Array(cols * rows);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < cols; x++) {
      const at = 2 * y * plane.cols + 2 * x;
      const right = x * 2 + 1 < plane.cols ? 1 : 0;
      const below = y * 2 + 1 < plane.rows ? plane.cols : 0;
      values[y * cols + x] = (plane.values[at]! + plane.values[at + right]! +
        plane.values[at + below]! + plane.values[at + below + right]!) / 4;
    }
  }
  return { cols, rows, values };
}

/** The value at (x, y) between the cells, by bilinear interpolation; NaN outside. */
export function sampleAt(
  values: Float32Array,
  cols: number,
  rows: number,
  x: number,
  y: number,
): number {
  const left = Math.floor(x);
  const top = Math.floor(y);
  if (left < 0 || top < 0 || left >= cols || top >= rows) return NaN;
  const fx = x - left;
  const fy = y - top;
  // On the last column or row a fraction of zero needs no neighbour.
  if ((fx > 0 && left + 1 >= cols) || (fy > 0 && top + 1 >= rows)) return NaN;
  const at = top * cols + left;
  const right = fx > 0 ? 1 : 0;
  const below = fy > 0 ? cols : 0;
  const upper = values[at]! * (1 - fx) + values[at + right]! * fx;
  const lower = values[at + below]! * (1 - fx) + values[at + below + right]! * fx;
  return upper * (1 - fy) + lower * fy;
}
