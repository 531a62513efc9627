/**
 * The colour of what moves in a region.
 *
 * @module
 */
import type { Change } from "./_change.ts";
import { colourName } from "./_colours.ts";
import type { ColourName } from "./measurements.ts";
import type { Picture } from "./_picture.ts";
import type { Region } from "./_regions.ts";

/** The surroundings are a frame of this many cells about the region. */
const FRAME_CELLS = 3;
/** A colour names the subject if it makes up this much of what stands out. */
const MIN_VOTE = 0.5;
/** Channels in all must differ by this much from the surroundings for a cell to stand out. */
const STANDS_OUT = 60;

type Colour = readonly [red: number, green: number, blue: number];

/**
 * The colour of the subject: of the two looks of each changed cell, the one less like the
 * surroundings is the subject's.
 *
 * @returns undefined if no colour stands out.
 */
export function subjectColour(
  region: Region,
  pictures: readonly Picture[],
  changes: readonly Change[],
): ColourName | undefined {
  const around = surroundings(region, pictures[0]!);
  const votes = new Map<ColourName, number>();
  let total = 0;
  changes.forEach((change, pair) => {
    for (const cell of region.cells) {
      if (!change.mask[cell]) continue;
      const before = colourAt(pictures[pair]!, cell);
      const after = colourAt(pictures[pair + 1]!, cell);
      const subject = distance(before, around) > distance(after, around) ? before : after;
      const standsOut = distance(subject, around);
      if (standsOut < STANDS_OUT) continue;
      // Cells half covered by the subject have a mixed colour; those well covered weigh more.
      const weight = standsOut * standsOut;
      const name = colourName(...subject);
      votes.set(name, (votes.get(name) ?? 0) + weight);
      total += weight;
    }
  });
  const [winner] = [...votes].sort((a, b) => b[1] - a[1]);
  return winner && winner[1] >= MIN_VOTE * total ? winner[0] : undefined;
}

function surroundings(region: Region, picture: Picture): Colour {
  const { cols, rows } = picture;
  const xs = region.cells.map((cell) => cell % cols);
  const ys = region.cells.map((cell) => Math.floor(cell / cols));
  const inside = new Set(region.cells);
  const lastX = Math.min(cols - 1, Math.max(...xs) + FRAME_CELLS);
  const lastY = Math.min(rows - 1, Math.max(...ys) + FRAME_CELLS);
  let red = 0, green = 0, blue = 0, count = 0;
  for (let y = Math.max(0, Math.min(...ys) - FRAME_CELLS); y <= lastY; y++) {
    for (let x = Math.max(0, Math.min(...xs) - FRAME_CELLS); x <= lastX; x++) {
      const cell = y * cols + x;
      if (inside.has(cell)) continue;
      const colour = colourAt(picture, cell);
      red += colour[0];
      green += colour[1];
      blue += colour[2];
      count++;
    }
  }
  return count > 0 ? [red / count, green / count, blue / count] : [0, 0, 0];
}

function colourAt(picture: Picture, cell: number): Colour {
  return [picture.red[cell]!, picture.green[cell]!, picture.blue[cell]!];
}

function distance(a: Colour, b: Colour): number {
  return Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1]) + Math.abs(a[2] - b[2]);
}
