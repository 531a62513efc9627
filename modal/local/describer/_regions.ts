/**
 * Where something moves: cells that changed, gathered into regions.
 *
 * @module
 */
import type { Change } from "./_change.ts";

/** A region of cells that changed between any two frames of a chunk. */
export interface Region {
  /** The cells, by index. */
  readonly cells: readonly number[];
  /** The mean column and row. */
  readonly col: number;
  readonly row: number;
}

/** Fewer cells than this are a flicker: a leaf, a lamp, a JPEG block (at 768 px, 8 px each). */
const MIN_CELLS = 5;
/** Cells this far apart belong together: what is between has the background's colour by chance. */
const GAP_CELLS = 2;

/** The regions of a chunk, largest first. */
export function findRegions(changes: readonly Change[], cols: number, rows: number): Region[] {
  const union = new Uint8Array(cols * rows);
  for (const { mask } of changes) mask.forEach((changed, cell) => union[cell]! |= changed);
  const regions: Region[] = [];
  for (let cell = 0; cell < union.length; cell++) {
    if (!union[cell]) continue;
    const cells = takeConnected(union, cols, rows, cell);
    if (cells.length >= MIN_CELLS) regions.push(toRegion(cells, cols));
  }
  return regions.sort((a, b) => b.cells.length - a.cells.length);
}

/** Removes from `mask` the cells connected with `first`, and answers them. */
function takeConnected(mask: Uint8Array, cols: number, rows: number, first: number): number[] {
  const cells = [first];
  mask[first] = 0;
  for (let next = 0; next < cells.length; next++) {
    const col = cells[next]! % cols;
    const row = Math.floor(cells[next]! / cols);
    for (let y = Math.max(0, row - GAP_CELLS); y <= Math.min(rows - 1, row + GAP_CELLS); y++) {
      for (let x = Math.max(0, col - GAP_CELLS); x <= Math.min(cols - 1, col + GAP_CELLS); x++) {
        const cell = y * cols + x;
        if (!mask[cell]) continue;
        mask[cell] = 0;
        cells.push(cell);
      }
    }
  }
  return cells;
}

/** A region of these cells. */
export function toRegion(cells: readonly number[], cols: number): Region {
  let col = 0, row = 0;
  for (const cell of cells) {
    col += cell % cols;
    row += Math.floor(cell / cols);
  }
  return { cells, col: col / cells.length, row: row / cells.length };
}
