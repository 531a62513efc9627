import encode from "@jsquash/jpeg/encode.js";
import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  describeFrames,
  UndecodableFramesError,
} from "../../../../modal/local/describer/describer.ts";
import type { Measurements } from "../../../../modal/local/describer/measurements.ts";
import {
  type Colour,
  film,
  ground,
  HEIGHT_PX,
  jpegOf,
  type Paint,
  plain,
  square,
  WIDTH_PX,
} from "./_pictures.ts";

const RED: Colour = [215, 30, 30];

async function measure(frames: readonly Uint8Array[]): Promise<Measurements> {
  const { measured } = await describeFrames(frames);
  assert(measured);
  return measured;
}

Deno.test("describeFrames answers no frames with an empty caption [M2]", async () => {
  assertEquals(await describeFrames([]), { caption: "", measured: undefined });
});

Deno.test("describeFrames refuses frames of which none can be decoded [M2]", async () => {
  const garbage = [new Uint8Array(0), new Uint8Array(500).fill(7), new TextEncoder().encode("no")];
  const error = await assertRejects(
    () => describeFrames(garbage),
    UndecodableFramesError,
    "Cannot describe 3 frames: none of them is a JPEG that can be decoded",
  );
  assertEquals(error.name, "UndecodableFramesError");
  await assertRejects(
    () => describeFrames(garbage.slice(1, 2)),
    UndecodableFramesError,
    "Cannot describe 1 frame: it is not a JPEG that can be decoded",
  );
});

Deno.test("describeFrames passes over frames it cannot decode [M2]", async () => {
  const [first, last] = await film(2, (i) => square(60 + 24 * i, 72, RED, ground));
  assert(first && last);
  const measured = await measure([new Uint8Array(9), first, first.subarray(0, 300), last]);
  assertEquals([measured.framesGiven, measured.framesDecoded], [4, 2]);
  assertEquals(measured.regions[0]?.direction?.horizontal, "right");
});

Deno.test("describeFrames takes a JPEG that breaks off for undecodable [M2]", async () => {
  const whole = await jpegOf(ground);
  // The decoder itself would paint the rest grey and call it a picture.
  const half = whole.subarray(0, Math.floor(whole.length / 2));
  await assertRejects(() => describeFrames([half]), UndecodableFramesError);
});

Deno.test("describeFrames refuses a small JPEG that claims 48 megapixels, undecoded", async () => {
  const bomb = (await jpegOf(ground)).slice();
  const frame = findMarker(bomb, 0xc0);
  // 6,000 lines of 8,000 samples: the decoder would take 200 MB and paint what is missing grey.
  bomb.set([0x17, 0x70, 0x1f, 0x40], frame + 5);
  await assertRejects(() => describeFrames([bomb]), UndecodableFramesError);
});

Deno.test("describeFrames refuses a JPEG of more scans than an encoder writes", async () => {
  const jpeg = await progressiveJpeg();
  const lastScan = jpeg.findLastIndex((byte, i) => byte === 0xff && jpeg[i + 1] === 0xda);
  // The last scan again and again: each is a pass over the picture, for a few bytes.
  const withMoreScans = (count: number) =>
    new Uint8Array([
      ...jpeg.subarray(0, -2),
      ...Array.from({ length: count }, () => [...jpeg.subarray(lastScan, -2)]).flat(),
      0xff,
      0xd9,
    ]);
  assertEquals((await measure([withMoreScans(20)])).framesDecoded, 1);
  await assertRejects(() => describeFrames([withMoreScans(100)]), UndecodableFramesError);
});

Deno.test("describeFrames goes on after frames that break the decoder", async () => {
  const whole = await jpegOf(ground);
  const broken = whole.slice();
  // A Huffman table that no picture can have: libjpeg leaves by exit() in the midst of its work.
  broken.fill(0xff, findMarker(whole, 0xc4) + 4, findMarker(whole, 0xc4) + 20);
  for (let round = 0; round < 3; round++) {
    await assertRejects(() => describeFrames([broken]), UndecodableFramesError);
    assertEquals((await measure([broken, whole])).framesDecoded, 1);
  }
});

Deno.test("describeFrames says that nothing moves in a still picture", async () => {
  const frame = await jpegOf(ground);
  const { caption, measured } = await describeFrames([frame, frame, frame]);
  assertMatch(caption, /^Nothing moves;/);
  assertEquals(measured?.motion, 0);
  assertEquals(measured?.camera, { kind: "steady" });
  assertEquals(measured?.regions, []);
});

Deno.test("describeFrames claims nothing of motion for a single frame", async () => {
  const { caption, measured } = await describeFrames([await jpegOf(ground)]);
  assertNotMatch(caption, /mov|still|stead|nothing|pan|shak|darker|brighter/i);
  assertMatch(caption, /^The picture is .*green/);
  assertEquals(measured?.motion, undefined);
  assertEquals(measured?.brightnessChange, undefined);
  assertEquals(measured?.camera, { kind: "unknown" });
});

Deno.test("describeFrames does not call the camera steady where there is nothing to see", async () => {
  const frame = await jpegOf(plain(120, 120, 120));
  const { caption, measured } = await describeFrames([frame, frame]);
  assertMatch(caption, /^Nothing moves;/);
  assertEquals(measured?.camera, { kind: "unknown" });
});

Deno.test("describeFrames names the light from dark to very bright", async () => {
  const lights = [];
  for (const level of [10, 55, 90, 150, 240]) {
    lights.push((await measure([await jpegOf(plain(level, level, level))])).light);
  }
  assertEquals(lights, ["dark", "dim", "moderate", "bright", "very bright"]);
});

Deno.test("describeFrames names colours by everyday names, the largest first", async () => {
  const named: [Colour, string][] = [
    [[200, 20, 20], "red"],
    [[240, 140, 30], "orange"],
    [[240, 225, 40], "yellow"],
    [[40, 150, 50], "green"],
    [[40, 190, 190], "turquoise"],
    [[40, 80, 210], "blue"],
    [[130, 50, 180], "purple"],
    [[240, 130, 190], "pink"],
    [[110, 70, 40], "brown"],
    [[225, 195, 160], "beige"],
    [[128, 128, 128], "grey"],
    [[250, 250, 250], "white"],
    [[12, 12, 12], "black"],
  ];
  for (const [colour, name] of named) {
    const { colours } = await measure([await jpegOf(plain(...colour))]);
    assertEquals(colours[0]?.name, name);
  }
  const flag = await jpegOf((x) => x < 0.7 * WIDTH_PX ? [40, 80, 210] : [240, 225, 40]);
  const { caption, measured } = await describeFrames([flag]);
  assertEquals(measured?.colours.slice(0, 2).map(({ name }) => name), ["blue", "yellow"]);
  assertStringIncludes(caption, "in blue and yellow");
});

Deno.test("describeFrames tells a sharp picture from a blurred one", async () => {
  const blocks = (softness: number): Paint => (x, y) => {
    const edge = (at: number) => Math.tanh(Math.sin(at / 8) * 8 / softness);
    const level = 128 + 90 * edge(x) * edge(y);
    return [level, level, level];
  };
  const sharp = await describeFrames([await jpegOf(blocks(0.5))]);
  const blurred = await describeFrames([await jpegOf(blocks(8))]);
  assertStringIncludes(sharp.caption, "sharp");
  assertStringIncludes(blurred.caption, "blurred");
  assert((sharp.measured?.sharpness ?? 0) > 2 * (blurred.measured?.sharpness ?? 1));
});

Deno.test("describeFrames says what colour moves, where, and which way", async () => {
  const ways = [
    { x: 30, y: 72, dx: 10, dy: 0, says: "Something red on the left moves right" },
    { x: 160, y: 25, dx: -10, dy: 0, says: "Something red at the top right moves left" },
    { x: 96, y: 85, dx: 0, dy: -10, says: "Something red in the centre moves up" },
    { x: 96, y: 105, dx: 0, dy: 10, says: "Something red at the bottom moves down" },
    { x: 25, y: 110, dx: 8, dy: 8, says: "Something red at the bottom left moves down and right" },
  ];
  for (const { x, y, dx, dy, says } of ways) {
    const frames = await film(3, (i) => square(x + i * dx, y + i * dy, RED, ground));
    const { caption, measured } = await describeFrames(frames);
    assertStringIncludes(caption, says);
    assertEquals(measured?.camera.kind, "steady");
    assertEquals(measured?.regions.length, 1);
  }
});

Deno.test("describeFrames turns frames upright as their EXIF says", async () => {
  const frames = await film(3, (i) => square(30 + 10 * i, 72, RED, ground));
  const { caption } = await describeFrames(frames.map(upsideDown));
  assertStringIncludes(caption, "Something red on the right moves left");
});

Deno.test("describeFrames tells two subjects apart", async () => {
  const frames = await film(3, (i) => {
    const red = square(30, 40 + 10 * i, RED, ground);
    return square(165 - 10 * i, 110, [240, 240, 240], red);
  });
  const { caption } = await describeFrames(frames);
  assertStringIncludes(caption, "Something red on the left moves down");
  assertMatch(caption, /something white at the bottom right moves left/);
});

Deno.test("describeFrames gives no direction to what goes to and fro", async () => {
  const frames = await film(4, (i) => square(96 + (i % 2) * 16, 72, RED, ground));
  const { caption, measured } = await describeFrames(frames);
  assertEquals(measured?.regions[0]?.direction, undefined);
  assertMatch(caption, /^There is movement in the centre;/);
});

Deno.test("describeFrames takes a subject that is faster than it is long for one", async () => {
  const post = (left: number): Paint => (x, y) =>
    x >= left && x < left + 10 && y >= 50 && y < 90 ? RED : ground(x, y);
  const { caption, measured } = await describeFrames(await film(3, (i) => post(40 + 22 * i)));
  assertEquals(measured?.regions.length, 1);
  assertMatch(caption, /^Something red .* moves right;/);
});

Deno.test("describeFrames tells motion all over the picture from a camera's", async () => {
  // Like water: each patch changes by itself.
  const frames = await film(3, (i) => (x, y) => ground(x + 977 * i, y + 641 * i));
  const all = await describeFrames(frames);
  assertEquals(all.measured?.camera.kind, "unknown");
  const below = await film(3, (i) => (x, y) => y < 50 ? ground(x, y) : ground(x + 977 * i, y));
  const { caption, measured } = await describeFrames(below);
  assertMatch(caption, /^(Most|About half) of the picture is in motion;/);
  assertEquals(measured?.cut, false);
});

Deno.test("describeFrames tells a pan, the way the camera goes, from what moves", async () => {
  const pans = [
    { dx: 8, dy: 0, says: "The camera pans right over" },
    { dx: -8, dy: 0, says: "The camera pans left over" },
    { dx: 0, dy: -8, says: "The camera tilts up over" },
    { dx: 0, dy: 8, says: "The camera tilts down over" },
    { dx: 6, dy: 6, says: "The camera sweeps down and right over" },
    // A fast one: a fifth of the picture from frame to frame.
    { dx: 40, dy: 0, says: "The camera pans right over" },
  ];
  for (const { dx, dy, says } of pans) {
    const frames = await film(3, (i) => (x, y) => ground(x + i * dx, y + i * dy));
    const { caption, measured } = await describeFrames(frames);
    assertStringIncludes(caption, says);
    assertEquals(measured?.regions, []);
    assert((measured?.motion ?? 0) > 0.1);
  }
});

Deno.test("describeFrames tells that the camera comes closer or backs away", async () => {
  const zoom = (i: number): Paint => (x, y) => {
    const scale = 1.04 ** -i;
    return ground(
      WIDTH_PX / 2 + (x - WIDTH_PX / 2) * scale,
      HEIGHT_PX / 2 + (y - HEIGHT_PX / 2) * scale,
    );
  };
  const frames = await film(3, zoom);
  assertStringIncludes((await describeFrames(frames)).caption, "The camera closes in on");
  assertStringIncludes(
    (await describeFrames(frames.toReversed())).caption,
    "The camera backs away from",
  );
});

Deno.test("describeFrames does not take a shaking camera for moving things", async () => {
  // Hard edges change most when they shift by a part of a cell.
  const world: Paint = (x, y) =>
    x > 100 && x < 160 && y > 40 && y < 110 ? [250, 250, 250] : ground(x, y);
  const shakes = [[0, 0], [3, -2], [-2, 1], [1, 3], [-3, -1]] as const;
  const frames = await film(shakes.length, (i) => {
    const [dx, dy] = shakes[i]!;
    return (x, y) => world(x + dx, y + dy);
  });
  const { caption, measured } = await describeFrames(frames);
  assertEquals(measured?.camera, { kind: "shakes" });
  assertEquals(measured?.regions, []);
  assertStringIncludes(caption, "shaky");
});

Deno.test("describeFrames finds the subject under a shaking camera", async () => {
  const frames = await film(4, (i) => {
    const jolt = i % 2 === 0 ? 0 : 3;
    const under: Paint = (x, y) => ground(x + jolt, y);
    return square(40 + 12 * i - jolt, 72, RED, under);
  });
  const { measured } = await describeFrames(frames);
  assertEquals(measured?.camera.kind, "shakes");
  assertEquals(measured?.regions[0]?.direction, { horizontal: "right", vertical: undefined });
});

Deno.test("describeFrames tells a change of light from motion and from a cut", async () => {
  const frames = await film(3, (i) => (x, y) => {
    const [red, green, blue] = ground(x, y);
    const light = 1 - 0.35 * i;
    return [red * light, green * light, blue * light];
  });
  const darker = await describeFrames(frames);
  assertMatch(darker.caption, /^Nothing moves;.*, getting darker\.$/);
  assertEquals(darker.measured?.cut, false);
  assert((darker.measured?.brightnessChange ?? 0) < -0.1);
  const brighter = await describeFrames(frames.toReversed());
  assertMatch(brighter.caption, /^Nothing moves;.*, getting brighter\.$/);
});

Deno.test("describeFrames tells a cut and describes what comes after it", async () => {
  const other: Paint = (
    x,
    y,
  ) => [30, 60 + 10 * Math.sin(y / 9), 170 + 60 * Math.sin(x / 13 + y / 6)];
  const before = await film(2, (i) => square(40 + 20 * i, 72, RED, ground));
  const after = await jpegOf(other);
  const atLast = await describeFrames([...before, after]);
  assertMatch(
    atLast.caption,
    /^The scene changes abruptly to a [a-z ,]+ view, (mostly|all) blue\.$/,
  );
  assertEquals(atLast.measured?.cut, true);
  assertEquals(atLast.measured?.motion, undefined);
  const still = await describeFrames([...before, after, after]);
  assertMatch(still.caption, /^The scene changes abruptly.*blue, where nothing moves\.$/);
  assertEquals(still.measured?.regions, []);
});

Deno.test("describeFrames does not take light of another colour for a cut", async () => {
  const lit = (tint: Colour): Paint => (x, y) => {
    const [, light] = ground(x, y);
    return [light * tint[0], light * tint[1], light * tint[2]];
  };
  const frames = [await jpegOf(lit([1.4, 1, 0.3])), await jpegOf(lit([0.3, 1, 1.4]))];
  assertEquals((await measure(frames)).cut, false);
});

Deno.test("describeFrames does not take a subject that fills much of the picture for a cut", async () => {
  const frames = await film(3, (i) => (x, y) => x < 30 + 35 * i ? RED : ground(x, y));
  const { measured } = await describeFrames(frames);
  assertEquals(measured?.cut, false);
  assertEquals(measured?.camera.kind, "steady");
});

Deno.test("describeFrames compares frames of different sizes", async () => {
  const small = await jpegOf(ground);
  const large = await jpegOf((x, y) => ground(x / 2, y / 2), {
    widthPx: 2 * WIDTH_PX,
    heightPx: 2 * HEIGHT_PX,
  });
  const measured = await measure([small, large, small]);
  assertEquals(measured.cut, false);
  assertEquals(measured.regions, []);
  // Another shape is fitted to the first one's: halves stay halves.
  const halves = (widthPx: number): Paint => (x) => x < widthPx / 2 ? RED : [40, 80, 210];
  const wide = await jpegOf(halves(WIDTH_PX));
  const narrow = await jpegOf(halves(100), { widthPx: 100, heightPx: WIDTH_PX });
  const { motion } = await measure([wide, narrow]);
  assertLessOrEqual(motion ?? 1, 0.03);
});

Deno.test("describeFrames manages pictures of a few pixels", async () => {
  for (const [widthPx, heightPx] of [[1, 1], [2, 3], [500, 1], [1, 500]] as const) {
    const frame = await jpegOf(plain(200, 20, 20), { widthPx, heightPx });
    const { caption, measured } = await describeFrames([frame, frame]);
    assertMatch(caption, /^Nothing moves; the view is [a-z ]+, all red\.$/);
    assertEquals(measured?.sharpness, undefined);
  }
});

Deno.test("describeFrames gives one sentence, different for different footage", async () => {
  const films = [
    await film(3, () => ground),
    await film(3, (i) => square(40 + 10 * i, 72, RED, ground)),
    await film(3, (i) => square(150 - 10 * i, 72, RED, ground)),
    await film(3, (i) => square(40 + 10 * i, 72, [20, 20, 20], ground)),
    await film(3, (i) => (x, y) => ground(x + 8 * i, y)),
    await film(3, () => (x, y) => ground(x, y).map((value) => value / 4) as unknown as Colour),
    await film(3, () => plain(240, 240, 240)),
  ];
  const captions: string[] = [];
  for (const frames of films) captions.push((await describeFrames(frames)).caption);
  captions.forEach((caption, i) => {
    assertMatch(caption, /^[A-Z][^.]*\.$/);
    assertLessOrEqual(caption.split(" ").length, 35);
    for (const earlier of captions.slice(0, i)) assertNotEquals(caption, earlier);
  });
});

async function progressiveJpeg(): Promise<Uint8Array> {
  const size = 64;
  const data = new Uint8ClampedArray(4 * size * size).map((_, i) => (i * 7) % 256);
  // Starts the encoder, which jSquash has one of.
  await jpegOf(ground);
  const image = { data, width: size, height: size, colorSpace: "srgb" } as ImageData;
  return new Uint8Array(await encode(image, { progressive: true }));
}

/** The frame as a phone sends it that was held upside down: orientation 3. */
function upsideDown(jpeg: Uint8Array): Uint8Array {
  // deno-fmt-ignore
  const tiff = [
    0x4d, 0x4d, 0, 42, 0, 0, 0, 8, // big-endian, first directory at 8
    0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 3, 0, 0, // one entry: orientation, a short, 3
    0, 0, 0, 0, // no further directory
  ];
  const exif = [...new TextEncoder().encode("Exif"), 0, 0, ...tiff];
  return new Uint8Array([0xff, 0xd8, 0xff, 0xe1, 0, exif.length + 2, ...exif, ...jpeg.subarray(2)]);
}

function findMarker(jpeg: Uint8Array, marker: number): number {
  const at = jpeg.findIndex((byte, i) => byte === 0xff && jpeg[i + 1] === marker);
  assert(at > 0, `no marker ${marker.toString(16)}`);
  return at;
}
