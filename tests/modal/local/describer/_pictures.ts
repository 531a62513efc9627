/**
 * Pictures for the describer's tests, drawn pixel by pixel.
 *
 * @module
 */
import { encodeJpeg } from "../../../../dev/jpeg.ts";

/** Red, green, blue, 0..255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** The colour at a pixel. */
export type Paint = (x: number, y: number) => Colour;

/** Large enough for the describer's full grid of 96 x 72, small enough to encode in no time. */
export const WIDTH_PX = 192;
export const HEIGHT_PX = 144;

/** Draws a picture and encodes it. */
export function jpegOf(
  paint: Paint,
  { widthPx = WIDTH_PX, heightPx = HEIGHT_PX } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const data = new Uint8ClampedArray(4 * widthPx * heightPx);
  for (let y = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) data.set([...paint(x, y), 255], 4 * (y * widthPx + x));
  }
  return encodeJpeg({ data, widthPx, heightPx }, 90);
}

/** Several pictures, one for each number from 0 to `count` - 1. */
export function film(count: number, paintAt: (i: number) => Paint): Promise<Uint8Array[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => jpegOf(paintAt(i))));
}

/** One colour all over. */
export function plain(...colour: Colour): Paint {
  return () => colour;
}

/** A green ground that has detail everywhere, goes on without end, and is nowhere the same. */
export function ground(x: number, y: number): Colour {
  const light = 0.55 + 0.4 * patches(x / 9, y / 9) + 0.5 * patches(x / 31 + 50, y / 31 + 50);
  return [70 * light, 150 * light, 60 * light];
}

/** Smooth noise, 0..1, from numbers on a grid that look random. */
function patches(x: number, y: number): number {
  const left = Math.floor(x), top = Math.floor(y);
  const u = x - left, v = y - top;
  const upper = grain(left, top) * (1 - u) + grain(left + 1, top) * u;
  const lower = grain(left, top + 1) * (1 - u) + grain(left + 1, top + 1) * u;
  return upper * (1 - v) + lower * v;
}

function grain(x: number, y: number): number {
  let hash = Math.imul(x, 374761393) ^ Math.imul(y, 668265263);
  hash = Math.imul(hash ^ (hash >>> 13), 1274126177);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** A square of a colour, 24 pixels wide, its middle at (`x`, `y`), over other paint. */
export function square(middleX: number, middleY: number, colour: Colour, under: Paint): Paint {
  return (x, y) =>
    Math.max(Math.abs(x - middleX), Math.abs(y - middleY)) < 12 ? colour : under(x, y);
}
