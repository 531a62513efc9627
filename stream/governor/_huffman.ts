/**
 * Huffman tables of a JPEG (ITU-T T.81, annex C and F.2.2), made for walking over a picture fast.
 *
 * @module
 */

/** Bits that a table is looked up by: four tables of this width fit the first cache of a core. */
export const LOOKUP_BITS = 12;
/** No symbol; in a lookup for DC: one that is decoded the slow way. */
export const SLOW = 0;
/** An entry for AC: bits that it takes, places that it goes ahead, and whether the block ends. */
export const BITS_MASK = 31;
export const PLACES_SHIFT = 5;
export const PLACES_MASK = 127;
export const END_OF_BLOCK = 1 << 12;
/** In a lookup for AC: decoded the slow way, told by going further ahead than a block is long. */
const LONG = PLACES_MASK << PLACES_SHIFT;
/** An entry for DC: bits that it takes, and above them the difference, which may be negative. */
export const DC_BITS_MASK = 31;
export const DC_VALUE_SHIFT = 5;

const MAX_CODE_BITS = 16;
/** A coefficient of an 8-bit picture takes at most so many bits (T.81, tables F.1 and F.2). */
const MAX_DC_BITS = 11;
const MAX_AC_BITS = 10;
/** A longer difference does not fit an entry of 16 bits. */
const DC_LOOKUP_VALUE_BITS = 10;
const ZERO_RUN = 0xf0;
/** Phones send the same four tables in each frame, and a process hears few kinds of phones. */
const MAX_KEPT = 16;

/** One table: for DC or for AC coefficients. */
export interface HuffmanTable {
  /**
   * What the next {@link LOOKUP_BITS} bits mean: for DC a whole difference, for AC as many whole
   * coefficients as there are.
   */
  readonly lookup: Int16Array | Uint16Array;
  /**
   * Decodes one symbol the slow way.
   *
   * @param next the next 16 bits
   * @returns for DC the bits of the code and, as places, those of the difference behind it; for AC
   * an entry of that one coefficient; {@link SLOW} if the bits are no code
   */
  one(next: number): number;
}

/** Where blocks have no AC coefficients at all, they end where they begin. */
export const NO_COEFFICIENTS: HuffmanTable = {
  lookup: new Uint16Array(1 << LOOKUP_BITS).fill(END_OF_BLOCK),
  one: () => END_OF_BLOCK,
};

interface Kept {
  readonly isDc: boolean;
  readonly definition: Uint8Array;
  readonly table: HuffmanTable;
}

/** Newest first. Tables follow from their bytes alone, so whose they were does not matter. */
const kept: Kept[] = [];

/**
 * The table that 16 counts and as many symbols define.
 *
 * @returns undefined if they define none
 */
export function huffmanTable(isDc: boolean, definition: Uint8Array): HuffmanTable | undefined {
  const at = kept.findIndex((known) => known.isDc === isDc && isSame(known.definition, definition));
  if (at === 0) return kept[0]!.table;
  const found = at > 0 ? kept.splice(at, 1)[0] : build(isDc, definition.slice());
  if (!found) return undefined;
  kept.unshift(found);
  if (kept.length > MAX_KEPT) kept.pop();
  return found.table;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

function build(isDc: boolean, definition: Uint8Array): Kept | undefined {
  const entryOf = isDc ? dcEntry : acEntry;
  /** The first code that is longer than so many bits, and where the symbols of that length lie. */
  const end = new Int32Array(MAX_CODE_BITS + 1);
  const base = new Int32Array(MAX_CODE_BITS + 1);
  const singles = new Int16Array(1 << LOOKUP_BITS);
  let code = 0;
  let symbolAt = MAX_CODE_BITS;
  for (let bits = 1; bits <= MAX_CODE_BITS; bits++) {
    base[bits] = symbolAt - code;
    for (let count = definition[bits - 1]!; count > 0; count--, code++, symbolAt++) {
      const free = LOOKUP_BITS - bits;
      if (free < 0) continue;
      singles.fill(entryOf(definition[symbolAt]!, bits), code << free, (code + 1) << free);
    }
    end[bits] = code;
    if (code > 1 << bits) return undefined;
    code <<= 1;
  }
  const one = (next: number): number => {
    for (let bits = 1; bits <= MAX_CODE_BITS; bits++) {
      const prefix = next >>> (MAX_CODE_BITS - bits);
      if (prefix < end[bits]!) return entryOf(definition[base[bits]! + prefix]!, bits);
    }
    return SLOW;
  };
  return { isDc, definition, table: { lookup: isDc ? withValues(singles) : joined(singles), one } };
}

function dcEntry(symbol: number, bits: number): number {
  return symbol > MAX_DC_BITS ? SLOW : bits | (symbol << PLACES_SHIFT);
}

/** The coefficient is taken along with its code: nobody asks for its value. */
function acEntry(symbol: number, bits: number): number {
  const valueBits = symbol & 15;
  if (symbol === 0) return bits | END_OF_BLOCK;
  if (valueBits > MAX_AC_BITS || (valueBits === 0 && symbol !== ZERO_RUN)) return SLOW;
  return (bits + valueBits) | (((symbol >>> 4) + 1) << PLACES_SHIFT);
}

/** The value of so many bits: those that begin with a 0 are the negative ones (T.81, F.2.2.1). */
export function signed(value: number, bits: number): number {
  return bits === 0 || value >>> (bits - 1) ? value : value - (1 << bits) + 1;
}

/** Takes the difference along where it lies wholly within the bits looked at. */
function withValues(singles: Int16Array): Int16Array {
  const all = new Int16Array(singles.length);
  for (let next = 0; next < all.length; next++) {
    const entry = singles[next]!;
    const valueBits = entry >>> PLACES_SHIFT;
    const bits = (entry & BITS_MASK) + valueBits;
    const isWhole = bits <= LOOKUP_BITS && valueBits <= DC_LOOKUP_VALUE_BITS;
    if (entry === SLOW || !isWhole) continue;
    const value = (next >>> (LOOKUP_BITS - bits)) & ((1 << valueBits) - 1);
    all[next] = (signed(value, valueBits) << DC_VALUE_SHIFT) | bits;
  }
  return all;
}

/** Joins the symbols that lie wholly within the bits looked at, up to the end of a block. */
function joined(singles: Int16Array): Uint16Array {
  const all = new Uint16Array(singles.length);
  const mask = singles.length - 1;
  for (let bits = 0; bits <= mask; bits++) {
    let entry = singles[bits]! || LONG;
    while (entry < LONG) {
      const taken = entry & BITS_MASK;
      const next = singles[(bits << taken) & mask]!;
      // The bits that were shifted in are not known, so what reaches into them is not either.
      if (next === SLOW || taken + (next & BITS_MASK) > LOOKUP_BITS) break;
      // Only a table made to harm has codes so short for runs so long.
      if (entry + (next & ~END_OF_BLOCK) >= LONG) break;
      entry += next;
    }
    all[bits] = entry;
  }
  return all;
}
