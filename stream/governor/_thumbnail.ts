/**
 * A small picture of a JPEG, from the mean of each block, which a JPEG holds as its DC coefficient
 * (ITU-T T.81): what lies between two of them is passed over and not decoded.
 *
 * @module
 */
import { addUpDc, type Grid } from "./_dc_walk.ts";
import { unstuff } from "./_entropy_data.ts";
import { readScanHeader, type ScanComponent, type ScanHeader } from "./_scan_header.ts";

/** A small picture. */
export interface Thumbnail {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly cols: number;
  readonly rows: number;
  /**
   * Luma, then the colour differences where there are any: means of the cells, row after row, in
   * levels of 255 about 0. As good as the next call to {@link readThumbnail}.
   */
  readonly planes: readonly Float32Array[];
}

/**
 * Pixels along a side of a cell: 40 x 23 cells at 640 x 360. Less than a face at five metres, and the
 * mean of 256 pixels has lost most of their noise. Doubled for pictures of more cells than a side may
 * have.
 */
const CELL_PX = 16;
const MAX_SIDE = 64;
/**
 * A larger frame is not read, so that no frame holds up the process for long: the walk takes about
 * 6 ms a megabyte. Glasses send 5 to 60 KB.
 */
const MAX_BYTES = 512 * 1024;
/** The DC coefficient of a block of 8 x 8 is eight times its mean (T.81, A.3.3). */
const DC_PER_LEVEL = 8;
const PLANES = 3;

/** Reused from frame to frame; nothing of a frame is left in them that the next could see. */
const sums = Array.from({ length: PLANES }, () => new Int32Array(MAX_SIDE * MAX_SIDE));
const planes = sums.map(({ length }) => new Float32Array(length));

/**
 * Reads the thumbnail of a JPEG.
 *
 * @returns undefined if it is no JPEG, is broken or cut short, is larger than 512 KiB, or is of a
 * kind that {@link readScanHeader} does not know
 */
export function readThumbnail(frame: Uint8Array): Thumbnail | undefined {
  const header = frame.length <= MAX_BYTES ? readScanHeader(frame) : undefined;
  if (!header) return undefined;
  const { widthPx, heightPx, components } = header;
  const grid = gridOf(header);
  const { cols, rows } = grid;
  for (const { plane } of components) sums[plane]!.fill(0, 0, cols * rows);
  if (!addUpDc(unstuff(frame, header.dataAt), header, grid, sums)) return undefined;
  const means = components.map((component) => meansOf(component, header, grid));
  return { widthPx, heightPx, cols, rows, planes: means };
}

function gridOf({ widthPx, heightPx, ...units }: ScanHeader): Grid {
  let cellPx = CELL_PX;
  while (Math.max(widthPx, heightPx) > cellPx * MAX_SIDE) cellPx *= 2;
  const across = Math.ceil(cellPx / units.unitWidthPx);
  const down = Math.ceil(cellPx / units.unitHeightPx);
  const cols = Math.ceil(units.unitCols / across);
  const rows = Math.ceil(units.unitRows / down);
  return { cols, rows, across, down };
}

/** Sums of DC coefficients to means. Cells at the right and the lower edge may hold fewer units. */
function meansOf(
  { plane, blocks, step }: ScanComponent,
  { unitCols, unitRows, lowBits }: ScanHeader,
  { cols, rows, across, down }: Grid,
): Float32Array {
  const scale = step * (1 << lowBits) / DC_PER_LEVEL / blocks;
  const means = planes[plane]!.subarray(0, cols * rows);
  for (let row = 0; row < rows; row++) {
    const height = Math.min(down, unitRows - row * down);
    for (let col = 0; col < cols; col++) {
      const units = height * Math.min(across, unitCols - col * across);
      const at = row * cols + col;
      means[at] = sums[plane]![at]! * scale / units;
    }
  }
  return means;
}
