import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { FrameGovernor } from "../../../stream/governor/governor.ts";
import { ground, type Paint, plain } from "../../modal/local/describer/_pictures.ts";
import { jpegOf, KINDS } from "./_jpegs.ts";

const SIZE = { widthPx: 640, heightPx: 360 };

/** Noise of a sensor, up to `levels` either way, other for each `seed`. */
function noisy(paint: Paint, levels: number, seed: number): Paint {
  let state = seed * 7919 + 1;
  return (x, y) => {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    const noise = levels * (state / 2 ** 31);
    const [red, green, blue] = paint(x, y);
    return [red + noise, green + noise, blue + noise];
  };
}

function lit(paint: Paint, gain: number): Paint {
  return (x, y) => {
    const [red, green, blue] = paint(x, y);
    return [red * gain, green * gain, blue * gain];
  };
}

/** A rectangle of one colour over other paint; all in pixels. */
function box(
  left: number,
  top: number,
  width: number,
  height: number,
  colour: Paint,
  under: Paint,
): Paint {
  return (x, y) =>
    x >= left && x < left + width && y >= top && y < top + height ? colour(x, y) : under(x, y);
}

const draw = (paint: Paint) => jpegOf(paint, undefined, SIZE);

/** Whether the second picture is skipped after the first. */
async function skips(first: Paint, second: Paint): Promise<boolean> {
  const governor = new FrameGovernor({ heartbeatMs: 0 });
  assertEquals(governor.isSimilar(await draw(first), 0), false, "the first passes");
  return governor.isSimilar(await draw(second), 300);
}

Deno.test("governor skips what shows the same, for all that is no change [S2]", async () => {
  const same: Record<string, Paint> = {
    "the very same": ground,
    "sensor noise": noisy(ground, 12, 2),
    "flicker, brighter": lit(ground, 1.07),
    "flicker, darker": lit(ground, 0.93),
    "trembling": (x, y) => ground(x + 1, y + 1),
  };
  for (const [name, paint] of Object.entries(same)) {
    assertEquals([name, await skips(noisy(ground, 12, 1), paint)], [name, true]);
  }
});

Deno.test("governor skips a picture that was encoded anew [S2]", async () => {
  const governor = new FrameGovernor({ heartbeatMs: 0 });
  for (const [at, quality] of [85, 70, 92].entries()) {
    const jpeg = await jpegOf(ground, { ...KINDS["baseline 4:2:0"], quality }, SIZE);
    assertEquals([quality, governor.isSimilar(jpeg, 300 * at)], [quality, at > 0]);
  }
});

Deno.test("governor lets through whatever changed [S2]", async () => {
  const light = plain(200, 190, 170);
  const changes: Record<string, readonly [Paint, Paint]> = {
    "cut": [ground, light],
    "a person at the edge, 3 % of the picture": [
      ground,
      box(600, 190, 40, 170, plain(60, 50, 50), ground),
    ],
    "somebody far away": [light, box(300, 150, 16, 40, plain(60, 60, 70), light)],
    "a traffic light": [
      box(300, 100, 24, 24, plain(220, 40, 40), light),
      box(300, 124, 24, 24, plain(40, 200, 90), light),
    ],
    "red turns green at the same luma": [
      box(300, 100, 32, 32, plain(200, 30, 30), light),
      box(300, 100, 32, 32, plain(30, 118, 30), light),
    ],
    "a pan by a twentieth": [ground, (x, y) => ground(x + 32, y)],
    "the lamp is switched on": [lit(ground, 0.6), ground],
  };
  for (const [name, [first, second]] of Object.entries(changes)) {
    assertEquals([name, await skips(first, second)], [name, false]);
  }
});

Deno.test("governor holds frames against the last let through, so nothing creeps past [S2]", async () => {
  const governor = new FrameGovernor({ heartbeatMs: 0 });
  let passed = 0;
  for (let step = 0; step < 24; step++) {
    const jpeg = await draw((x, y) => ground(x + 1.5 * step, y));
    if (!governor.isSimilar(jpeg, 300 * step)) passed++;
  }
  assert(passed > 2 && passed < 24, `${passed} of 24 passed`);
});

Deno.test("governor lets a frame through at least every heartbeatMs [S2]", async () => {
  const jpeg = await draw(ground);
  const passedAt = (heartbeatMs: number) => {
    const governor = new FrameGovernor({ heartbeatMs });
    const times = Array.from({ length: 70 }, (_, at) => at * 300);
    return times.filter((nowMs) => !governor.isSimilar(jpeg, nowMs));
  };
  assertEquals(passedAt(10_000), [0, 10_200, 20_400]);
  assertEquals(passedAt(0), [0], "0 is off");
});

Deno.test("governor lets through what it cannot read, and what comes next [S2]", async () => {
  const governor = new FrameGovernor({ heartbeatMs: 0 });
  const jpeg = await draw(ground);
  const cut = jpeg.subarray(0, jpeg.length / 2);
  const frames = [jpeg, jpeg, cut, cut, jpeg, jpeg, new Uint8Array(), Uint8Array.of(1, 2, 3), jpeg];
  assertEquals(
    frames.map((frame, at) => governor.isSimilar(frame, at)),
    [false, true, false, false, false, true, false, false, false],
  );
});

Deno.test("governor lets the next frame through once it is told to forget [S2]", async () => {
  const governor = new FrameGovernor({ heartbeatMs: 0 });
  const jpeg = await draw(ground);
  assertEquals([0, 1].map((at) => governor.isSimilar(jpeg, at)), [false, true]);
  governor.forget();
  assertEquals([2, 3].map((at) => governor.isSimilar(jpeg, at)), [false, true]);
});

Deno.test("governors share nothing [S2, V11]", async () => {
  const [one, other] = [1, 2].map(() => new FrameGovernor({ heartbeatMs: 0 }));
  const [a, b] = [await draw(ground), await draw(plain(9, 9, 9))];
  assertEquals([one!.isSimilar(a, 0), other!.isSimilar(b, 0)], [false, false]);
  assertEquals([one!.isSimilar(a, 1), other!.isSimilar(b, 1)], [true, true]);
  assertEquals([one!.isSimilar(b, 2), other!.isSimilar(a, 2)], [false, false]);
});

Deno.test("governor never throws, whatever the bytes", async () => {
  const jpeg = await jpegOf();
  const flips = fc.array(fc.tuple(fc.nat(jpeg.length - 1), fc.nat(255)), { maxLength: 8 });
  const governor = new FrameGovernor({ heartbeatMs: 1000 });
  fc.assert(
    fc.property(flips, fc.uint8Array(), (flips, random) => {
      const bent = jpeg.slice();
      for (const [at, mask] of flips) bent[at]! ^= mask;
      assertEquals(typeof governor.isSimilar(bent, 0), "boolean");
      assertEquals(governor.isSimilar(random, 0), false);
    }),
    { numRuns: 200 },
  );
});
