/**
 * Captions as a model might write them, as many as one likes, the same each time.
 *
 * Words are drawn by Zipf's law from a vocabulary of several thousand: everyday words first, then
 * made-up ones, which stand for names, brands and what is written on signs.
 *
 * @module
 */

const EVERYDAY =
  `person man woman child dog cat car bicycle bus street table chair door window kitchen
  counter cup bottle book phone laptop screen keyboard keys bag backpack jacket shirt shoes hat glasses
  tree flower grass sky cloud building sign wall floor shelf box plate bowl spoon knife fork lamp light
  bed pillow blanket sofa carpet stairs bridge river boat train station platform crowd shop market
  basket apple banana bread cheese coffee tea water wallet umbrella pen paper notebook desk office
  hallway garden fence gate bench park playground ball bird horse truck motorcycle helmet mirror sink
  towel soap brush oven fridge kettle pan stove cupboard drawer clock picture poster camera speaker
  headphones cable charger plug switch button remote television curtain plant vase candle`
    .split(/\s+/);
const LOOKS = `red blue green yellow black white grey brown small large wooden metal plastic old new
  bright dark open closed empty full round striped wet clean dusty broken shiny tall narrow`
  .split(/\s+/);
const DOINGS = `walking standing sitting holding carrying looking leaving opening closing reading
  cooking cleaning talking waiting pointing reaching running riding pushing placing`.split(/\s+/);
const PLACES = `beside behind under above across inside outside against along`.split(/\s+/);
const SYLLABLES = `ka lo mi ren tas vor bel dun fi gra hul jen kor lan mos nip pra quin rus sol ter
  ul vex wim yor zan bri clo dra`.split(/\s+/);
/** So that the first words are not most of all that is said. */
const ZIPF_OFFSET = 2.7;

/** Numbers from 0 to 1 that are the same each time (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Words by rank, the most frequent first. */
export function vocabularyOf(size: number, random: () => number): string[] {
  const words = new Set(EVERYDAY);
  while (words.size < size) {
    const syllables = 2 + Math.floor(random() * 3);
    words.add(Array.from({ length: syllables }, () => pick(SYLLABLES, random())).join(""));
  }
  return [...words];
}

/** Writes captions of about 16 words, by the templates that models like. */
export function captionsOf(vocabulary: readonly string[], random: () => number): () => string {
  const thing = zipf(vocabulary, random);
  const one = (words: readonly string[]) => pick(words, random());
  const templates = [
    () =>
      `A ${one(LOOKS)} ${thing()} and a ${thing()} are on the ${one(LOOKS)} ${thing()}, ` +
      `${one(PLACES)} the ${thing()}; a ${thing()} is ${one(DOINGS)}.`,
    () =>
      `The ${thing()} is ${one(DOINGS)} ${one(PLACES)} a ${one(LOOKS)} ${thing()} with a ` +
      `${thing()}. In the background there is a ${one(LOOKS)} ${thing()}.`,
    () =>
      `Someone ${one(LOOKS)} is ${one(DOINGS)} the ${thing()} ${
        one(PLACES)
      } the ${thing()}, while ` +
      `the ${thing()} near the ${thing()} stays ${one(LOOKS)}.`,
    () =>
      `A sign says "${thing()} ${thing()} ${Math.floor(random() * 200)}" ${one(PLACES)} the ` +
      `${one(LOOKS)} ${thing()}, and the ${thing()} is ${one(DOINGS)}.`,
  ];
  return () => pick(templates, random())();
}

/** Draws words by Zipf's law: the one at rank r as often as 1 / (r + offset). */
function zipf(words: readonly string[], random: () => number): () => string {
  let sum = 0;
  const sums = words.map((_, rank) => sum += 1 / (rank + 1 + ZIPF_OFFSET));
  return () => {
    const drawn = random() * sum;
    let [low, high] = [0, words.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < drawn) low = middle + 1;
      else high = middle;
    }
    return words[low]!;
  };
}

function pick<T>(all: readonly T[], at: number): T {
  return all[Math.floor(at * all.length)]!;
}
