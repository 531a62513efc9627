/**
 * JPEGs of about a given size.
 *
 * @module
 */
import { splitJpegs } from "../dev/clip.ts";
import { type Drawing, encodeJpeg } from "../dev/jpeg.ts";

/** Huffman tables: the standard's in every frame, as phones have them, or made for each frame. */
export type Tables = "standard" | "own";

/** What libjpeg and ffmpeg call their qualities, from the largest frames to the smallest. */
const LIBJPEG_QUALITIES = Array.from({ length: 98 }, (_, at) => 98 - at);
const FFMPEG_QUALITIES = Array.from({ length: 30 }, (_, at) => 2 + at);

/**
 * Encodes drawings of one size, in the quality whose first frame comes nearest to `bytes`.
 *
 * @throws {Error} if there is no ffmpeg, which alone writes the standard's tables
 */
export async function sizedFrames(
  drawings: readonly Drawing[],
  bytes: number,
  tables: Tables,
): Promise<Uint8Array[]> {
  const qualities = tables === "own" ? LIBJPEG_QUALITIES : FFMPEG_QUALITIES;
  const encode = tables === "own" ? encodeAll : encodeByFfmpeg;
  const sizeIn = async (at: number) =>
    (await encode(drawings.slice(0, 1), qualities[at]!))[0]!.length;
  let from = 0, to = qualities.length - 1;
  while (to - from > 1) {
    const middle = (from + to) >> 1;
    if (await sizeIn(middle) > bytes) from = middle;
    else to = middle;
  }
  const [larger, smaller] = [await sizeIn(from), await sizeIn(to)];
  const best = larger - bytes < bytes - smaller ? from : to;
  return await encode(drawings, qualities[best]!);
}

function encodeAll(drawings: readonly Drawing[], quality: number): Promise<Uint8Array[]> {
  return Promise.all(drawings.map((drawing) => encodeJpeg(drawing, quality)));
}

async function encodeByFfmpeg(
  drawings: readonly Drawing[],
  quality: number,
): Promise<Uint8Array[]> {
  const { widthPx, heightPx } = drawings[0]!;
  const input = ["-f", "rawvideo", "-pix_fmt", "rgba", "-s", `${widthPx}x${heightPx}`, "-i", "-"];
  const coding = ["-c:v", "mjpeg", "-huffman", "default", "-pix_fmt", "yuvj420p"];
  const ffmpeg = new Deno.Command("ffmpeg", {
    args: ["-v", "error", ...input, ...coding, "-q:v", `${quality}`, "-f", "image2pipe", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const frames = Array.fromAsync(splitJpegs(ffmpeg.stdout));
  await ReadableStream.from(drawings.map(({ data }) => new Uint8Array(data.buffer)))
    .pipeTo(ffmpeg.stdin);
  return await frames;
}
