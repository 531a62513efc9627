/**
 * Footage as the JPEG frames that a phone would send.
 *
 * @module
 */

/** The quality of ffmpeg's JPEGs, 2 (best) to 31; 5 comes to what glasses send. */
const FFMPEG_JPEG_QUALITY = "5";
const START_OF_IMAGE = [0xff, 0xd8];
const END_OF_IMAGE = [0xff, 0xd9];

/**
 * The frames of a video (through `ffmpeg`, at `fps`), or of a folder of JPEG or PNG files (in the
 * order of their names, each one a frame).
 *
 * @throws {Error} if there is nothing at `path`, or ffmpeg is missing or cannot read it
 */
export async function* clipFrames(
  path: string,
  fps: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const stat = await Deno.stat(path).catch(() => null);
  if (!stat) throw new Error(`Cannot read ${path}: there is no such file or folder`);
  yield* stat.isDirectory ? folderFrames(path) : videoFrames(path, fps);
}

async function* folderFrames(folder: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (/\.(jpe?g|png)$/i.test(name)) names.push(name);
  }
  if (names.length === 0) throw new Error(`Cannot read ${folder}: it holds no JPEG or PNG file`);
  for (const name of names.sort()) yield await Deno.readFile(`${folder}/${name}`);
}

async function* videoFrames(path: string, fps: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const ffmpeg = spawnFfmpeg(path, fps);
  const complaint = new Response(ffmpeg.stderr).text();
  let isDone = false;
  try {
    yield* splitJpegs(ffmpeg.stdout);
    isDone = true;
  } finally {
    // Whoever stops early does not want the rest.
    if (!isDone) ffmpeg.kill();
    await Promise.all([ffmpeg.status, complaint]);
  }
  const { success } = await ffmpeg.status;
  const why = (await complaint).trim().split("\n").at(-1);
  if (!success) throw new Error(`Cannot read ${path}: ffmpeg says "${why}"`);
}

function spawnFfmpeg(path: string, fps: number): Deno.ChildProcess {
  const args = ["-v", "error", "-i", path, "-vf", `fps=${fps}`, "-q:v", FFMPEG_JPEG_QUALITY];
  try {
    return new Deno.Command("ffmpeg", {
      args: [...args, "-c:v", "mjpeg", "-f", "image2pipe", "-"],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      `Cannot read ${path}: a video needs ffmpeg, which is not installed. ` +
        "Install it, or give a folder of JPEG files",
    );
  }
}

/** Cuts a row of JPEGs apart. Inside one, 0xFF is always followed by something else. */
export async function* splitJpegs(
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let rest = new Uint8Array();
  for await (const piece of stream) {
    const searchFrom = Math.max(0, rest.length - 1);
    const joined = new Uint8Array(rest.length + piece.length);
    joined.set(rest);
    joined.set(piece, rest.length);
    rest = joined;
    let end = endOfImage(rest, searchFrom);
    while (end > 0) {
      yield rest.slice(0, end);
      rest = rest.slice(end);
      end = endOfImage(rest, 0);
    }
  }
  if (rest.length > 0 && rest[0] === START_OF_IMAGE[0]) {
    throw new Error("Cannot read the video: its last frame is cut off");
  }
}

/** Where the first image ends, or 0. */
function endOfImage(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    if (bytes[at + 1] === END_OF_IMAGE[1]) return at + 2;
  }
  return 0;
}
