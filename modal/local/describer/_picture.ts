/**
 * A decoded frame as a small grid of mean colours: what all measurements but sharpness work on.
 *
 * @module
 */
import type { Pixels } from "./_decode.ts";

/** Red, green, blue and luma of each cell, 0..255, row after row. */
export interface Picture {
  readonly cols: number;
  readonly rows: number;
  readonly red: Float32Array;
  readonly green: Float32Array;
  readonly blue: Float32Array;
  readonly luma: Float32Array;
}

/** How many cells a picture is measured in. */
export interface GridSize {
  readonly cols: number;
  readonly rows: number;
}

/** A walker seen from 20 m, 25 px wide in 768, still covers three cells of the longer side. */
const LONG_SIDE_CELLS = 96;
/** 4 x 4 pixels stand for a cell: enough to average noise away, a quarter of the reads at 768 px. */
const SAMPLES_A_SIDE = 4;

/** Luma of a colour by ITU-R BT.601, the weights JPEG itself uses. */
export function lumaOf(red: number, green: number, blue: number): number {
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}

/** The grid for a picture of this size: square cells, the longer side in 96, never below a pixel. */
export function gridFor(widthPx: number, heightPx: number): GridSize {
  const cellPx = Math.max(1, Math.max(widthPx, heightPx) / LONG_SIDE_CELLS);
  return {
    cols: Math.max(1, Math.round(widthPx / cellPx)),
    rows: Math.max(1, Math.round(heightPx / cellPx)),
  };
}

/** Averages pixels into cells. */
export function toPicture(pixels: Pixels, grid: GridSize): Picture {
  const { cols, rows } = grid;
  const size = cols * rows;
  const red = new Float32Array(size);
  const green = new Float32Array(size);
  const blue = new Float32Array(size);
  const luma = new Float32Array(size);
  const xs = sampleOffsets(cols, pixels.widthPx, 1);
  const ys = sampleOffsets(rows, pixels.heightPx, pixels.widthPx);
  const samples = SAMPLES_A_SIDE * SAMPLES_A_SIDE;
  for (let cell = 0; cell < size; cell++) {
    const firstX = (cell % cols) * SAMPLES_A_SIDE;
    const firstY = Math.floor(cell / cols) * SAMPLES_A_SIDE;
    let r = 0, g = 0, b = 0;
    for (let j = firstY; j < firstY + SAMPLES_A_SIDE; j++) {
      for (let i = firstX; i < firstX + SAMPLES_A_SIDE; i++) {
        const at = 4 * (ys[j]! + xs[i]!);
        r += pixels.data[at]!;
        g += pixels.data[at + 1]!;
        b += pixels.data[at + 2]!;
      }
    }
    red[cell] = r / samples;
    green[cell] = g / samples;
    blue[cell] = b / samples;
    luma[cell] = lumaOf(r, g, b) / samples;
  }
  return { cols, rows, red, green, blue, luma };
}

/** Where the samples of each cell lie along one side, times the pixels from one to the next. */
function sampleOffsets(cells: number, lengthPx: number, stridePx: number): Int32Array {
  const offsets = new Int32Array(cells * SAMPLES_A_SIDE);
  for (let k = 0; k < offsets.length; k++) {
    offsets[k] = Math.floor((k + 0.5) * lengthPx / offsets.length) * stridePx;
  }
  return offsets;
}

/** Mean of a plane. */
export function meanOf(plane: Float32Array): number {
  let sum = 0;
  for (const value of plane) sum += value;
  return sum / plane.length;
}
