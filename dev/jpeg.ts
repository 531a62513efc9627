/**
 * Pixels to JPEG, for scenes that are drawn.
 *
 * @module
 */
import encode, { init } from "@jsquash/jpeg/encode.js";
import { codecOptions } from "../modal/local/describer/codec_options.ts";
import { encoderWasm } from "./_encoder_wasm.js";

/** A drawn picture: red, green, blue, alpha, 0..255, row after row. */
export interface Drawing {
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** About what phones send: 640 x 360 come to 25 KB. */
const DEFAULT_QUALITY = 85;

let started: Promise<void> | undefined;

/** Encodes a picture; `quality` is libjpeg's, 1..100. About 17 ms for 640 x 360. */
export async function encodeJpeg(
  { data, widthPx, heightPx }: Drawing,
  quality: number = DEFAULT_QUALITY,
): Promise<Uint8Array<ArrayBuffer>> {
  started ??= init(codecOptions(encoderWasm));
  await started;
  const image = { data, width: widthPx, height: heightPx, colorSpace: "srgb" } as ImageData;
  // Baseline with optimised tables takes half the time of jSquash's default, progressive.
  const options = { quality, baseline: true, progressive: false };
  return new Uint8Array(await encode(image, options));
}
