/**
 * How far two words are apart.
 *
 * @module
 */

/** From so many letters on a word may be written with one mistake, or with two. */
const ONE_MISTAKE_CHARS = 4;
const TWO_MISTAKES_CHARS = 8;

/** How many mistakes are taken for a slip of the finger: short words are too like each other. */
export function mistakesAllowed(word: string): number {
  if (word.length < ONE_MISTAKE_CHARS) return 0;
  return word.length < TWO_MISTAKES_CHARS ? 1 : 2;
}

/**
 * Letters to insert, delete, replace, or to swap with their neighbour, to make one of the other
 * (optimal string alignment); `most + 1` if it takes more.
 */
export function mistakesBetween(one: string, other: string, most: number): number {
  if (Math.abs(one.length - other.length) > most) return most + 1;
  let twoAbove: number[] = [];
  let above = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    let least = row;
    for (let at = 1; at <= other.length; at++) {
      const isSame = one[row - 1] === other[at - 1];
      let distance = Math.min(
        above[at]! + 1,
        current[at - 1]! + 1,
        above[at - 1]! + (isSame ? 0 : 1),
      );
      const isSwapped = row > 1 && at > 1 && one[row - 1] === other[at - 2] &&
        one[row - 2] === other[at - 1];
      if (isSwapped) distance = Math.min(distance, twoAbove[at - 2]! + 1);
      current.push(distance);
      least = Math.min(least, distance);
    }
    // No row below can be better, nor by a swap: this one is at most one behind the row above.
    if (least > most) return most + 1;
    [twoAbove, above] = [above, current];
  }
  return Math.min(above[other.length]!, most + 1);
}
