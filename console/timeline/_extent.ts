/**
 * How much time a band shows, and where its marks stand.
 *
 * @module
 */
import type { Segment } from "../../client/records.ts";

/** Pixels that a minute may take. */
export const ZOOMS = [1, 4, 15, 60, 240, 1_000, 4_000];
export const MINUTE_MS = 60_000;
/** Minutes between marks. */
const STEPS = [2 / 60, 5 / 60, 10 / 60, 0.25, 0.5, 1, 2, 5, 15, 30, 60, 120];
const MARK_PX = 96;
/** A band that is longer than a few screens is no overview. */
const FIRST_SIGHT_PX = 2_000;

/** From the mark before the first segment to the mark behind the last. */
export interface Extent {
  readonly beginMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** @param segments at least one */
export function extentOf(segments: readonly Segment[], pxPerMinute: number): Extent {
  const step = STEPS.find((minutes) => minutes * pxPerMinute >= MARK_PX) ?? STEPS.at(-1)!;
  const stepMs = step * MINUTE_MS;
  const first = Math.min(...segments.map(({ started_at }) => Date.parse(started_at)));
  const last = Math.max(...segments.map(({ ended_at }) => Date.parse(ended_at)));
  // Marks stand at full hours of this place, whose offset may not be one.
  const offsetMs = new Date(first).getTimezoneOffset() * MINUTE_MS;
  const floor = (ms: number) => Math.floor((ms - offsetMs) / stepMs) * stepMs + offsetMs;
  return { beginMs: floor(first), endMs: floor(last) + stepMs, stepMs };
}

/** The closest look that is still an overview: a place in {@link ZOOMS}. */
export function zoomFor(segments: readonly Segment[]): number {
  const fits = (pxPerMinute: number) => {
    const { beginMs, endMs } = extentOf(segments, pxPerMinute);
    return (endMs - beginMs) / MINUTE_MS * pxPerMinute <= FIRST_SIGHT_PX;
  };
  return Math.max(0, ZOOMS.findLastIndex(fits));
}
