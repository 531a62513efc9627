import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { decodeJpeg } from "../../../modal/local/describer/_decode.ts";
import { readThumbnail, type Thumbnail } from "../../../stream/governor/_thumbnail.ts";
import { join, jpegOf, KINDS, mosaic, withExif } from "./_jpegs.ts";

/** The luma means of the whole cells, by the real decoder. */
async function decodedMeans(jpeg: Uint8Array, cellPx: number): Promise<Map<string, number>> {
  const { data, widthPx, heightPx } = (await decodeJpeg(jpeg))!;
  const means = new Map<string, number>();
  for (let row = 0; (row + 1) * cellPx <= heightPx; row++) {
    for (let col = 0; (col + 1) * cellPx <= widthPx; col++) {
      let sum = 0;
      for (let y = row * cellPx; y < (row + 1) * cellPx; y++) {
        for (let x = col * cellPx; x < (col + 1) * cellPx; x++) {
          const at = 4 * (y * widthPx + x);
          sum += 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
        }
      }
      means.set(`${col},${row}`, sum / cellPx ** 2);
    }
  }
  return means;
}

function lumaAt({ cols, planes }: Thumbnail, place: string): number {
  const [col, row] = place.split(",").map(Number);
  return planes[0]![row! * cols + col!]! + 128;
}

for (const [name, options] of Object.entries(KINDS)) {
  Deno.test(`readThumbnail has the means that a decoder finds: ${name}`, async () => {
    const jpeg = await jpegOf(undefined, options);
    const thumbnail = readThumbnail(jpeg)!;
    assertEquals([thumbnail.cols, thumbnail.rows], [13, 10]);
    const means = await decodedMeans(jpeg, 16);
    for (const [place, mean] of means) {
      assertLessOrEqual(Math.abs(lumaAt(thumbnail, place) - mean), 1.5, `cell ${place}`);
    }
  });
}

Deno.test("readThumbnail puts units of a large picture together", async () => {
  const jpeg = await jpegOf(undefined, undefined, { widthPx: 1100, heightPx: 100 });
  const thumbnail = readThumbnail(jpeg)!;
  assertEquals([thumbnail.cols, thumbnail.rows], [35, 4]);
  for (const [place, mean] of await decodedMeans(jpeg, 32)) {
    assertLessOrEqual(Math.abs(lumaAt(thumbnail, place) - mean), 1.5, `cell ${place}`);
  }
});

Deno.test("readThumbnail reads any sampling, with and without restart markers", async () => {
  const samplings = [[[1, 1]], [[2, 2]], [[2, 1], [1, 1], [1, 1]], [[2, 2], [1, 1], [
    1,
    1,
  ]]] as const;
  // Two blocks by two are one level, so that a cell is one whatever the sampling.
  const levelOf = (x: number, y: number, component: number) =>
    60 + 10 * component + (x * 37 + y * 53) % 140;
  for (const sampling of samplings) {
    for (const restartUnits of [0, 1, 5, 7, 1000]) {
      const [across, down] = sampling.length > 1 ? sampling[0] : [1, 1];
      const jpeg = mosaic(18 / across, 14 / down, (col, row, component) => {
        return levelOf(Math.floor(col * across / 2), Math.floor(row * down / 2), component);
      }, { sampling, restartUnits });
      const what = JSON.stringify({ sampling, restartUnits });
      assert(await decodeJpeg(jpeg), `a decoder takes it: ${what}`);
      const { planes } = readThumbnail(jpeg)!;
      assertEquals(planes.length, sampling.length, what);
      for (const [component, plane] of planes.entries()) {
        const wanted = Array.from(
          { length: 9 * 7 },
          (_, cell) => levelOf(cell % 9, Math.floor(cell / 9), component) - 128,
        );
        assertEquals([...plane], wanted, what);
      }
    }
  }
});

Deno.test("readThumbnail passes over EXIF and its preview, and over fill bytes", async () => {
  const jpeg = await jpegOf();
  const wanted = [...readThumbnail(jpeg)!.planes[0]!];
  const preview = await jpegOf(() => [9, 9, 9], undefined, { widthPx: 16, heightPx: 16 });
  assertEquals([...readThumbnail(withExif(jpeg, preview))!.planes[0]!], wanted);
  const filled = join(jpeg.subarray(0, 2), [0xff, 0xff], jpeg.subarray(2));
  assertEquals([...readThumbnail(filled)!.planes[0]!], wanted);
});

Deno.test("readThumbnail does not take what it cannot read for a picture", async () => {
  const jpeg = await jpegOf();
  const arithmetic = jpeg.slice();
  arithmetic[arithmetic.findIndex((byte, at) => byte === 0xff && jpeg[at + 1] === 0xc0) + 1] = 0xc9;
  const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  const cases = [new Uint8Array(), png, arithmetic, new Uint8Array(600_000).fill(0xff)];
  for (const bytes of cases) assertEquals(readThumbnail(bytes), undefined);
  for (let length = 0; length < jpeg.length - 200; length += 97) {
    assertEquals(readThumbnail(jpeg.subarray(0, length)), undefined, `the first ${length} bytes`);
  }
});

Deno.test("readThumbnail refuses a header that claims more than it sends", () => {
  const jpeg = mosaic(4, 4, () => 100);
  const frame = jpeg.findIndex((byte, at) => byte === 0xff && jpeg[at + 1] === 0xc0);
  jpeg.set([0xff, 0xff, 0xff, 0xff], frame + 5);
  const startMs = performance.now();
  assertEquals(readThumbnail(jpeg), undefined);
  assertLessOrEqual(performance.now() - startMs, 50);
});

Deno.test("readThumbnail never throws and ends soon, whatever the bytes", async () => {
  const jpegs = [
    await jpegOf(),
    await jpegOf(undefined, KINDS.progressive),
    mosaic(9, 9, () => 77),
  ];
  const bent = fc.tuple(
    fc.constantFrom(...jpegs),
    fc.array(fc.tuple(fc.nat(20_000), fc.nat(255)), { minLength: 1, maxLength: 12 }),
    fc.nat(20_000),
  ).map(([jpeg, flips, cut]) => {
    const bytes = jpeg.slice(0, Math.max(2, jpeg.length - (cut % 3 === 0 ? cut % jpeg.length : 0)));
    for (const [at, mask] of flips) bytes[at % bytes.length]! ^= mask;
    return bytes;
  });
  const random = fc.uint8Array({ maxLength: 400 }).map((bytes) => join([0xff, 0xd8, 0xff], bytes));
  fc.assert(
    fc.property(fc.oneof(bent, random), (bytes) => {
      const startMs = performance.now();
      const thumbnail = readThumbnail(bytes);
      assertLessOrEqual(performance.now() - startMs, 100);
      for (const plane of thumbnail?.planes ?? []) assert(plane.every(Number.isFinite));
    }),
    { numRuns: 400 },
  );
});
