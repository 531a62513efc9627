/**
 * Small turns of English.
 *
 * @module
 */
import type { Direction, Place } from "./measurements.ts";

/** "a", "a and b", "a, b and c". */
export function joinWords(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** "left", "up", "up and left". */
export function wordDirection({ horizontal, vertical }: Direction): string {
  if (horizontal && vertical) return `${vertical} and ${horizontal}`;
  return horizontal ?? vertical ?? "";
}

/** The places of regions, in words, each once. */
export function placesOf(regions: readonly { readonly place: Place }[]): string[] {
  return [...new Set(regions.map(({ place }) => wordPlace(place)))];
}

/** "in the centre", "on the left and right", "at the top and at the bottom left". */
export function wordPlaces(places: readonly string[]): string {
  const [first = "", second, third] = places;
  if (third) return "in several places";
  if (!second) return first;
  // "on the left and on the right" is "on the left and right"; but "at the top and bottom right"
  // would be two corners.
  const shared = /^(on|at) the /.exec(first)?.[0];
  const alike = first.split(" ").length === second.split(" ").length;
  return shared && alike && second.startsWith(shared)
    ? `${first} and ${second.slice(shared.length)}`
    : `${first} and ${second}`;
}

function wordPlace({ horizontal, vertical }: Place): string {
  if (vertical !== "middle") {
    return horizontal === "centre" ? `at the ${vertical}` : `at the ${vertical} ${horizontal}`;
  }
  return horizontal === "centre" ? "in the centre" : `on the ${horizontal}`;
}
