/**
 * The words in which the describer can be asked, and what each says.
 *
 * @module
 */
import type { ColourName } from "./measurements.ts";

/** What a word says. */
export type Sense =
  | "dark"
  | "dim"
  | "bright"
  | "darker"
  | "brighter"
  | "light"
  | "on"
  | "off"
  | "move"
  | "still"
  | "change"
  | "cut"
  | "scene"
  | "all"
  | "becomes"
  | "not"
  | "nothing"
  | "something"
  | { readonly colour: ColourName };

/** Null: it says nothing that is measured, and nothing that would have to be. */
const SENSES: Readonly<Record<string, Sense | null>> = {
  ...sense("dark", "dark darkness unlit lightless pitch-black pitch-dark"),
  ...sense("dim", "dim dimly gloomy gloom twilight"),
  ...sense("bright", "bright brightly brightness well-lit"),
  ...sense("darker", "darker dimmer darken darkens darkening dims dimming fades fading"),
  ...sense("brighter", "brighter lighter brighten brightens brightening"),
  ...sense("light", "light lights lighting lit"),
  ...sense("on", "on"),
  ...sense("off", "off out gone"),
  ...sense("move", "move moves moving moved motion movement movements"),
  ...sense("still", "still motionless static stationary unmoving frozen"),
  ...sense("change", "change changes changing changed switches"),
  ...sense("cut", "cut cuts"),
  ...sense("scene", "scene scenery picture image view frame"),
  ...sense("all", "all everything whole entire entirely completely mostly mainly only"),
  ...sense("becomes", "get gets getting gotten become becomes becoming turn turns turning"),
  ...sense("becomes", "go goes going grow grows growing come comes coming falls fall"),
  ...sense("not", "not no never without isn't aren't doesn't don't hasn't won't"),
  ...sense("not", "stop stops stopped ceases ceased"),
  ...sense("nothing", "nothing none"),
  ...sense("something", "something"),
  ...colours("black grey white brown beige red orange yellow green turquoise blue purple pink"),
  gray: { colour: "grey" },
  violet: { colour: "purple" },
  cyan: { colour: "turquoise" },
  ...sense(null, "a an the is are be it its it's there there's that this these in of to and any"),
  ...sense(null, "some anything thing things object objects shape place room surroundings here"),
  ...sense(
    null,
    "now very too so quite really pretty rather suddenly abruptly slowly around about",
  ),
  ...sense(null, "does do did has have can being been seen see visible present coloured colored"),
  ...sense(null, "colour color at longer anymore more stands stand stays stay remains remain lies"),
  ...sense(null, "lie keeps"),
};

/** The senses of the words, without those that say nothing. Null: one of them is not known. */
export function sensesOf(words: readonly string[]): Sense[] | null {
  if (!words.every((word) => Object.hasOwn(SENSES, word))) return null;
  return words.flatMap((word) => SENSES[word] ?? []);
}

function sense(meaning: Sense | null, words: string): Record<string, Sense | null> {
  return Object.fromEntries(words.split(" ").map((word) => [word, meaning]));
}

function colours(names: string): Record<string, Sense> {
  return Object.fromEntries(names.split(" ").map((name) => [name, { colour: name as ColourName }]));
}
