/**
 * Drawn footage of which is known what changes in it and when: to measure what looks for changes.
 *
 * @module
 */
import { Canvas, type Colour, grain } from "./_canvas.ts";
import { drawMeadow } from "./_meadow.ts";
import { drawRoom } from "./_room.ts";
import type { Drawing } from "./jpeg.ts";

/** A piece of footage of {@link FOOTAGE_S}. */
export interface Footage {
  readonly name: string;
  /** When something changes, in seconds from the start; what goes on for long, step by step. */
  readonly changesAtS: readonly number[];
  /** How long a step of what goes on for long takes; 0 for what changes at once. */
  readonly stepS: number;
  /** The picture at a time: the same for the same time. */
  drawAt(timeS: number): Drawing;
}

/** How long each piece is. */
export const FOOTAGE_S = 30;

interface Plan {
  readonly name: string;
  readonly changesAtS: readonly number[];
  readonly stepS?: number;
  /** Levels of sensor noise, standard deviation. */
  readonly noise?: number;
  draw(timeS: number): Canvas;
}

/** Levels of noise of a phone's camera by day, before the encoder takes most of it. */
const DAY_NOISE = 4;
const NIGHT_NOISE = 9;
const DARK: Colour = [46, 48, 62];
const RED: Colour = [214, 40, 36];
const GREEN: Colour = [30, 158, 70];
const PAPER: Colour = [236, 234, 226];
const INK: Colour = [30, 30, 36];

/** All the footage, for pictures of this size. */
export function createFootage(
  { widthPx, heightPx }: { readonly widthPx: number; readonly heightPx: number },
): readonly Footage[] {
  const meadow = drawMeadow(widthPx, heightPx);
  const room = drawRoom(widthPx, heightPx);
  return [
    ...stillPlans(meadow, room),
    ...personPlans(meadow, room),
    ...changingPlans(meadow, room),
    ...slowPlans(meadow, room),
  ]
    .map(({ name, changesAtS, stepS = 0, noise = DAY_NOISE, draw }) => ({
      name,
      changesAtS,
      stepS,
      drawAt: (timeS) => withNoise(draw(timeS), noise, timeS),
    }));
}

/** Nothing in them changes. */
function stillPlans(meadow: Canvas, room: Canvas): Plan[] {
  const changesAtS: number[] = [];
  return [
    { name: "still tripod", changesAtS, draw: () => copyOf(room) },
    {
      name: "noise at night",
      changesAtS,
      noise: NIGHT_NOISE,
      draw: () => lit(room, 0.3),
    },
    {
      name: "flicker by 6 %",
      changesAtS,
      draw: (timeS) => lit(room, 1 - 0.06 * grain(Math.round(timeS * 30), 5)),
    },
    {
      name: "trembling by 3 px",
      changesAtS,
      draw: (timeS) => meadow.window(40 + 3 * grain(Math.round(timeS * 30), 6), room.widthPx),
    },
  ];
}

const TURNS_S = [6, 12, 18, 24];

/** Which of the parts between the turns it is, from 0. */
function turnAt(timeS: number): number {
  return TURNS_S.filter((turnS) => timeS >= turnS).length;
}

/** Somebody comes and goes. */
function personPlans(meadow: Canvas, { widthPx: w, heightPx: h }: Canvas): Plan[] {
  return [
    {
      name: "a person at the edge (3 %)",
      changesAtS: TURNS_S,
      draw(timeS) {
        const picture = meadow.window(0, w);
        const x = [null, 0, null, 0.94 * w, null][turnAt(timeS)]!;
        if (x !== null) picture.rectangle(x, 0.45 * h, 0.06 * w, 0.5 * h, DARK);
        return picture;
      },
    },
    {
      name: "a person far away (0.3 %)",
      changesAtS: TURNS_S,
      draw(timeS) {
        const picture = meadow.window(0, w);
        if (turnAt(timeS) % 2 === 1) picture.rectangle(0.6 * w, 0.6 * h, 0.023 * w, 0.13 * h, DARK);
        return picture;
      },
    },
  ];
}

/** Something changes at once. */
function changingPlans(meadow: Canvas, room: Canvas): Plan[] {
  const w = room.widthPx;
  return [
    {
      name: "hard cuts",
      changesAtS: TURNS_S,
      draw: (timeS) => turnAt(timeS) % 2 === 0 ? copyOf(room) : meadow.window(0, w),
    },
    { name: "words on a sign", changesAtS: TURNS_S, draw: (timeS) => signAt(room, turnAt(timeS)) },
    {
      name: "a traffic light, 20 px",
      changesAtS: TURNS_S,
      draw(timeS) {
        const picture = meadow.window(0, w);
        const isRed = turnAt(timeS) % 2 === 0;
        picture.rectangle(0.4 * w, 0.3 * room.heightPx, 28, 52, INK);
        picture.ellipse(
          0.4 * w + 14,
          0.3 * room.heightPx + 14,
          10,
          10,
          () => isRed ? RED : [60, 20, 20],
        );
        picture.ellipse(
          0.4 * w + 14,
          0.3 * room.heightPx + 38,
          10,
          10,
          () => isRed ? [16, 50, 26] : GREEN,
        );
        return picture;
      },
    },
    {
      name: "a lamp is switched",
      changesAtS: TURNS_S,
      draw: (timeS) => lit(room, turnAt(timeS) % 2 === 0 ? 1 : 0.7),
    },
  ];
}

/** Something changes slowly; it has changed each time that it has gone a step. */
function slowPlans(meadow: Canvas, room: Canvas): Plan[] {
  const every = (stepS: number) => ({
    stepS,
    changesAtS: Array.from(
      { length: Math.floor((FOOTAGE_S - 1) / stepS) },
      (_, at) => (at + 1) * stepS,
    ),
  });
  const w = room.widthPx;
  return [
    {
      name: "slow pan, 2 % a second",
      ...every(2.5),
      draw: (timeS) => meadow.window(0.02 * timeS * w, w),
    },
    {
      name: "very slow pan, 0.5 % a second",
      ...every(10),
      draw: (timeS) => meadow.window(0.005 * timeS * w, w),
    },
    {
      name: "dusk, a fifth darker each 6 s",
      ...every(6),
      draw: (timeS) => lit(room, 0.8 ** (timeS / 6)),
    },
  ];
}

/** A sheet of 140 x 44 pixels with a row of letters, which are a different word each time. */
function signAt(room: Canvas, word: number): Canvas {
  const picture = copyOf(room);
  const left = 0.3 * room.widthPx, top = 0.3 * room.heightPx;
  picture.rectangle(left, top, 140, 44, PAPER);
  for (let letter = 0; letter < 6; letter++) {
    for (let stroke = 0; stroke < 9; stroke++) {
      // Six strokes of nine, as in most capitals.
      if (grain(letter * 9 + stroke, word) > 0.6) continue;
      const x = left + 10 + letter * 21 + (stroke % 3) * 5;
      picture.rectangle(x, top + 8 + Math.floor(stroke / 3) * 10, 4, 9, INK);
    }
  }
  return picture;
}

function copyOf(canvas: Canvas): Canvas {
  return canvas.window(0, canvas.widthPx);
}

/** The picture in less light, all colours alike. */
function lit(canvas: Canvas, light: number): Canvas {
  const copy = copyOf(canvas);
  for (let at = 0; at < copy.data.length; at++) {
    if ((at & 3) < 3) copy.data[at] = copy.data[at]! * light;
  }
  return copy;
}

/** Adds noise of about the normal distribution, other at each time. */
function withNoise(canvas: Canvas, deviation: number, timeS: number): Canvas {
  let state = Math.round(timeS * 1000) * 7919 + 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  };
  const { data } = canvas;
  for (let at = 0; at < data.length; at += 4) {
    // The sum of three numbers from -1 to 1 deviates by 1.
    const noise = deviation * (next() + next() + next());
    for (let colour = at; colour < at + 3; colour++) data[colour] = data[colour]! + noise;
  }
  return canvas;
}
