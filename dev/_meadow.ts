/**
 * The meadow: by day, with a red ball, wider than the camera sees at once.
 *
 * @module
 */
import { Canvas, type Colour, grain, mix, shade, softGrain } from "./_canvas.ts";

const SKY_HIGH: Colour = [88, 150, 222];
const SKY_LOW: Colour = [196, 222, 240];
const SUN: Colour = [255, 240, 176];
const CLOUD: Colour = [250, 250, 252];
const HILL: Colour = [104, 140, 128];
const GRASS_FAR: Colour = [116, 172, 74];
const GRASS_NEAR: Colour = [66, 128, 44];
const PATH: Colour = [196, 176, 140];
const TRUNK: Colour = [98, 70, 46];
const LEAVES: Colour = [52, 110, 46];
const WALL: Colour = [232, 218, 190];
const ROOF: Colour = [132, 84, 62];
const DOOR: Colour = [84, 96, 120];
const BALL: Colour = [214, 36, 32];
const SHADOW: Colour = [36, 60, 28];

/** How wide the meadow is, in pictures: what a pan can come upon. */
export const MEADOW_PICTURES = 1.8;

/** Draws the meadow, without the ball, for pictures of this size. */
export function drawMeadow(pictureWidthPx: number, heightPx: number): Canvas {
  const canvas = new Canvas(Math.round(pictureWidthPx * MEADOW_PICTURES), heightPx);
  drawSky(canvas);
  drawGround(canvas);
  const h = heightPx;
  drawTree(canvas, 0.28 * h, 0.66 * h, 0.3 * h);
  drawTree(canvas, 1.62 * h, 0.6 * h, 0.22 * h);
  drawHouse(canvas, 2.2 * h, 0.68 * h, 0.34 * h);
  drawTree(canvas, 2.95 * h, 0.7 * h, 0.36 * h);
  return canvas;
}

function drawSky(canvas: Canvas): void {
  const { widthPx, heightPx: h } = canvas;
  canvas.fillBelow(0, widthPx, () => 0, h, (_, y) => mix(SKY_HIGH, SKY_LOW, y / (0.55 * h)));
  canvas.ellipse(1.3 * h, 0.14 * h, 0.07 * h, 0.07 * h, () => SUN);
  const clouds = [[0.5, 0.16], [1.05, 0.28], [1.9, 0.12], [2.6, 0.24], [3.1, 0.12]] as const;
  for (const [x, y] of clouds) {
    for (let puff = -2; puff <= 2; puff++) {
      const size = (0.075 - 0.014 * Math.abs(puff)) * h;
      const centreY = y * h + 0.01 * h * Math.abs(puff);
      canvas.ellipse(x * h + puff * 0.06 * h, centreY, size * 1.3, size * 0.7, () => CLOUD, 0.85);
    }
  }
}

function drawGround(canvas: Canvas): void {
  const { widthPx, heightPx: h } = canvas;
  const hillAt = (x: number) =>
    h * (0.47 + 0.05 * Math.sin(x / (0.31 * h)) + 0.03 * Math.sin(x / (0.13 * h)));
  canvas.fillBelow(
    0,
    widthPx,
    hillAt,
    h,
    (x, y) => shade(HILL, 0.9 + 0.2 * softGrain(x / 9, y / 5)),
  );
  const grassAt = (x: number) => h * (0.58 + 0.015 * Math.sin(x / (0.4 * h)));
  canvas.fillBelow(0, widthPx, grassAt, h, (x, y) => {
    const near = (y - 0.56 * h) / (0.44 * h);
    // Blades near, and patches of a different green as one finds them in any meadow.
    const light = 0.8 + 0.2 * grain(x, y >> 1) + 0.3 * softGrain(x / 26, y / 11);
    return shade(mix(GRASS_FAR, GRASS_NEAR, near), light);
  });
  const pathAt = (x: number) => h * (0.8 + 0.012 * Math.sin(x / (0.5 * h)));
  for (let x = 0; x < widthPx; x++) {
    canvas.fillBelow(
      x,
      x + 1,
      pathAt,
      pathAt(x) + 0.09 * h,
      (px, y) => shade(PATH, 0.88 + 0.24 * softGrain(px / 5, y / 3)),
    );
  }
  drawFlowers(canvas);
}

function drawFlowers(canvas: Canvas): void {
  const { widthPx, heightPx: h } = canvas;
  const colours: readonly Colour[] = [[250, 226, 90], [250, 250, 250], [214, 130, 196]];
  for (let flower = 0; flower < 160; flower++) {
    const x = grain(flower, 1) * widthPx;
    const y = (0.63 + 0.36 * grain(flower, 2)) * h;
    const onPath = y > 0.78 * h && y < 0.92 * h;
    const size = 0.002 * h + 0.008 * (y - 0.55 * h);
    if (!onPath) canvas.ellipse(x, y, size, size, () => colours[flower % colours.length]!);
  }
}

function drawTree(canvas: Canvas, x: number, footY: number, height: number): void {
  canvas.ellipse(x, footY, 0.42 * height, 0.05 * height, () => SHADOW, 0.4);
  const trunk = 0.09 * height;
  canvas.rectangle(x - trunk / 2, footY - 0.5 * height, trunk, 0.5 * height, TRUNK);
  for (let tuft = 0; tuft < 14; tuft++) {
    const tuftX = x + (grain(tuft, 3) - 0.5) * 0.6 * height;
    const tuftY = footY - (0.45 + 0.5 * grain(tuft, 4)) * height;
    const size = (0.14 + 0.08 * grain(tuft, 5)) * height;
    canvas.ellipse(
      tuftX,
      tuftY,
      size,
      size,
      (u, v) => shade(LEAVES, 1 - 0.3 * v + 0.5 * (softGrain(u * 7 + tuft, v * 7) - 0.5)),
    );
  }
}

function drawHouse(canvas: Canvas, x: number, footY: number, height: number): void {
  const width = 1.3 * height;
  const eavesY = footY - 0.62 * height;
  canvas.rectangle(x - width / 2, eavesY, width, 0.62 * height, WALL);
  const roof = 1.2 * width;
  const slope = (px: number) => eavesY - 0.42 * height * (1 - Math.abs(px - x) / (roof / 2));
  canvas.fillBelow(
    x - roof / 2,
    x + roof / 2,
    slope,
    eavesY + 2,
    (px, y) => shade(ROOF, 0.85 + 0.3 * grain(px >> 2, y >> 1)),
  );
  canvas.rectangle(x - 0.1 * height, footY - 0.36 * height, 0.2 * height, 0.36 * height, DOOR);
  for (const side of [-1, 1]) {
    const left = x + side * 0.4 * height - 0.1 * height;
    canvas.rectangle(left, footY - 0.46 * height, 0.2 * height, 0.2 * height, SKY_HIGH);
  }
}

/** Draws the ball on the path of a picture, its middle `x` pictures from the left, turned by `turn`. */
export function drawBall(picture: Canvas, xPx: number, turnRad: number): void {
  const h = picture.heightPx;
  const radius = 0.085 * h;
  const y = 0.85 * h - radius;
  picture.ellipse(xPx, 0.855 * h, radius, 0.2 * radius, () => SHADOW, 0.5);
  picture.ellipse(xPx, y, radius, radius, (u, v) => {
    // One white stripe shows how it rolls; light comes from the upper left.
    const across = u * Math.cos(turnRad) + v * Math.sin(turnRad);
    const colour: Colour = Math.abs(across) < 0.13 ? [245, 236, 226] : BALL;
    return shade(colour, 1.05 - 0.35 * Math.hypot(u + 0.35, v + 0.4));
  });
}
