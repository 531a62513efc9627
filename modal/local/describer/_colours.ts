/**
 * Names for colours, and which of them fill a picture.
 *
 * @module
 */
import type { ColourName, ColourShare } from "./measurements.ts";
import type { Picture } from "./_picture.ts";

/** Below this brightest channel (of 255) a colour is black whatever its hue. */
const BLACK_BELOW = 45;
/** Without hue, above this it is white. */
const WHITE_ABOVE = 205;
/** Saturation (0..1) below this reads as grey: shade and camera white balance tint greys so far. */
const GREY_BELOW = 0.13;
/** The darker a colour, the noisier its hue: it also needs this much between its channels. */
const MIN_CHROMA = 18;
/** Orange and red this dark are called brown. */
const BROWN_BELOW = 165;
/** Skin, sand and pale brick: the hue of orange, light and faint. */
const BEIGE_SATURATION_BELOW = 0.45;
/** Red this pale is called pink. */
const PINK_SATURATION_BELOW = 0.55;

/** Where each hue ends on the colour circle, in degrees; red comes round again at the end. */
const HUES: readonly (readonly [endDeg: number, name: ColourName])[] = [
  [14, "red"],
  [42, "orange"],
  [64, "yellow"],
  [160, "green"],
  [192, "turquoise"],
  [255, "blue"],
  [295, "purple"],
  [344, "pink"],
  [360, "red"],
];

/** The everyday name of a colour given in 0..255. */
export function colourName(red: number, green: number, blue: number): ColourName {
  const max = Math.max(red, green, blue);
  const chroma = max - Math.min(red, green, blue);
  if (max < BLACK_BELOW) return "black";
  const saturation = chroma / max;
  if (saturation < GREY_BELOW || chroma < MIN_CHROMA) return max > WHITE_ABOVE ? "white" : "grey";
  const hue = hueDeg(red, green, blue, max, chroma);
  const name = HUES.find(([endDeg]) => hue <= endDeg)?.[1] ?? "red";
  if (name === "orange") {
    if (max < BROWN_BELOW) return "brown";
    return saturation < BEIGE_SATURATION_BELOW ? "beige" : "orange";
  }
  if (name === "red" && saturation < PINK_SATURATION_BELOW) {
    return max < BROWN_BELOW ? "brown" : "pink";
  }
  return name;
}

function hueDeg(red: number, green: number, blue: number, max: number, chroma: number): number {
  const sector = max === red
    ? (green - blue) / chroma
    : max === green
    ? 2 + (blue - red) / chroma
    : 4 + (red - green) / chroma;
  return (sector * 60 + 360) % 360;
}

/** Every fifth cell is asked: with 96 cells a row, the next row's fall between those of this. */
const CELL_STRIDE = 5;

/** Which colours fill the pictures, largest share first; shares add up to 1. */
export function coloursOf(pictures: readonly Picture[]): ColourShare[] {
  const counts = new Map<ColourName, number>();
  let total = 0;
  for (const { red, green, blue } of pictures) {
    for (let cell = 0; cell < red.length; cell += CELL_STRIDE) {
      const name = colourName(red[cell]!, green[cell]!, blue[cell]!);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      total++;
    }
  }
  return [...counts]
    .map(([name, count]) => ({ name, share: count / total }))
    .sort((a, b) => b.share - a.share);
}
