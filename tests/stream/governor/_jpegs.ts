/**
 * JPEGs of every kind that a governor may meet.
 *
 * @module
 */
import encode from "@jsquash/jpeg/encode.js";
import { encodeJpeg } from "../../../dev/jpeg.ts";
import { ground, type Paint } from "../../modal/local/describer/_pictures.ts";

/** Options of mozjpeg, as jSquash names them. */
export type EncodeOptions = NonNullable<Parameters<typeof encode>[1]>;

/** The kinds that are read, by name. */
export const KINDS: Readonly<Record<string, EncodeOptions>> = {
  "baseline 4:2:0": { auto_subsample: false, chroma_subsample: 2, progressive: false },
  "baseline 4:2:2": { auto_subsample: true, quality: 85, progressive: false },
  "baseline 4:4:4": { auto_subsample: false, chroma_subsample: 1, progressive: false },
  "standard tables": { progressive: false, baseline: true, optimize_coding: false },
  "high quality": { quality: 98, progressive: false, baseline: true },
  "low quality": { quality: 25, progressive: false, baseline: true },
  "grey": { color_space: 1, progressive: false, baseline: true },
  "progressive": { progressive: true, baseline: false },
};

/** Draws a picture and encodes it in one of its kinds. */
export async function jpegOf(
  paint: Paint = ground,
  options: EncodeOptions = KINDS["baseline 4:2:0"]!,
  { widthPx = 200, heightPx = 150 } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  // Starts the encoder in the way of the project, which needs no permission.
  await encodeJpeg({ data: new Uint8ClampedArray(4 * 64), widthPx: 8, heightPx: 8 });
  const data = new Uint8ClampedArray(4 * widthPx * heightPx);
  for (let y = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) data.set([...paint(x, y), 255], 4 * (y * widthPx + x));
  }
  const image = { data, width: widthPx, height: heightPx, colorSpace: "srgb" } as ImageData;
  return new Uint8Array(await encode(image, { quality: 85, ...options }));
}

/** A JPEG with an APP1 segment in front, as EXIF, in which a small JPEG lies. */
export function withExif(jpeg: Uint8Array, preview: Uint8Array): Uint8Array {
  const size = 2 + preview.length;
  return join(
    jpeg.subarray(0, 2),
    [0xff, 0xe1, size >>> 8, size & 255],
    preview,
    jpeg.subarray(2),
  );
}

/** Joins bytes. */
export function join(...parts: readonly ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** How the blocks of a {@link mosaic} are sent. */
export interface MosaicOptions {
  /** Blocks of each component in a unit, luma first and with the most; one component is a grey picture. */
  readonly sampling?: readonly (readonly [across: number, down: number])[];
  /** Units between restart markers; 0: none. */
  readonly restartUnits?: number;
}

/**
 * Writes a baseline JPEG by hand, each block of one level: for what mozjpeg does not write.
 *
 * @param levelOf the level (0..255) of each component's block in a unit
 */
export function mosaic(
  unitCols: number,
  unitRows: number,
  levelOf: (col: number, row: number, component: number) => number,
  { sampling = [[1, 1]], restartUnits = 0 }: MosaicOptions = {},
): Uint8Array<ArrayBuffer> {
  // A unit of a scan of one component is one block, whatever its sampling (T.81, A.2.2).
  const blocks = sampling.length > 1 ? sampling : [[1, 1]] as const;
  const width = unitCols * 8 * blocks[0]![0], height = unitRows * 8 * blocks[0]![1];
  const components = sampling.flatMap(([h, v], at) => [at + 1, (h << 4) | v, 0]);
  return join(
    [0xff, 0xd8],
    [0xff, 0xdb, 0, 67, 0, ...Array(64).fill(8)],
    [0xff, 0xc0, 0, 8 + components.length, 8, height >> 8, height & 255, width >> 8, width & 255],
    [sampling.length, ...components],
    // DC: sizes 0..11, each in eight bits, so that some go beyond a lookup; AC: the end of a
    // block, in 12 bits, behind a coefficient that is not used.
    [0xff, 0xc4, 0, 31, 0x00, ...Array(7).fill(0), 12, ...Array(8).fill(0), ...Array(12).keys()],
    [0xff, 0xc4, 0, 21, 0x10, ...Array(11).fill(0), 2, ...Array(4).fill(0), 0x01, 0x00],
    [0xff, 0xdd, 0, 4, restartUnits >> 8, restartUnits & 255],
    [0xff, 0xda, 0, 6 + 2 * sampling.length, sampling.length],
    [...sampling.flatMap((_, at) => [at + 1, 0]), 0, 63, 0],
    scanOf(
      unitCols * unitRows,
      (unit, component) => {
        return levelOf(unit % unitCols, Math.floor(unit / unitCols), component);
      },
      blocks,
      restartUnits,
    ),
    [0xff, 0xd9],
  );
}

function scanOf(
  units: number,
  levelOf: (unit: number, component: number) => number,
  sampling: readonly (readonly [number, number])[],
  restartUnits: number,
): number[] {
  const bytes: number[] = [];
  let bits = "";
  let last = sampling.map(() => 0);
  const flush = () => {
    for (bits += "1".repeat((8 - bits.length % 8) % 8); bits; bits = bits.slice(8)) {
      const byte = parseInt(bits.slice(0, 8), 2);
      bytes.push(...(byte === 0xff ? [byte, 0] : [byte]));
    }
  };
  for (let unit = 0; unit < units; unit++) {
    if (restartUnits > 0 && unit > 0 && unit % restartUnits === 0) {
      flush();
      bytes.push(0xff, 0xd0 + (unit / restartUnits - 1) % 8);
      last = sampling.map(() => 0);
    }
    for (const [component, [across, down]] of sampling.entries()) {
      // With quantisation 8, a DC coefficient is the level itself about 128.
      const dc = Math.round(levelOf(unit, component)) - 128;
      for (let block = 0; block < across * down; block++) {
        bits += `${bitsOf(dc - last[component]!)}000000000001`;
        last[component] = dc;
      }
    }
  }
  flush();
  return bytes;
}

function bitsOf(difference: number): string {
  const size = difference === 0 ? 0 : 32 - Math.clz32(Math.abs(difference));
  const value = difference < 0 ? difference + (1 << size) - 1 : difference;
  return size.toString(2).padStart(8, "0") + (size ? value.toString(2).padStart(size, "0") : "");
}
