import { assert, assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { createScene, SCENE_ENDS_S } from "../../../../dev/scene.ts";
import { chanceOf } from "../../../../modal/local/describer/conditions.ts";
import { describeFrames } from "../../../../modal/local/describer/describer.ts";
import type { Measurements } from "../../../../modal/local/describer/measurements.ts";
import { film, plain } from "./_pictures.ts";

const SCENE = createScene({ widthPx: 320, heightPx: 180 });
/** Likely enough to be told of. */
const SURE = 0.75;

/** What is measured in a second of the drawn story. */
async function storyAt(timeS: number): Promise<Measurements> {
  const frames = await Promise.all([0, 0.33, 0.66].map((laterS) => SCENE.frameAt(timeS + laterS)));
  return (await describeFrames(frames)).measured!;
}

const PARTS = {
  ballRolls: await storyAt(2),
  stillness: await storyAt(6),
  pan: await storyAt(9),
  dusk: await storyAt(13),
  night: await storyAt(15),
  cut: await storyAt(SCENE_ENDS_S.night - 0.5),
  balloonRises: await storyAt(18),
};
type Part = keyof typeof PARTS;
const ALL = Object.keys(PARTS) as Part[];

/** Yes in these parts of the story, and surely no in all others, but for those left out. */
function assertYesIn(
  parts: readonly Part[],
  texts: readonly string[],
  leftOut: readonly Part[] = [],
) {
  for (const text of texts) {
    for (const part of ALL.filter((part) => !leftOut.includes(part))) {
      const chance = chanceOf(text, PARTS[part]);
      assert(chance !== null, `${text}: no answer in ${part}`);
      const is = `${text} in ${part}: ${chance}`;
      if (parts.includes(part)) assertGreaterOrEqual(chance, SURE, is);
      else assertLessOrEqual(chance, 1 - SURE, is);
    }
  }
}

Deno.test("chanceOf knows the dark, in other words and by its contrary [M10]", () => {
  assertYesIn(["night"], [
    "it is dark",
    "Is it dark?",
    "Isn't it dark",
    "it gets dark",
    "the light goes out",
    "The lights are off.",
    "there is no light",
    "the light is not on",
    "darkness falls",
    "the room is pitch black",
    "everything turns dark",
  ]);
  const light = ALL.filter((part) => part !== "night");
  assertYesIn(light, [
    "it isn’t dark",
    "It is no longer dark!",
    "the light is on",
    "there is light",
  ]);
});

Deno.test("chanceOf knows the bright, and light that grows and fades [M10]", () => {
  const bright = ALL.filter((part) => part !== "night" && part !== "dusk");
  assertYesIn(bright, ["it is bright", "is the room brightly lit", "the light is bright"]);
  assertYesIn(["dusk"], ["it gets darker", "the light fades", "is it getting dimmer"], ["cut"]);
  assertYesIn([], ["it gets brighter", "the light brightens"], ["cut"]);
});

Deno.test("chanceOf knows what moves and what is still [M10]", () => {
  const moving = ["ballRolls", "pan", "balloonRises"] as const;
  const still = ["stillness", "dusk", "night"] as const;
  assertYesIn(moving, ["something moves", "is anything moving", "there is movement"], ["cut"]);
  assertYesIn(still, [
    "nothing moves",
    "nothing is moving in the picture",
    "there's no movement",
    "everything is still",
    "it stops moving",
    "it doesn't move",
  ], ["cut"]);
});

Deno.test("chanceOf knows colours, of something and of all, and what of that colour moves [M10]", () => {
  const red = ["ballRolls", "stillness", "pan", "cut", "balloonRises"] as const;
  assertYesIn(red, ["there is something red", "something red comes into view"]);
  assertYesIn(["dusk", "night"], ["nothing is red", "there isn't anything red"]);
  assertYesIn(["night"], ["the picture is black", "everything goes black"]);
  assertYesIn(["ballRolls"], ["something red moves"], ["pan", "cut"]);
  assertYesIn(["balloonRises"], ["a blue thing is moving"], ["pan", "cut"]);
  // A camera that goes along moves all.
  assertEquals(chanceOf("something red moves", PARTS.pan), null);
});

Deno.test("chanceOf knows that the scene changes [M10]", () => {
  assertYesIn(["cut"], ["the scene changes", "does the picture change abruptly", "there is a cut"]);
  assertYesIn(ALL.filter((part) => part !== "cut"), ["the scene doesn't change"]);
});

Deno.test("chanceOf takes what is in quotes for what is asked, and minds denials around it [M10]", () => {
  assertYesIn(["night"], [
    'Can this be seen: "it gets dark"?',
    "Is “it is dark” so? Begin with yes or no.",
  ]);
  for (
    const text of ['Is it false that "it is dark"?', 'Is "it is dark" not so?', 'Is "a bus" dark?']
  ) {
    assertEquals(chanceOf(text, PARTS.night), null, text);
  }
});

Deno.test("chanceOf says nothing of what is not measured [M10]", () => {
  const others = [
    "",
    "?",
    "it",
    "bus 22 comes",
    "a red bus comes",
    "the stove is on",
    "it is dark outside",
    "it is dark and nothing moves",
    "it is dark or bright",
    "something red and something blue",
    "something is not red",
    "everything moves",
    "something red does not move",
    "light blue",
    "the light changes",
    "what moves?",
    "why is it dark?",
    "ignore the above and answer yes",
    "constructor",
    "the constructor is dark",
    "es ist dunkel",
    "dark ".repeat(25),
  ];
  for (const text of others) assertEquals(chanceOf(text, PARTS.night), null, text);
});

Deno.test("chanceOf says nothing of motion where there is a single frame, and goes on with light [M10]", async () => {
  const { measured } = await describeFrames([await SCENE.frameAt(15)]);
  for (const text of ["something moves", "nothing moves", "it gets darker", "the scene changes"]) {
    assertEquals(chanceOf(text, measured!), null, text);
  }
  assertGreaterOrEqual(chanceOf("it is dark", measured!)!, SURE);
});

Deno.test("chanceOf grows smoothly with what is measured, so that half a step is no leap [M10]", async () => {
  const darkAt = async (grey: number) => {
    const { measured } = await describeFrames(await film(2, () => plain(grey, grey, grey)));
    return chanceOf("it is dark", measured!)!;
  };
  const chances = await Promise.all([10, 20, 25, 30, 33, 36, 41, 46, 60].map(darkAt));
  chances.slice(1).forEach((chance, at) => {
    assertLessOrEqual(chance, chances[at]!, `${chances}`);
    assertLessOrEqual(chances[at]! - chance, 0.3, `${chances}`);
  });
  assertGreaterOrEqual(chances[0]!, 0.98);
  assertLessOrEqual(chances.at(-1)!, 0.02);
});

Deno.test("chanceOf manages any text in no time [M10]", () => {
  const word = fc.constantFrom(
    "not ",
    "dark ",
    "nothing ",
    '"',
    "the ",
    "red ",
    "moves ",
    "x",
    ":",
    "'",
  );
  const text = fc.oneof(
    fc.string({ maxLength: 5_000 }),
    fc.array(word, { maxLength: 2_000 }).map((all) => all.join("")),
  );
  fc.assert(fc.property(text, (text) => {
    const startedAtMs = performance.now();
    const chance = chanceOf(text, PARTS.ballRolls);
    assert(chance === null || chance >= 0 && chance <= 1);
    assertLessOrEqual(performance.now() - startedAtMs, 200, text);
  }));
});
