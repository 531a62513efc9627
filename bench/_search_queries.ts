/**
 * What is searched for in a benchmark, by kind.
 *
 * @module
 */
import { seeded } from "./_captions.ts";

const PER_KIND = 40;
/** Ranks in the vocabulary from which a word is frequent, middling, rare. */
const FREQUENT = 0;
const MIDDLING = 150;
const RARE = 3000;

/** Searches of one kind. */
export interface Queries {
  readonly kind: string;
  readonly texts: readonly string[];
}

/** So many of each kind, the same each time. */
export function queriesOf(vocabulary: readonly string[]): Queries[] {
  const random = seeded(2);
  const word = (rank: number, at: number) => vocabulary[rank + at]!;
  const swapped = (text: string) => {
    const at = 1 + Math.floor(random() * (text.length - 2));
    return text.slice(0, at) + text[at + 1] + text[at] + text.slice(at + 2);
  };
  const kinds: [string, (at: number) => string][] = [
    ["frequent word", (at) => word(FREQUENT, at)],
    ["middling word", (at) => word(MIDDLING, at)],
    ["rare word", (at) => word(RARE, at)],
    ["found nowhere", (at) => `${at}xyzzyqq`],
    ["another form of the word", (at) => `${word(FREQUENT, at)}s`],
    ["two frequent words", (at) => `${word(FREQUENT, at)} ${word(FREQUENT, at + 1)}`],
    ["frequent and rare", (at) => `${word(FREQUENT, at)} ${word(RARE, at)}`],
    ["question", (at) => `where did I leave my ${word(FREQUENT, at)} with the ${word(RARE, at)}?`],
    ["beginning, 2 letters", (at) => word(MIDDLING, at).slice(0, 2)],
    ["beginning, 4 letters", (at) => word(MIDDLING, at).slice(0, 4)],
    ["mistake in a frequent word", (at) => swapped(word(FREQUENT, at))],
    ["mistake in a rare word", (at) => swapped(word(RARE, at))],
    ["eight words", (at) => vocabulary.slice(at * 9, at * 9 + 8).join(" ")],
  ];
  return kinds.map(([kind, textAt]) => ({
    kind,
    texts: Array.from({ length: PER_KIND }, (_, at) => textAt(at)),
  }));
}
