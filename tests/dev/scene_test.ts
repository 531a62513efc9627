import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { createScene, type Scene, SCENE_ENDS_S, SCENE_S } from "../../dev/scene.ts";
import { describeFrames } from "../../modal/local/describer/describer.ts";

const SIZE = { widthPx: 320, heightPx: 180 };

/** The caption of a second of the scene, at three frames a second. */
async function captionFrom(scene: Scene, startS: number): Promise<string> {
  const times = [0, 1 / 3, 2 / 3].map((offsetS) => startS + offsetS);
  const frames = await Promise.all(times.map((timeS) => scene.frameAt(timeS)));
  return (await describeFrames(frames)).caption;
}

Deno.test("createScene draws JPEGs of the size asked for, in the size of a phone's frames", async () => {
  const frame = await createScene({ widthPx: 640, heightPx: 360 }).frameAt(1);
  assertEquals([...frame.subarray(0, 2)], [0xff, 0xd8]);
  assertEquals([...frame.subarray(-2)], [0xff, 0xd9]);
  const header = frame.findIndex((byte, i) => byte === 0xff && frame[i + 1] === 0xc0);
  // Lines, then samples a line.
  assertEquals([...frame.subarray(header + 5, header + 9)], [1, 104, 2, 128]);
  assert(frame.length > 20_000 && frame.length < 60_000, `${frame.length} bytes`);
});

Deno.test("createScene gives the same frame for the same time, in any order", async () => {
  const scene = createScene(SIZE);
  const late = await scene.frameAt(18);
  const early = await scene.frameAt(2);
  assertNotEquals(early, late);
  assertEquals(await createScene(SIZE).frameAt(2), early);
  assertEquals(await scene.frameAt(18), late);
  assertEquals(await scene.frameAt(SCENE_S + 2), early);
});

Deno.test("createScene tells a story that the describer can follow", async () => {
  const scene = createScene(SIZE);
  const story: [startS: number, caption: RegExp][] = [
    [2, /^Something red at the bottom moves right; the view is steady/],
    [SCENE_ENDS_S.ballRolls + 1, /^Nothing moves; .*bright/],
    [SCENE_ENDS_S.stillness + 1, /^The camera pans right/],
    [SCENE_ENDS_S.pan + 1, /^Nothing moves; .*getting darker/],
    [SCENE_ENDS_S.dusk + 0.4, /^Nothing moves; .*dark/],
    [SCENE_ENDS_S.night - 0.5, /^The scene changes abruptly to .*brown/],
    [SCENE_ENDS_S.night + 1.5, /^Something blue in the centre moves up/],
    [SCENE_ENDS_S.balloonRises - 0.5, /^The scene changes abruptly to .*green/],
  ];
  for (const [startS, caption] of story) assertMatch(await captionFrom(scene, startS), caption);
});
