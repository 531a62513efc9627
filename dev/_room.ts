/**
 * The room: in the evening, by lamplight, with a blue balloon.
 *
 * @module
 */
import { Canvas, type Colour, grain, mix, shade, softGrain } from "./_canvas.ts";

const WALL: Colour = [214, 160, 108];
const FLOOR: Colour = [112, 72, 46];
const TABLE: Colour = [88, 54, 36];
const FRAME: Colour = [240, 232, 216];
const NIGHT: Colour = [28, 36, 74];
const STAR: Colour = [236, 236, 220];
const LAMP: Colour = [255, 226, 150];
const RUG: Colour = [150, 44, 52];
const BALLOON: Colour = [40, 92, 206];
const STRING: Colour = [70, 60, 54];

/** Draws the room without the balloon. */
export function drawRoom(widthPx: number, heightPx: number): Canvas {
  const canvas = new Canvas(widthPx, heightPx);
  const w = widthPx, h = heightPx;
  const lampX = 0.82 * w, lampY = 0.4 * h;
  canvas.fillBelow(0, w, () => 0, h, (x, y) => {
    // Brightest about the lamp, with the stripes of a wallpaper.
    const near = Math.exp(-(((x - lampX) / (0.6 * h)) ** 2) - ((y - lampY) / (0.6 * h)) ** 2);
    const stripe = Math.floor(x / (0.06 * h)) % 2 === 0 ? 1 : 0.93;
    return shade(mix(WALL, LAMP, 0.7 * near), (0.72 + 0.3 * near) * stripe);
  });
  canvas.fillBelow(0, w, () => 0.74 * h, h, (x, y) => {
    const board = Math.floor(y / (0.05 * h));
    return shade(FLOOR, 0.8 + 0.25 * grain(board, 7) + 0.2 * softGrain(x / 30, board * 3));
  });
  canvas.ellipse(
    0.45 * w,
    0.89 * h,
    0.26 * w,
    0.08 * h,
    (u, v) => Math.hypot(u, v) > 0.8 ? shade(RUG, 1.35) : RUG,
  );
  drawWindow(canvas, 0.08 * w, 0.14 * h, 0.42 * h);
  drawTable(canvas, lampX, lampY);
  return canvas;
}

function drawWindow(canvas: Canvas, x: number, y: number, size: number): void {
  const bar = 0.045 * size;
  canvas.rectangle(x - bar, y - bar, size + 2 * bar, size + 2 * bar, FRAME);
  canvas.fillBelow(
    x,
    x + size,
    () => y,
    y + size,
    (_, py) => shade(NIGHT, 0.7 + 0.6 * (py - y) / size),
  );
  for (let star = 0; star < 24; star++) {
    const radius = 0.006 * size * (1 + grain(star, 3));
    const starX = x + grain(star, 1) * size;
    canvas.ellipse(starX, y + grain(star, 2) * size, radius, radius, () => STAR);
  }
  canvas.ellipse(x + 0.72 * size, y + 0.26 * size, 0.1 * size, 0.1 * size, () => STAR);
  canvas.rectangle(x + size / 2 - bar / 2, y, bar, size, FRAME);
  canvas.rectangle(x, y + size / 2 - bar / 2, size, bar, FRAME);
}

function drawTable(canvas: Canvas, x: number, lampY: number): void {
  const h = canvas.heightPx;
  const topY = 0.64 * h;
  canvas.rectangle(x - 0.22 * h, topY, 0.44 * h, 0.03 * h, TABLE);
  for (const side of [-0.19, 0.16]) {
    canvas.rectangle(x + side * h, topY, 0.03 * h, 0.28 * h, TABLE);
  }
  canvas.rectangle(x - 0.01 * h, lampY, 0.02 * h, topY - lampY, TABLE);
  canvas.ellipse(x, topY, 0.06 * h, 0.015 * h, () => TABLE);
  const halfAt = (y: number) => 0.06 * h + 0.4 * (y - (lampY - 0.08 * h));
  for (let y = Math.round(lampY - 0.08 * h); y < lampY + 0.06 * h; y++) {
    canvas.rectangle(x - halfAt(y), y, 2 * halfAt(y), 1, LAMP);
  }
}

/** Draws the balloon with its middle at (`xPx`, `yPx`), which may be outside. */
export function drawBalloon(picture: Canvas, xPx: number, yPx: number): void {
  const radius = 0.1 * picture.heightPx;
  picture.rectangle(xPx - 1, yPx + radius, 2, 2.4 * radius, STRING);
  picture.ellipse(
    xPx,
    yPx,
    0.84 * radius,
    radius,
    (u, v) => shade(BALLOON, 1.25 - 0.5 * Math.hypot(u + 0.3, v + 0.4)),
  );
}
