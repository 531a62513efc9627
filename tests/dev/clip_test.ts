import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { clipFrames, splitJpegs } from "../../dev/clip.ts";
import { withScratch } from "../_scratch.ts";

const FPS = 3;
const NO_PROGRAMS = new URL("./_demo_without_programs.ts", import.meta.url).pathname;

/** The frames of a clip, as texts: the files of these tests hold words. */
async function wordsOf(path: string): Promise<string[]> {
  const frames = await Array.fromAsync(clipFrames(path, FPS));
  return frames.map((frame) => new TextDecoder().decode(frame));
}

async function writeFiles(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) await Deno.writeTextFile(`${folder}/${name}`, name);
}

async function* pieces(list: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* list;
}

/** What lies between the markers of a JPEG: 0xFF is followed by anything but the end marker. */
const body = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 0xfe }).map((byte) => [byte]),
    fc.constantFrom([0xff, 0x00], [0xff, 0xda], [0xff, 0xff, 0x00], [0xd9], [0xd8]),
  ),
  { maxLength: 30 },
).map((parts) => parts.flat());
const jpeg = body.map((bytes) => Uint8Array.of(0xff, 0xd8, ...bytes, 0xff, 0xd9));

/** The same bytes in other pieces; empty ones too. */
function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b);
  return [0, ...places].map((from, at) => bytes.slice(from, places[at] ?? bytes.length));
}

Deno.test("splitJpegs gives the same images back, however the stream is cut", async () => {
  const film = fc.array(jpeg, { maxLength: 5 });
  const cuts = fc.array(fc.nat(), { maxLength: 20 });
  await fc.assert(fc.asyncProperty(film, cuts, async (film, cuts) => {
    const stream = Uint8Array.from(film.flatMap((image) => [...image]));
    const images = await Array.fromAsync(splitJpegs(pieces(cutAt(stream, cuts))));
    assertEquals(images, film);
  }));
});

Deno.test("splitJpegs gives each image back as soon as it is whole", async () => {
  const image = Uint8Array.of(0xff, 0xd8, 1, 0xff, 0xd9);
  const { promise: never } = Promise.withResolvers<Uint8Array>();
  async function* stalling(): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(...image, ...image, 0xff);
    yield await never;
  }
  const images = splitJpegs(stalling());
  assertEquals([(await images.next()).value, (await images.next()).value], [image, image]);
});

Deno.test("splitJpegs says that the last image is cut off", async () => {
  const cutOff = [Uint8Array.of(0xff, 0xd8, 1, 0xff, 0xd9, 0xff, 0xd8, 1, 0xff)];
  const images = splitJpegs(pieces(cutOff));
  await images.next();
  await assertRejects(() => images.next(), Error, "its last frame is cut off");
});

Deno.test("clipFrames gives the pictures of a folder in the order of their names", () =>
  withScratch(async (folder) => {
    await writeFiles(folder, ["b.jpg", "c.PNG", "a2.jpeg", "a1.JPG", "notes.txt", "jpg", "d.mp4"]);
    assertEquals(await wordsOf(folder), ["a1.JPG", "a2.jpeg", "b.jpg", "c.PNG"]);
  }));

Deno.test("clipFrames reads a picture when it is asked for, and not before", () =>
  withScratch(async (folder) => {
    await writeFiles(folder, ["1.jpg", "2.jpg"]);
    const frames = clipFrames(folder, FPS);
    await frames.next();
    await Deno.writeTextFile(`${folder}/2.jpg`, "changed");
    assertEquals(new TextDecoder().decode((await frames.next()).value), "changed");
    assertEquals((await frames.next()).done, true);
  }));

Deno.test("clipFrames says what is wrong with a path", () =>
  withScratch(async (folder) => {
    await writeFiles(folder, ["notes.txt"]);
    const nothing = `${folder}/nothing.mp4`;
    await assertRejects(
      () => wordsOf(nothing),
      Error,
      `Cannot read ${nothing}: there is no such file or folder`,
    );
    await assertRejects(
      () => wordsOf(folder),
      Error,
      `Cannot read ${folder}: it holds no JPEG or PNG file`,
    );
  }));

Deno.test("demo says in one line that a video needs ffmpeg where there is none, and exits 1", () =>
  withScratch(async (folder) => {
    const video = `${folder}/clip.mp4`;
    await Deno.writeTextFile(video, "no matter");
    const child = new Deno.Command("deno", {
      args: ["run", "--no-prompt", "--allow-run", "--allow-read", NO_PROGRAMS, folder, video],
    });
    const { code, stderr } = await child.output();
    const lines = new TextDecoder().decode(stderr).trim().split("\n");
    assertEquals(
      lines.at(-1),
      `Cannot read ${video}: a video needs ffmpeg, which is not installed. ` +
        "Install it, or give a folder of JPEG files",
    );
    assertEquals(code, 1);
    // Deno itself may say in a line of its own that the program it may run is not there.
    assertEquals(lines.filter((line) => !line.includes("for allow-run")).length, 1, lines.join());
  }));
