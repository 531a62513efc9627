import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { Chunker, type ChunkLimits } from "../../inference/chunker.ts";
import type { Chunk } from "../../inference/client.ts";

const LIMITS: ChunkLimits = { chunkMs: 1000, maxBufferFrames: 120, maxFramesPerChunk: 6 };

/** Feeds frames whose first byte is their number, one a second from `fromS`. */
function feed(chunker: Chunker, count: number, fromS = 0): void {
  for (let at = 0; at < count; at++) {
    chunker.add({ bytes: new Uint8Array(at + 1), atS: fromS + at });
  }
}

const timesOf = (chunk: Chunk | null) => chunk?.frames.map((frame) => frame.atS);

Deno.test("chunker is due when chunkMs have passed since the window opened [V3]", () => {
  const chunker = new Chunker(LIMITS);
  assertEquals(chunker.isDue(5), false, "no frame, no chunk");
  chunker.add({ bytes: new Uint8Array(1), atS: 0.2 });
  assertEquals(chunker.isDue(0.999), false);
  assertEquals(chunker.isDue(1), true);
});

Deno.test("chunker with chunkMs 0 is due on every frame [V3]", () => {
  const chunker = new Chunker({ ...LIMITS, chunkMs: 0 });
  chunker.add({ bytes: new Uint8Array(1), atS: 0 });
  assertEquals(chunker.isDue(0), true);
});

Deno.test("chunker restarts the window where the last chunk ended [V3]", () => {
  const chunker = new Chunker(LIMITS);
  feed(chunker, 2);
  const first = chunker.take(1.5);
  assertEquals([first?.startS, first?.endS, first?.frameCount], [0, 1.5, 2]);
  assertEquals(chunker.take(1.6), null, "an empty window is no chunk");
  chunker.add({ bytes: new Uint8Array(1), atS: 2 });
  assertEquals(chunker.isDue(2.4), false);
  assertEquals(chunker.isDue(2.5), true);
  const second = chunker.take(2.5);
  assertEquals([second?.startS, second?.endS, second?.frameCount], [1.5, 2.5, 1]);
});

Deno.test("chunker sends a few frames as they are, and counts their bytes [V4]", () => {
  const chunker = new Chunker(LIMITS);
  feed(chunker, 6);
  const chunk = chunker.take(6);
  assertEquals(timesOf(chunk), [0, 1, 2, 3, 4, 5]);
  assertEquals(chunk?.byteCount, 1 + 2 + 3 + 4 + 5 + 6);
});

Deno.test("chunker spreads what travels evenly, the newest among them [V4]", () => {
  const chunker = new Chunker(LIMITS);
  feed(chunker, 11);
  assertEquals(timesOf(chunker.take(11)), [0, 2, 4, 6, 8, 10]);
});

Deno.test("chunker drops the oldest beyond maxBufferFrames, and says when it began [V4]", () => {
  const chunker = new Chunker({ ...LIMITS, maxBufferFrames: 4 });
  feed(chunker, 10);
  const chunk = chunker.take(10);
  assertEquals(timesOf(chunk), [6, 7, 8, 9]);
  assertEquals([chunk?.frameCount, chunk?.startS], [4, 6]);
  assertEquals(chunk?.byteCount, 7 + 8 + 9 + 10);
});

Deno.test("chunker sends every frame when maxFramesPerChunk is off [V4]", () => {
  const chunker = new Chunker({ ...LIMITS, maxFramesPerChunk: 0 });
  feed(chunker, 50);
  assertEquals(chunker.take(50)?.frames.length, 50);
});

Deno.test("chunker sends only the newest when one frame travels [V4]", () => {
  const chunker = new Chunker({ ...LIMITS, maxFramesPerChunk: 1 });
  feed(chunker, 30);
  assertEquals(timesOf(chunker.take(30)), [29]);
});

Deno.test("chunker holds few frames, spread evenly, however many come [V4]", () => {
  const limits = fc.record({
    chunkMs: fc.constant(0),
    maxBufferFrames: fc.integer({ min: 1, max: 200 }),
    maxFramesPerChunk: fc.integer({ min: 1, max: 12 }),
  });
  fc.assert(fc.property(limits, fc.integer({ min: 1, max: 600 }), (limits, count) => {
    const chunker = new Chunker(limits);
    for (let at = 0; at < count; at++) {
      chunker.add({ bytes: new Uint8Array(1), atS: at });
      assertLessOrEqual(chunker.heldFrames, 2 * limits.maxFramesPerChunk + 1);
    }
    const chunk = chunker.take(count)!;
    const times = timesOf(chunk)!;
    const standsFor = Math.min(count, limits.maxBufferFrames);
    assertEquals(chunk.frameCount, standsFor);
    assertEquals(times.at(-1), count - 1, "the newest travels");
    assert(times[0]! >= count - standsFor, "what was dropped does not travel");
    assertLessOrEqual(times.length, limits.maxFramesPerChunk);
    const wanted = Math.min(limits.maxFramesPerChunk, standsFor);
    assert(times.length >= Math.ceil(wanted / 2), `${times.length} of ${wanted} travel`);
    const gaps = times.slice(1).map((time, at) => time - times[at]!);
    assert(gaps.every((gap) => gap > 0), "in order, none twice");
    // Twice the even step, and one stride of thinning.
    const evenStep = standsFor / Math.max(1, times.length - 1);
    assert(gaps.every((gap) => gap <= 3 * evenStep + 1), `uneven: ${times}`);
  }));
});
