/**
 * JPEG bytes to pixels, whatever the bytes are.
 *
 * @module
 */
import decode, { init } from "@jsquash/jpeg/decode.js";
import { codecOptions } from "./codec_options.ts";
import { decoderWasm } from "./_decoder_wasm.js";
import { readJpegFacts } from "./_jpeg_facts.ts";

/** A decoded picture: `data` holds red, green, blue, alpha, 0..255, row after row. */
export interface Pixels {
  readonly data: Uint8ClampedArray;
  readonly widthPx: number;
  readonly heightPx: number;
}

/**
 * Beyond what glasses and phones take in a stream (4K is 8 MP), and 160 MB when decoded. A frame
 * of a few hundred bytes may claim 4 gigapixels.
 */
const MAX_PIXELS = 40_000_000;
/** Encoders write about ten. Each costs a pass over the picture and may take only a few bytes. */
const MAX_SCANS = 100;
/** A wasm memory never shrinks: after a picture this large the codec is started afresh. */
const MAX_KEPT_BYTES = 128 * 1024 * 1024;

let memory: WebAssembly.Memory | undefined;
let ready = false;

/**
 * Decodes one JPEG, turned upright if its EXIF says how it was held.
 *
 * @returns undefined if it is no JPEG, is cut short, claims more than 40 megapixels or 100 scans,
 * or is refused by the decoder.
 */
export async function decodeJpeg(bytes: Uint8Array): Promise<Pixels | undefined> {
  const facts = readJpegFacts(bytes);
  if (!facts || facts.widthPx * facts.heightPx > MAX_PIXELS || facts.scans > MAX_SCANS) {
    return undefined;
  }
  try {
    await startCodec();
    // jSquash says ArrayBuffer; the codec copies any byte array, and only the bytes it views.
    const image = await decode(bytes as unknown as ArrayBuffer, { preserveOrientation: true });
    if (memory && memory.buffer.byteLength > MAX_KEPT_BYTES) ready = false;
    // The codec's pixels are bytes; TypeScript's ImageData may hold half floats as well.
    const data = image.data as Uint8ClampedArray;
    return { data, widthPx: image.width, heightPx: image.height };
  } catch {
    // libjpeg leaves by exit() or a trap, over the heads of its own clean-up: that instance has
    // lost memory at best, so the next frame gets another.
    ready = false;
    return undefined;
  }
}

async function startCodec(): Promise<void> {
  if (ready) return;
  await init(codecOptions(decoderWasm, (started) => memory = started));
  ready = true;
}
