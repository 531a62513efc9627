/**
 * The drawn scene: what the demo streams when it is given no footage.
 *
 * A small story in which one thing happens at a time, so that a caption can be held against it.
 *
 * @module
 */
import type { Canvas } from "./_canvas.ts";
import { drawBall, drawMeadow, MEADOW_PICTURES } from "./_meadow.ts";
import { drawBalloon, drawRoom } from "./_room.ts";
import { encodeJpeg } from "./jpeg.ts";

/** A scene as a camera would take it. */
export interface Scene {
  /**
   * The frame at a time, as JPEG: the same bytes for the same time.
   *
   * @param timeS Seconds from the start, 0 or more; the story begins again after {@link SCENE_S}.
   */
  frameAt(timeS: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** When each part of the story ends, in seconds from the start. */
export const SCENE_ENDS_S = {
  /** A red ball rolls across a meadow from left to right. */
  ballRolls: 5,
  /** It lies there, and nothing moves. */
  stillness: 8,
  /** The camera pans right. */
  pan: 12,
  /** Night falls. */
  dusk: 15,
  /** It is dark, and nothing moves; it ends within a second, so that a chunk of one sees the cut. */
  night: 16.5,
  /** Cut: in a room, a blue balloon rises. */
  balloonRises: 20.5,
} as const;

/** How long the story is, in seconds. */
export const SCENE_S: number = SCENE_ENDS_S.balloonRises;

/** Where the ball starts and comes to rest, in pictures from the left. */
const BALL_FROM = 0.08;
const BALL_TO = 0.72;
/** What is left of the light at night: dark, and yet one sees the house. */
const NIGHT_LIGHT = 0.14;

/** When each part of the evening ends, in seconds from the start. */
export const EVENING_ENDS_S = {
  /** The red ball rolls across the meadow. */
  day: 3,
  /** Night falls. */
  dusk: 5,
  /** It is dark, and nothing moves. */
  night: 13,
} as const;

/** How long the evening is, in seconds. */
export const EVENING_S: number = EVENING_ENDS_S.night;

/** A meadow on which night falls for good: what the demo streams when it is given a rule. */
export function createEvening(
  { widthPx, heightPx }: { readonly widthPx: number; readonly heightPx: number },
): Scene {
  const meadow = drawMeadow(widthPx, heightPx);
  return {
    frameAt(timeS) {
      const picture = meadow.window(0, widthPx);
      const wayPx = part(timeS, 0, EVENING_ENDS_S.day) * (BALL_TO - BALL_FROM) * widthPx;
      drawBall(picture, BALL_FROM * widthPx + wayPx, wayPx / (0.085 * picture.heightPx));
      const fallen = part(timeS, EVENING_ENDS_S.day, EVENING_ENDS_S.dusk);
      picture.dim(1 - (1 - NIGHT_LIGHT) * fallen);
      return encodeJpeg(picture);
    },
  };
}

/** A scene of this size; drawing a frame takes about 20 ms at 640 x 360. */
export function createScene(
  { widthPx, heightPx }: { readonly widthPx: number; readonly heightPx: number },
): Scene {
  let meadow: Canvas | undefined;
  let room: Canvas | undefined;
  return {
    frameAt(timeS) {
      const at = timeS % SCENE_S;
      if (at < SCENE_ENDS_S.night) {
        meadow ??= drawMeadow(widthPx, heightPx);
        return encodeJpeg(meadowAt(meadow, widthPx, at));
      }
      room ??= drawRoom(widthPx, heightPx);
      return encodeJpeg(roomAt(room, at));
    },
  };
}

function meadowAt(meadow: Canvas, widthPx: number, atS: number): Canvas {
  const panned = part(atS, SCENE_ENDS_S.stillness, SCENE_ENDS_S.pan);
  const cameraX = panned * (MEADOW_PICTURES - 1) * widthPx;
  const picture = meadow.window(cameraX, widthPx);
  const rolled = part(atS, 0, SCENE_ENDS_S.ballRolls);
  const wayPx = rolled * (BALL_TO - BALL_FROM) * widthPx;
  const radiusPx = 0.085 * picture.heightPx;
  drawBall(picture, BALL_FROM * widthPx + wayPx - Math.round(cameraX), wayPx / radiusPx);
  picture.dim(1 - (1 - NIGHT_LIGHT) * part(atS, SCENE_ENDS_S.pan, SCENE_ENDS_S.dusk));
  return picture;
}

function roomAt(room: Canvas, atS: number): Canvas {
  const picture = room.window(0, room.widthPx);
  const risen = part(atS, SCENE_ENDS_S.night, SCENE_ENDS_S.balloonRises);
  const sway = 0.015 * Math.sin(2 * Math.PI * risen);
  drawBalloon(picture, (0.5 + sway) * room.widthPx, (0.88 - 0.72 * risen) * room.heightPx);
  return picture;
}

/** How much of the time from `fromS` to `toS` has passed, 0..1. */
function part(atS: number, fromS: number, toS: number): number {
  return Math.min(1, Math.max(0, (atS - fromS) / (toS - fromS)));
}
