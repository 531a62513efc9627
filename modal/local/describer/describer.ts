/**
 * The local describer: what the loopback stand-in for Modal has in place of a vision-language
 * model. It says what can be measured in a chunk of frames, and nothing that cannot.
 *
 * @module
 */
import { decodeJpeg, type Pixels } from "./_decode.ts";
import { type Frame, measure } from "./_measure.ts";
import { gridFor, type GridSize, toPicture } from "./_picture.ts";
import { sharpnessOf } from "./_sharpness.ts";
import { wordMeasurements } from "./_wording.ts";
import type { Measurements } from "./measurements.ts";

/** A chunk in words, and the measurements behind them. */
export interface Description {
  /** One English sentence in the present tense; empty if there were no frames. */
  readonly caption: string;
  /** Undefined if there were no frames. */
  readonly measured: Measurements | undefined;
}

/** None of the frames of a chunk could be decoded. */
export class UndecodableFramesError extends Error {
  override name = "UndecodableFramesError";

  /** @param framesGiven How many frames there were. */
  constructor(framesGiven: number) {
    const frames = framesGiven === 1
      ? "1 frame: it is not"
      : `${framesGiven} frames: none of them is`;
    super(`Cannot describe ${frames} a JPEG that can be decoded`);
  }
}

/**
 * Describes a chunk of JPEG frames, given in the order they were taken.
 *
 * Frames that cannot be decoded are passed over. It takes about 60 ms of CPU for 6 frames of
 * 768 x 576, half of it decoding, and does not yield: run it in a Worker (`container.ts`).
 *
 * @throws {UndecodableFramesError} If there are frames and none can be decoded.
 */
export async function describeFrames(frames: readonly Uint8Array[]): Promise<Description> {
  if (frames.length === 0) return { caption: "", measured: undefined };
  const read: Frame[] = [];
  let grid: GridSize | undefined;
  for (const bytes of frames) {
    const pixels = await decodeJpeg(bytes);
    if (!pixels) continue;
    // Frames of another size are fitted to the first one's grid, so that they can be compared.
    grid ??= gridFor(pixels.widthPx, pixels.heightPx);
    read.push(toFrame(pixels, grid));
  }
  if (read.length === 0) throw new UndecodableFramesError(frames.length);
  const measured = measure(read, frames.length);
  return { caption: wordMeasurements(measured), measured };
}

/** Only the grid is kept of a frame: six of 40 megapixels would be a gigabyte. */
function toFrame(pixels: Pixels, grid: GridSize): Frame {
  return { picture: toPicture(pixels, grid), sharpness: sharpnessOf(pixels) };
}
