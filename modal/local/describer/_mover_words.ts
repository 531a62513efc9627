/**
 * What moves, in words.
 *
 * @module
 */
import type { Measurements, MovingRegion } from "./measurements.ts";
import { placesOf, wordDirection, wordPlaces } from "./_words.ts";

/** Below this share of changed cells, nothing has moved but a JPEG block or two. */
const NOTHING = 0.0005;
/** Regions of less than this share are told of only if there is no larger one. */
const NOTABLE = 0.0025;
/** One region of this size that goes nowhere is the picture itself: leaves, water, a crowd. */
const WIDESPREAD = 0.15;

/** What moves, and where, as one or two clauses; it begins with "nothing" if nothing does. */
export function wordMovers({ regions, motion = 0 }: Measurements): string {
  const [largest] = regions;
  if (!largest) return motion < NOTHING ? "nothing moves" : "hardly anything moves";
  if (!largest.direction && largest.areaShare > WIDESPREAD) {
    return `${wordShare(largest.areaShare)} of the picture is in motion`;
  }
  const notable = regions.filter(({ areaShare }) => areaShare >= NOTABLE);
  if (notable.length === 0) {
    return `there is slight movement ${wordPlaces(placesOf(regions))}`;
  }
  const [first = [], second] = groupAlike(notable);
  const places = placesOf(first);
  const clause = wordGroup(first, wordPlaces(places));
  if (!second) return clause;
  // Two places and two more are too much for one sentence.
  const full = places.length > 1 && placesOf(second).length > 1;
  return `${clause}, and ${wordGroup(second, full ? "elsewhere" : wordPlaces(placesOf(second)))}`;
}

/** Regions that go the same way, so that one clause tells of them all. */
function groupAlike(regions: readonly MovingRegion[]): MovingRegion[][] {
  const groups = new Map<string, MovingRegion[]>();
  for (const region of regions) {
    const key = region.direction ? wordDirection(region.direction) : "";
    groups.set(key, [...(groups.get(key) ?? []), region]);
  }
  return [...groups.values()];
}

function wordGroup(group: readonly MovingRegion[], places: string): string {
  const first = group[0]!;
  // Without a direction it is movement and no more: there may be no one thing that moves.
  if (!first.direction) return `there is movement ${places}`;
  const way = wordDirection(first.direction);
  if (group.length === 1) return `${wordSubject(first)} ${places} moves ${way}`;
  const oneColour = first.colour && group.every(({ colour }) => colour === first.colour);
  return `${oneColour ? `${first.colour} shapes` : "shapes"} ${places} move ${way}`;
}

/** From this share of the picture on, what moves is large. */
const LARGE = 0.08;

function wordSubject({ colour, areaShare }: MovingRegion): string {
  const words = [areaShare >= LARGE ? "large" : undefined, colour].filter((word) => word);
  return words.length > 0 ? `something ${words.join(" and ")}` : "something";
}

function wordShare(share: number): string {
  if (share > 0.6) return "most";
  if (share > 0.4) return "about half";
  return share > 0.28 ? "about a third" : "about a fifth";
}
