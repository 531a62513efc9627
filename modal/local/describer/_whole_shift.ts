/**
 * Whether a shift is that of the whole picture, or of a subject in it.
 *
 * @module
 */
import { meanOf, type Picture } from "./_picture.ts";
import { sampleAt } from "./_plane.ts";
import { type Shift, shifted } from "./_shift.ts";

/** Fields the picture is split into: a shift is the camera's if it holds in many of them. */
const FIELD_COLS = 6;
const FIELD_ROWS = 4;
/** A mean difference (of 255) in a field below this is noise. */
const QUIET = 1.5;
/**
 * What the shift must leave of a field's difference to have explained it. A field that it makes
 * neither this much better nor any worse has no say: the middle of a picture that grows.
 */
const EXPLAINED = 0.75;
/** Explained fields among those that have a say. */
const MIN_AGREEING = 0.7;
/** Fields must agree in this many columns, or all that agrees is a ball, or a passing bus. */
const MIN_COLUMNS = 4;

/**
 * Whether the whole picture moves by this shift: in most fields with something to see, across
 * the width, it must explain the difference between the two pictures.
 */
export function isWholeShift(from: Picture, to: Picture, shift: Shift): boolean {
  const light = meanOf(to.luma) - meanOf(from.luma);
  let agreeing = 0, against = 0;
  const columns = new Set<number>();
  for (let field = 0; field < FIELD_COLS * FIELD_ROWS; field++) {
    const { still, moved } = fieldDifferences(from, to, shift, light, field);
    // A field that has left the picture, NaN, has no say; nor has one that is quiet both ways.
    if (Number.isNaN(moved) || Math.max(still, moved) < QUIET) continue;
    if (moved > still) against++;
    if (moved > EXPLAINED * still) continue;
    agreeing++;
    columns.add(field % FIELD_COLS);
  }
  return columns.size >= MIN_COLUMNS && agreeing >= MIN_AGREEING * (agreeing + against);
}

/** The mean difference in a field without and with the shift; NaN if it leaves the picture. */
function fieldDifferences(
  from: Picture,
  to: Picture,
  shift: Shift,
  light: number,
  field: number,
): { still: number; moved: number } {
  const { cols, rows } = from;
  const col = field % FIELD_COLS;
  const row = Math.floor(field / FIELD_COLS);
  const lastX = Math.floor((col + 1) * cols / FIELD_COLS);
  const lastY = Math.floor((row + 1) * rows / FIELD_ROWS);
  let still = 0, moved = 0, cells = 0;
  for (let y = Math.floor(row * rows / FIELD_ROWS); y < lastY; y++) {
    for (let x = Math.floor(col * cols / FIELD_COLS); x < lastX; x++) {
      const there = shifted(shift, from, x, y);
      const now = sampleAt(to.luma, cols, rows, there.x, there.y);
      if (Number.isNaN(now)) continue;
      const before = from.luma[y * cols + x]! + light;
      still += Math.abs(to.luma[y * cols + x]! - before);
      moved += Math.abs(now - before);
      cells++;
    }
  }
  return { still: still / cells, moved: moved / cells };
}

/** Mean distance from the mean luma (of 255): a wall, the sky, the dark have less. */
const FLAT_BELOW = 2;

/** Whether there is so little in a picture that the camera could turn and one would not see it. */
export function isFlat({ luma }: Picture): boolean {
  const mean = meanOf(luma);
  return meanOf(luma.map((value) => Math.abs(value - mean))) < FLAT_BELOW;
}

/** A field in which this share of the cells changed is not at rest. */
const RESTLESS_SHARE = 0.04;
/** With so many fields not at rest, who is to say that the camera is? */
const MAX_RESTLESS = 0.5;

/** Whether what changed is spread all over the picture, so that nothing in it shows a steady camera. */
export function isRestless(mask: Uint8Array, cols: number): boolean {
  const rows = mask.length / cols;
  const fields = FIELD_COLS * FIELD_ROWS;
  const changed = new Uint32Array(fields);
  mask.forEach((value, cell) => {
    const col = Math.floor((cell % cols) * FIELD_COLS / cols);
    const row = Math.floor(Math.floor(cell / cols) * FIELD_ROWS / rows);
    changed[row * FIELD_COLS + col]! += value;
  });
  const cellsAField = mask.length / fields;
  const restless = changed.filter((count) => count > RESTLESS_SHARE * cellsAField).length;
  return restless > MAX_RESTLESS * fields;
}
