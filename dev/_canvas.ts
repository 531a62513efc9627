/**
 * A few shapes with soft edges, enough to draw a picture book.
 *
 * @module
 */
import type { Drawing } from "./jpeg.ts";

/** Red, green, blue, 0..255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** Pixels to draw on; coordinates are in pixels from the top left, and may lie outside. */
export class Canvas implements Drawing {
  readonly data: Uint8ClampedArray<ArrayBuffer>;

  /** An opaque black canvas. */
  constructor(readonly widthPx: number, readonly heightPx: number) {
    this.data = new Uint8ClampedArray(4 * widthPx * heightPx);
    for (let at = 3; at < this.data.length; at += 4) this.data[at] = 255;
  }

  /** Covers a pixel with a colour, `cover` 0..1. */
  blend(x: number, y: number, [red, green, blue]: Colour, cover: number): void {
    if (cover <= 0 || x < 0 || y < 0 || x >= this.widthPx || y >= this.heightPx) return;
    const at = 4 * (y * this.widthPx + x);
    const part = Math.min(1, cover);
    this.data[at] = this.data[at]! + part * (red - this.data[at]!);
    this.data[at + 1] = this.data[at + 1]! + part * (green - this.data[at + 1]!);
    this.data[at + 2] = this.data[at + 2]! + part * (blue - this.data[at + 2]!);
  }

  /** Fills from `topAt(x)` down to `bottomPx`, in a colour for each pixel. */
  fillBelow(
    fromX: number,
    toX: number,
    topAt: (x: number) => number,
    bottomPx: number,
    colourAt: (x: number, y: number) => Colour,
  ): void {
    const lastX = Math.min(this.widthPx, Math.round(toX));
    const lastY = Math.min(this.heightPx, Math.round(bottomPx));
    for (let x = Math.max(0, Math.round(fromX)); x < lastX; x++) {
      const top = topAt(x);
      for (let y = Math.max(0, Math.floor(top)); y < lastY; y++) {
        this.blend(x, y, colourAt(x, y), y + 1 - top);
      }
    }
  }

  /** Fills an upright rectangle. */
  rectangle(x: number, y: number, width: number, height: number, colour: Colour): void {
    this.fillBelow(x, x + width, () => y, y + height, () => colour);
  }

  /** Fills an ellipse; `colourAt` is given the place within it, -1..1 each way. */
  ellipse(
    centreX: number,
    centreY: number,
    radiusX: number,
    radiusY: number,
    colourAt: (u: number, v: number) => Colour,
    cover = 1,
  ): void {
    for (let y = Math.floor(centreY - radiusY); y <= centreY + radiusY + 1; y++) {
      for (let x = Math.floor(centreX - radiusX); x <= centreX + radiusX + 1; x++) {
        const u = (x + 0.5 - centreX) / radiusX;
        const v = (y + 0.5 - centreY) / radiusY;
        // About how many pixels this one is inside the edge: half a pixel is half covered.
        const inside = (1 - Math.hypot(u, v)) * Math.min(radiusX, radiusY);
        if (inside > -0.5) this.blend(x, y, colourAt(u, v), cover * Math.min(1, inside + 0.5));
      }
    }
  }

  /** A part of this canvas, `widthPx` wide, from column `fromX` (which may be a fraction) on. */
  window(fromX: number, widthPx: number): Canvas {
    const part = new Canvas(widthPx, this.heightPx);
    const first = Math.min(this.widthPx - widthPx, Math.max(0, Math.round(fromX)));
    for (let y = 0; y < this.heightPx; y++) {
      const start = 4 * (y * this.widthPx + first);
      part.data.set(this.data.subarray(start, start + 4 * widthPx), 4 * y * widthPx);
    }
    return part;
  }

  /** Dims all to `light`, 0 (nothing) to 1 (as it is), in the blue of night. */
  dim(light: number): void {
    if (light >= 1) return;
    // Red goes first in the dusk.
    const factors = [light ** 1.15, light, light ** 0.9, 1];
    for (let at = 0; at < this.data.length; at++) this.data[at] = this.data[at]! * factors[at & 3]!;
  }
}

/** A colour between two others: `from` at 0, `to` at 1. */
export function mix(from: Colour, to: Colour, part: number): Colour {
  const at = Math.min(1, Math.max(0, part));
  return [
    from[0] + at * (to[0] - from[0]),
    from[1] + at * (to[1] - from[1]),
    from[2] + at * (to[2] - from[2]),
  ];
}

/** A colour made lighter (above 1) or darker (below 1). */
export function shade([red, green, blue]: Colour, factor: number): Colour {
  return [red * factor, green * factor, blue * factor];
}

/** A number 0..1 that looks random and is always the same for the same place. */
export function grain(x: number, y: number): number {
  let hash = Math.imul(x | 0, 374761393) ^ Math.imul(y | 0, 668265263);
  hash = Math.imul(hash ^ (hash >>> 13), 1274126177);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** {@link grain}, smooth from place to place. */
export function softGrain(x: number, y: number): number {
  const left = Math.floor(x), top = Math.floor(y);
  const u = x - left, v = y - top;
  const upper = grain(left, top) * (1 - u) + grain(left + 1, top) * u;
  const lower = grain(left, top + 1) * (1 - u) + grain(left + 1, top + 1) * u;
  return upper * (1 - v) + lower * v;
}
