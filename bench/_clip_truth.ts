/**
 * What changes in a clip, by full decoding: ffmpeg's own pictures of 64 x 64 levels of grey.
 *
 * @module
 */

const SIDE = 64;
const CELLS = SIDE * SIDE;
/** A picture differs if it does by so many levels on average ... */
const MEAN_LEVELS = 5;
/** ... or if so many of its cells (0.6 % of them: somebody far away) do by so many levels. */
const FEW_CELLS = 24;
const CELL_LEVELS = 40;

/** The decoded frames of a clip. */
export class ClipTruth {
  readonly #pictures: readonly Uint8Array[];

  constructor(pictures: readonly Uint8Array[]) {
    this.#pictures = pictures;
  }

  /** How many frames it has. */
  get frames(): number {
    return this.#pictures.length;
  }

  /** How many pictures an all-seeing governor would let through after the first. */
  get changes(): number {
    let reference = 0;
    let changes = 0;
    for (let at = 1; at < this.frames; at++) {
      if (!this.differs(reference, at)) continue;
      reference = at;
      changes++;
    }
    return changes;
  }

  /** Whether two frames show something different. */
  differs(one: number, other: number): boolean {
    const a = this.#pictures[one]!, b = this.#pictures[other]!;
    let sum = 0;
    let far = 0;
    for (let cell = 0; cell < CELLS; cell++) {
      const difference = Math.abs(a[cell]! - b[cell]!);
      sum += difference;
      if (difference > CELL_LEVELS) far++;
    }
    return sum > MEAN_LEVELS * CELLS || far >= FEW_CELLS;
  }
}

/**
 * Decodes a video at `fps`.
 *
 * @throws {Error} if ffmpeg is missing or cannot read it
 */
export async function decodeClip(path: string, fps: number): Promise<ClipTruth> {
  const filter = `fps=${fps},scale=${SIDE}:${SIDE}:flags=area,format=gray`;
  const args = ["-v", "error", "-i", path, "-vf", filter, "-f", "rawvideo", "-"];
  const { success, stdout, stderr } = await new Deno.Command("ffmpeg", { args }).output();
  if (!success) throw new Error(`Cannot read ${path}: ${new TextDecoder().decode(stderr).trim()}`);
  return new ClipTruth(
    Array.from({ length: Math.floor(stdout.length / CELLS) }, (_, at) => {
      return stdout.subarray(at * CELLS, (at + 1) * CELLS);
    }),
  );
}
