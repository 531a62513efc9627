/**
 * Measurements in one English sentence.
 *
 * @module
 */
import type { CameraMotion, Direction, Measurements } from "./measurements.ts";
import { joinWords } from "./_words.ts";
import { wordMovers } from "./_mover_words.ts";

/** The sentence for what was measured, in the present tense, with no claim beyond it. */
export function wordMeasurements(measured: Measurements): string {
  const clause = measured.cut ? wordCut(measured) : wordScene(measured);
  const sentence = clause + wordLightChange(measured);
  return sentence.charAt(0).toUpperCase() + sentence.slice(1) + ".";
}

function wordScene(measured: Measurements): string {
  const moves = wordCamera(measured.camera);
  if (moves) return `the camera ${moves} ${wordView(measured)}`;
  const adjectives = joinWords(wordAdjectives(measured));
  const looks = adjectives + wordColours(measured, ", in ");
  // One frame tells nothing of motion, so this sentence says nothing of it either way.
  if (measured.motion === undefined) return `the picture is ${looks}`;
  return `${wordMovers(measured)}; the view is ${looks}`;
}

function wordCut(measured: Measurements): string {
  const change = `the scene changes abruptly to ${wordView(measured)}`;
  // Undefined where the cut is at the last frame: no two frames are of the new scene.
  if (measured.brightnessChange === undefined) return change;
  const moves = wordCamera(measured.camera) ? "the camera moves on" : wordMovers(measured);
  return `${change}, where ${moves}`;
}

/** What a moving camera does, up to its object; undefined for one that stays. */
function wordCamera(camera: CameraMotion): string | undefined {
  switch (camera.kind) {
    case "pans":
      return `${wordPan(camera.direction)} over`;
    case "approaches":
      return "closes in on";
    case "recedes":
      return "backs away from";
    case "steady":
    case "shakes":
    case "unknown":
      return undefined;
  }
}

function wordPan({ horizontal, vertical }: Direction): string {
  if (horizontal && vertical) return `sweeps ${vertical} and ${horizontal}`;
  return horizontal ? `pans ${horizontal}` : `tilts ${vertical}`;
}

/** "a bright, sharp view of green and grey" */
function wordView(measured: Measurements): string {
  return `a ${wordAdjectives(measured).join(", ")} view${wordColours(measured, " of ")}`;
}

function wordAdjectives(measured: Measurements): string[] {
  return [
    wordSteadiness(measured.camera),
    measured.light === "moderate" ? "moderately lit" : measured.light,
    wordSharpness(measured),
  ].filter((word) => word !== undefined);
}

function wordSteadiness(camera: CameraMotion): string | undefined {
  if (camera.kind === "steady") return "steady";
  return camera.kind === "shakes" ? "shaky" : undefined;
}

/** By eye: footage in focus measures 0.75 and more, a 2.5-pixel blur of it 0.5, a 6-pixel one 0.3. */
const SHARP_FROM = 0.65;
const SLIGHTLY_BLURRED_FROM = 0.4;

function wordSharpness({ sharpness, light }: Measurements): string | undefined {
  // In the dark, what looks like detail is noise.
  if (sharpness === undefined || light === "dark") return undefined;
  if (sharpness >= SHARP_FROM) return "sharp";
  return sharpness >= SLIGHTLY_BLURRED_FROM ? "slightly blurred" : "blurred";
}

/** A colour is named if it fills this much of the picture, and no more than three are. */
const NAMED_SHARE = 0.15;
const MAX_COLOURS = 3;
/** From this share on, the picture is of one colour. */
const ALL_SHARE = 0.9;

function wordColours({ colours }: Measurements, preposition: ", in " | " of "): string {
  const named = colours.slice(0, MAX_COLOURS).filter(({ share }) => share >= NAMED_SHARE);
  const [first, second] = named;
  if (!first) return `${preposition}many colours`;
  if (second) return preposition + joinWords(named.map(({ name }) => name));
  return first.share >= ALL_SHARE ? `, all ${first.name}` : `, mostly ${first.name}`;
}

/** Between the first and the last frame, of 1: less is a cloud, or a subject in white. */
const LIGHT_CHANGE = 0.05;

function wordLightChange({ brightnessChange = 0, camera }: Measurements): string {
  // A camera that goes along comes upon lighter and darker things in the same light.
  if (wordCamera(camera) || Math.abs(brightnessChange) < LIGHT_CHANGE) return "";
  return brightnessChange < 0 ? ", getting darker" : ", getting brighter";
}
