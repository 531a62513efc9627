/**
 * All measurements of a chunk, from its decoded frames.
 *
 * @module
 */
import { cameraMotion } from "./_camera.ts";
import { type Change, compare } from "./_change.ts";
import { coloursOf } from "./_colours.ts";
import { placeAt } from "./_direction.ts";
import type { CameraMotion, Light, Measurements, MovingRegion } from "./measurements.ts";
import { meanOf, type Picture } from "./_picture.ts";
import { findRegions, type Region } from "./_regions.ts";
import { joinSubjects } from "./_subjects.ts";
import { subjectColour } from "./_subject_colour.ts";
import { travelOf } from "./_travel.ts";

/** A frame as it is measured. */
export interface Frame {
  readonly picture: Picture;
  readonly sharpness: number | undefined;
}

/** Where each light begins, in mean luma 0..1: by eye, on photographs from night to snow. */
const LIGHTS: readonly (readonly [from: number, light: Light])[] = [
  [0.78, "very bright"],
  [0.42, "bright"],
  [0.28, "moderate"],
  [0.13, "dim"],
  [0, "dark"],
];
/** A sentence names three at most; a rule has no use for the twentieth leaf. */
const MAX_REGIONS = 8;
/** Unless the camera is steady, smaller regions may be edges that its shift has left over. */
const MIN_UNSTEADY_SHARE = 0.004;

/** Measures frames in the order they were taken, all on one grid; there must be one or more. */
export function measure(frames: readonly Frame[], framesGiven: number): Measurements {
  const pictures = frames.map(({ picture }) => picture);
  const changes = pictures.slice(1).map((picture, i) => compare(pictures[i]!, picture));
  // What was before a cut is another scene: one sentence is about the latest.
  const first = changes.findLastIndex(({ cut }) => cut) + 1;
  const scene = pictures.slice(first);
  const sceneChanges = changes.slice(first);
  const camera = cameraOf(sceneChanges, scene[0]!);
  const brightness = meanOfAll(scene.map(lightOf));
  return {
    framesGiven,
    framesDecoded: frames.length,
    brightness,
    light: LIGHTS.find(([from]) => brightness >= from)?.[1] ?? "dark",
    brightnessChange: scene.length > 1 ? lightOf(scene.at(-1)!) - lightOf(scene[0]!) : undefined,
    colours: coloursOf(scene),
    sharpness: sharpnessOfAll(frames.slice(first)),
    motion: sceneChanges.length > 0
      ? meanOfAll(sceneChanges.map(({ motion }) => motion))
      : undefined,
    regions: regionsOf(scene, sceneChanges, camera),
    camera,
    cut: first > 0,
    sceneChange: changes.length > 0
      ? Math.max(...changes.map(({ sceneChange }) => sceneChange))
      : undefined,
  };
}

function cameraOf(changes: readonly Change[], picture: Picture): CameraMotion {
  return cameraMotion(changes.map(({ shift }) => shift), picture);
}

function regionsOf(
  pictures: readonly Picture[],
  changes: readonly Change[],
  camera: CameraMotion,
): MovingRegion[] {
  // Where the camera goes along, near things shift more than far ones, and all seems to move.
  if (camera.kind === "pans" || camera.kind === "approaches" || camera.kind === "recedes") {
    return [];
  }
  const first = pictures[0]!;
  const minShare = camera.kind === "steady" ? 0 : MIN_UNSTEADY_SHARE;
  const minCells = minShare * first.cols * first.rows;
  const regions = findRegions(changes, first.cols, first.rows)
    .filter(({ cells }) => cells.length >= minCells)
    .slice(0, MAX_REGIONS);
  return joinSubjects(regions, pictures, changes)
    .map((region) => toMoving(region, first, pictures, changes));
}

function toMoving(
  region: Region,
  { cols, rows }: Picture,
  pictures: readonly Picture[],
  changes: readonly Change[],
): MovingRegion {
  const centre = { x: (region.col + 0.5) / cols, y: (region.row + 0.5) / rows };
  return {
    place: placeAt(centre.x, centre.y),
    centre,
    areaShare: region.cells.length / (cols * rows),
    direction: travelOf(region, pictures, changes),
    colour: subjectColour(region, pictures, changes),
  };
}

/** Mean luma of a picture, 0..1. */
function lightOf(picture: Picture): number {
  return meanOf(picture.luma) / 255;
}

function sharpnessOfAll(frames: readonly Frame[]): number | undefined {
  const known = frames.map(({ sharpness }) => sharpness).filter((value) => value !== undefined);
  return known.length > 0 ? meanOfAll(known) : undefined;
}

function meanOfAll(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
