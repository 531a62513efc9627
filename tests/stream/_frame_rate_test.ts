import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { FrameRate } from "../../stream/_frame_rate.ts";

const ROUNDING = 1e-6;

/** How many of so many frames, all at one moment, may pass. */
function passOf(rate: FrameRate, frames: number, nowMs: number): number {
  let passed = 0;
  for (let at = 0; at < frames; at++) if (rate.admits(nowMs)) passed++;
  return passed;
}

Deno.test("FrameRate lets a burst of two seconds pass at the start, then the rate [V9]", () => {
  const rate = new FrameRate(10, 500);
  assertEquals(passOf(rate, 100, 500), 20);
  assertEquals(passOf(rate, 100, 599), 0);
  assertEquals(passOf(rate, 100, 600), 1);
  assertEquals(passOf(rate, 100, 1600), 10);
});

Deno.test("FrameRate lets the burst after a stall pass, and saves up no more than that [V9]", () => {
  for (const stallMs of [2000, 60_000, 86_400_000]) {
    const rate = new FrameRate(60, 0);
    passOf(rate, 1000, 0);
    assertEquals(passOf(rate, 1000, stallMs), 120, `after ${stallMs} ms`);
  }
});

Deno.test("FrameRate of less than one frame in two seconds still lets single frames pass", () => {
  const rate = new FrameRate(0.1, 0);
  assertEquals([passOf(rate, 5, 0), passOf(rate, 5, 9_999), passOf(rate, 5, 20_000)], [1, 0, 1]);
});

Deno.test("FrameRate of 0 lets everything pass", () => {
  const rate = new FrameRate(0, 0);
  assertEquals(passOf(rate, 100_000, 0), 100_000);
});

const anyFps = fc.double({ min: 0.1, max: 240, noNaN: true });
const usualFps = fc.double({ min: 1, max: 240, noNaN: true });
const pauses = fc.array(
  fc.oneof(fc.constant(0), fc.double({ min: 0, max: 50, noNaN: true }), fc.nat(10_000)),
  { maxLength: 300 },
);

Deno.test("FrameRate never lets more than the burst and rate times time pass, in any span [V9]", () => {
  fc.assert(fc.property(anyFps, pauses, (maxFps, pauses) => {
    const rate = new FrameRate(maxFps, 0);
    const passedAtMs: number[] = [];
    let nowMs = 0;
    for (const pauseMs of pauses) {
      nowMs += pauseMs;
      if (rate.admits(nowMs)) passedAtMs.push(nowMs);
    }
    const burst = Math.max(1, 2 * maxFps);
    for (let from = 0; from < passedAtMs.length; from++) {
      for (let to = from; to < passedAtMs.length; to++) {
        const seconds = (passedAtMs[to]! - passedAtMs[from]!) / 1000;
        assert(to - from + 1 <= burst + maxFps * seconds + ROUNDING);
      }
    }
  }));
});

Deno.test("FrameRate never refuses who keeps to the rate, whatever stalls in between [V9]", () => {
  fc.assert(fc.property(usualFps, pauses, (maxFps, pauses) => {
    const rate = new FrameRate(maxFps, 0);
    let nowMs = 0;
    for (const pauseMs of pauses) {
      nowMs += 1000 / maxFps + pauseMs;
      assert(rate.admits(nowMs));
    }
  }));
});
