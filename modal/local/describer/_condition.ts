/**
 * Conditions in plain words, as far as they are about what the describer measures.
 *
 * Every word counts: where one is not known here, the condition may be about anything, and is about
 * nothing that is measured.
 *
 * @module
 */
import type { ColourName } from "./measurements.ts";
import { type Sense, sensesOf } from "./_senses.ts";

/** What can be asked of a chunk. */
export type Measurable =
  | { readonly kind: "dark" | "dim" | "bright" | "getting darker" | "getting brighter" }
  | { readonly kind: "moving" | "scene changes" }
  /** `extent`: whether there is something of that colour, or all is. */
  | { readonly kind: "coloured"; readonly colour: ColourName; readonly extent: "some" | "most" }
  | { readonly kind: "coloured mover"; readonly colour: ColourName };

/** A condition, or the contrary of it. */
export interface Condition {
  readonly about: Measurable;
  readonly isNegated: boolean;
}

/** Longer ones are about more than one thing. */
const MAX_WORDS = 24;

/** Asked this way, a negation is none: "isn't it dark?" */
const POLITE =
  /^(isn't|aren't|doesn't|don't|hasn't|won't) (it|there|the|that|this|anything|something)\b/;
/** Several words that say one thing, and one that says the same. */
const PHRASES: readonly (readonly [RegExp, string])[] = [
  [/\b(no longer|not any ?more)\b/g, "not"],
  [/\bpitch (dark|black)\b/g, "pitch-$1"],
  [/\b(brightly|well) lit\b/g, "well-lit"],
  [/\bdimly lit\b/g, "dim"],
  [/\bin(to)? ((the|this) )?(picture|image|view|frame)\b/g, ""],
];
/** In quotes stands what is asked; around it, how. */
const QUOTED = /^([^"]*)"([^"]+)"([^"]*)$/;
const NEGATIVE = /\b(not|false|untrue|wrong|unless|without)\b|n't\b/;

/** What a text asks, as yes or no. Null: it is not about what is measured, or about more. */
export function conditionIn(text: string): Condition | null {
  const plain = text.slice(0, 1000).toLowerCase().replace(/[’‘]/g, "'").replace(/[“”„]/g, '"');
  const [, before = "", quoted, after = ""] = QUOTED.exec(plain) ?? [];
  if (quoted !== undefined && NEGATIVE.test(`${before} ${after}`)) return null;
  const asked = (quoted ?? plain).trim().replace(POLITE, "$2");
  const words = PHRASES.reduce((text, [phrase, word]) => text.replaceAll(phrase, word), asked)
    .match(/[\p{L}\p{N}'-]+/gu) ?? [];
  if (words.length === 0 || words.length > MAX_WORDS) return null;
  const senses = sensesOf(words);
  return senses && conditionOf(senses);
}

function conditionOf(senses: readonly Sense[]): Condition | null {
  const has = (sense: Sense) => senses.includes(sense);
  const denials = senses.filter((sense) => sense === "not" || sense === "nothing").length;
  // "Something is not red" says nothing of the rest, and what moves need not be all.
  const isPartial = has("something") && has("not") || has("all") && has("move");
  const about = isPartial ? null : aboutOf(senses, has);
  if (!about) return null;
  return { about: about.what, isNegated: (denials + (about.isContrary ? 1 : 0)) % 2 === 1 };
}

interface About {
  readonly what: Measurable;
  /** It is said by its contrary: what is still does not move. */
  readonly isContrary?: boolean;
}

function aboutOf(senses: readonly Sense[], has: (sense: Sense) => boolean): About | null {
  const named = senses.flatMap((sense) => typeof sense === "object" ? sense.colour : []);
  const colours = [...new Set(named)];
  const main = MAIN.filter(has);
  if (colours.length > 1) return null;
  const [colour] = colours;
  if (colour) return colourOf(colour, main, has);
  const [only, ...more] = main;
  if (only === undefined || more.length > 0) return lightOf(main, has);
  switch (only) {
    case "dark":
    case "dim":
    case "bright":
      return { what: { kind: only } };
    case "darker":
      return { what: { kind: "getting darker" } };
    case "brighter":
      return { what: { kind: "getting brighter" } };
    case "move":
      return { what: { kind: "moving" } };
    case "still":
      return { what: { kind: "moving" }, isContrary: true };
    case "cut":
      return { what: { kind: "scene changes" } };
    case "change":
      return has("scene") ? { what: { kind: "scene changes" } } : null;
    case "light":
      return lightOf(main, has);
  }
}

/** The senses of which a condition has one. */
const MAIN = [
  "dark",
  "dim",
  "bright",
  "darker",
  "brighter",
  "light",
  "move",
  "still",
  "change",
  "cut",
] as const;

function colourOf(
  colour: ColourName,
  main: readonly Sense[],
  has: (s: Sense) => boolean,
): About | null {
  if (main.length === 0) {
    const isWhole = !has("something") && (has("all") || has("scene") || has("becomes"));
    const extent = isWhole ? "most" : "some";
    return { what: { kind: "coloured", colour, extent } };
  }
  return main.length === 1 && main[0] === "move"
    ? { what: { kind: "coloured mover", colour } }
    : null;
}

/** Light that goes out, is on, is bright or fades. */
function lightOf(main: readonly Sense[], has: (sense: Sense) => boolean): About | null {
  if (!main.includes("light")) return null;
  const [other, ...more] = main.filter((sense) => sense !== "light");
  if (more.length > 0) return null;
  switch (other) {
    case undefined:
      // "The light is off" is dark; "the lights are on", "there is light" and "it is light" are not.
      return { what: { kind: "dark" }, isContrary: !has("off") };
    case "dim":
    case "bright":
      return { what: { kind: other } };
    case "darker":
      return { what: { kind: "getting darker" } };
    case "brighter":
      return { what: { kind: "getting brighter" } };
    default:
      return null;
  }
}
