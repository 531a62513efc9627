/**
 * Yes or no to what can be measured in a chunk of frames, and how sure that is.
 *
 * @module
 */
import { conditionIn, type Measurable } from "./_condition.ts";
import type { Measurements } from "./measurements.ts";

/**
 * How likely what the text asks is so, 0 to 1, and 0.5 where the describer's words for it begin: near
 * that it grows smoothly with what was measured. Null: the text is about what is not measured, or not
 * in these frames (what moves, in a single one).
 */
export function chanceOf(text: string, measured: Measurements): number | null {
  const condition = conditionIn(text);
  const chance = condition && measure(condition.about, measured);
  return chance === null || !condition?.isNegated ? chance : 1 - chance;
}

/** Mean luma, as the describer's words have it (`_measure.ts`). */
const DARK_BELOW = 0.13;
const DIM_BELOW = 0.28;
const BRIGHT_FROM = 0.42;
/** From the first to the last frame of a chunk, as in the caption (`_wording.ts`). */
const LIGHT_CHANGE = 0.05;
/** The share of the picture from which movement is told of (`_mover_words.ts`). */
const MOVES_FROM = 0.0025;
/** A ball across the room is twice that; at half, colours come from noise and the edges of others. */
const SOME_FROM = 0.003;
const MOST_FROM = 0.5;

/** By how much a measurement must pass its mark for odds of about 3 to 1. */
const LUMA_STEP = 0.02;
const CHANGE_STEP = 0.01;
const SHARE_STEP = 0.08;
/** Of shares so small that only their ratio counts. */
const RATIO_STEP = Math.log(1.6);
/** Nothing at all has no logarithm. */
const LEAST_SHARE = 1e-5;

function measure(about: Measurable, measured: Measurements): number | null {
  const { brightness, brightnessChange, motion, regions } = measured;
  switch (about.kind) {
    case "dark":
      return above(DARK_BELOW - brightness, LUMA_STEP);
    case "dim":
      return above(DIM_BELOW - brightness, LUMA_STEP);
    case "bright":
      return above(brightness - BRIGHT_FROM, LUMA_STEP);
    case "getting darker":
      return brightnessChange === undefined
        ? null
        : above(-brightnessChange - LIGHT_CHANGE, CHANGE_STEP);
    case "getting brighter":
      return brightnessChange === undefined
        ? null
        : above(brightnessChange - LIGHT_CHANGE, CHANGE_STEP);
    case "moving":
      return motion === undefined ? null : aboveShare(movingShare(measured), MOVES_FROM);
    case "scene changes":
      return measured.sceneChange ?? null;
    case "coloured": {
      const share = measured.colours.find(({ name }) => name === about.colour)?.share ?? 0;
      return about.extent === "some"
        ? aboveShare(share, SOME_FROM)
        : above(share - MOST_FROM, SHARE_STEP);
    }
    case "coloured mover": {
      if (motion === undefined || measured.camera.kind !== "steady") return null;
      const areas = regions.filter(({ colour }) => colour === about.colour);
      return aboveShare(areas.reduce((sum, { areaShare }) => sum + areaShare, 0), MOVES_FROM);
    }
  }
}

/** A camera that goes along moves all; else single cells that change are noise, and regions are not. */
function movingShare({ motion = 0, regions, camera }: Measurements): number {
  const isSteady = camera.kind === "steady" || camera.kind === "shakes";
  return isSteady ? regions.reduce((sum, { areaShare }) => sum + areaShare, 0) : motion;
}

/** The chance that something is beyond its mark, by how far it is. */
function above(distance: number, step: number): number {
  return 1 / (1 + Math.exp(-distance / step));
}

function aboveShare(share: number, mark: number): number {
  return above(Math.log(Math.max(share, LEAST_SHARE) / mark), RATIO_STEP);
}
