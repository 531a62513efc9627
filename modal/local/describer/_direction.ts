/**
 * Ways to go and places to be, in words a person would use.
 *
 * @module
 */
import type { Direction, Place } from "./measurements.ts";

/**
 * A part of the way counts if it is more than this share of the other: half of a right angle
 * shared fairly between "left", "up" and "up and left" (tangent of 22.5 degrees).
 */
const ASIDE = 0.41;

/** The direction of a way of `dx` to the right and `dy` downwards. */
export function directionOf(dx: number, dy: number): Direction {
  const sideways = Math.abs(dx) > ASIDE * Math.abs(dy);
  const upright = Math.abs(dy) > ASIDE * Math.abs(dx);
  return {
    horizontal: sideways ? (dx < 0 ? "left" : "right") : undefined,
    vertical: upright ? (dy < 0 ? "up" : "down") : undefined,
  };
}

/** The field of the picture at (x, y), each 0..1 from the top left. */
export function placeAt(x: number, y: number): Place {
  return {
    horizontal: x < 1 / 3 ? "left" : x < 2 / 3 ? "centre" : "right",
    vertical: y < 1 / 3 ? "top" : y < 2 / 3 ? "middle" : "bottom",
  };
}
