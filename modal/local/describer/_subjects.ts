/**
 * Regions that belong to one subject: what is faster than it is long leaves where it was before
 * it gets to where it is next, and changes two regions in one step.
 *
 * @module
 */
import type { Change } from "./_change.ts";
import { matchCells } from "./_match.ts";
import type { Picture } from "./_picture.ts";
import { type Region, toRegion } from "./_regions.ts";

/** Regions are joined if this much of one steps into the other. */
const MIN_ARRIVING = 0.4;

/** Joins the regions between which a subject steps; largest first. */
export function joinSubjects(
  regions: readonly Region[],
  pictures: readonly Picture[],
  changes: readonly Change[],
): Region[] {
  if (regions.length < 2) return [...regions];
  const cols = pictures[0]!.cols;
  // Each region points to another of its subject, or to itself.
  const parents = regions.map((_, i) => i);
  const rootOf = (i: number): number => parents[i] === i ? i : rootOf(parents[i]!);
  const ownerOf = new Map(regions.flatMap(({ cells }, i) => cells.map((cell) => [cell, i])));
  regions.forEach((region, i) => {
    changes.forEach(({ mask }, pair) => {
      const cells = region.cells.filter((cell) => mask[cell]);
      for (const other of arrivals(cells, pictures[pair]!, pictures[pair + 1]!, ownerOf)) {
        parents[rootOf(other)] = rootOf(i);
      }
    });
  });
  const joined = Map.groupBy(regions, (_, i) => rootOf(i));
  return [...joined.values()]
    .map((parts) => toRegion(parts.flatMap(({ cells }) => cells), cols))
    .sort((a, b) => b.cells.length - a.cells.length);
}

/** The regions that enough of these cells step into. */
function arrivals(
  cells: readonly number[],
  from: Picture,
  to: Picture,
  ownerOf: ReadonlyMap<number, number>,
): number[] {
  const step = cells.length > 0 ? matchCells(cells, from, to) : undefined;
  if (!step) return [];
  const counts = new Map<number, number>();
  for (const cell of cells) {
    const x = cell % from.cols + step.dx;
    if (x < 0 || x >= from.cols) continue;
    const owner = ownerOf.get(cell + step.dx + step.dy * from.cols);
    if (owner !== undefined) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count >= MIN_ARRIVING * cells.length)
    .map(([owner]) => owner);
}
