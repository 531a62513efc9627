/**
 * The walk over the blocks of a JPEG's scan (ITU-T T.81, F.2.2): DC coefficients are read, the others
 * passed over. Nine tenths of the governor's time is spent here, so the two functions of a block keep
 * to what V8 turns into few instructions: whole numbers, and no object made.
 *
 * @module
 */
import type { EntropyData } from "./_entropy_data.ts";
import {
  BITS_MASK,
  DC_BITS_MASK,
  DC_VALUE_SHIFT,
  END_OF_BLOCK,
  type HuffmanTable,
  LOOKUP_BITS,
  PLACES_MASK,
  PLACES_SHIFT,
  signed,
  SLOW,
} from "./_huffman.ts";
import type { ScanComponent, ScanHeader } from "./_scan_header.ts";

/** The cells that the units of a scan are put together to. */
export interface Grid {
  readonly cols: number;
  readonly rows: number;
  /** Units across and down a cell. */
  readonly across: number;
  readonly down: number;
}

const PLACES = 64;
/** In the place of a bit: the bits made no sense. */
const BROKEN = -1;
const LOOKUP_SHIFT = 32 - LOOKUP_BITS;
const CODE_SHIFT = 16;
/** {@link peek} gives 25 bits or more: once so many are used up, the next lookup needs another. */
const SPARE_BITS = 25 - LOOKUP_BITS;

/**
 * Adds up the DC coefficients of each cell.
 *
 * @param sums a plane of cells for each component, which are added to
 * @returns false if the bits made no sense or ran out
 */
export function addUpDc(
  { view, ends }: EntropyData,
  { unitCols, unitRows, restartUnits, components }: ScanHeader,
  { cols, across, down }: Grid,
  sums: readonly Int32Array[],
): boolean {
  last.fill(0);
  let at = 0;
  let interval = 0;
  let left = restartUnits || Infinity;
  for (let row = 0; row < unitRows; row++) {
    const firstCell = Math.floor(row / down) * cols;
    for (let col = 0; col < unitCols; col++) {
      if (left-- === 0) {
        at = 8 * ends[interval++]!;
        left = restartUnits - 1;
        last.fill(0);
      }
      at = afterUnit(view, at, components, sums, firstCell + Math.floor(col / across));
      if (at === BROKEN || at > 8 * (ends[interval] ?? BROKEN)) return false;
    }
  }
  return true;
}

/** The last DC coefficient of each component, which the next one is told as a difference to. */
const last = new Int32Array(3);

function afterUnit(
  view: DataView,
  at: number,
  components: readonly ScanComponent[],
  sums: readonly Int32Array[],
  cell: number,
): number {
  for (let which = 0; which < components.length; which++) {
    const component = components[which]!;
    const { plane, blocks } = component;
    let sum = 0;
    for (let block = 0; block < blocks; block++) {
      at = afterBlock(view, at, component);
      if (at === BROKEN) return BROKEN;
      sum += last[plane]!;
    }
    sums[plane]![cell]! += sum;
  }
  return at;
}

/** The next 25 bits or more, from the top of 32. */
function peek(view: DataView, at: number): number {
  return view.getUint32(at >>> 3) << (at & 7);
}

/**
 * Adds the difference of a block's DC coefficient to {@link last}, and passes over its others.
 *
 * @returns the bit behind them, or {@link BROKEN}
 */
function afterBlock(view: DataView, at: number, { plane, dc, ac }: ScanComponent): number {
  let next = peek(view, at);
  let entry = dc.lookup[next >>> LOOKUP_SHIFT]!;
  if (entry === SLOW) {
    at = afterLongDc(view, at, plane, dc);
    if (at === BROKEN) return BROKEN;
    next = peek(view, at);
  } else {
    last[plane]! += entry >> DC_VALUE_SHIFT;
    at += entry & DC_BITS_MASK;
    next <<= entry & DC_BITS_MASK;
  }
  if (!ac) return at;
  const { lookup } = ac;
  let place = 1;
  while (true) {
    entry = lookup[next >>> LOOKUP_SHIFT]!;
    let after = place + placesOf(entry);
    if (entry !== SLOW && after < PLACES) {
      at += entry & BITS_MASK;
      if (entry >= END_OF_BLOCK) return at;
      place = after;
      next = peek(view, at);
      entry = lookup[next >>> LOOKUP_SHIFT]!;
      after = place + placesOf(entry);
      if (entry !== SLOW && after < PLACES) {
        const bits = entry & BITS_MASK;
        at += bits;
        if (entry >= END_OF_BLOCK) return at;
        place = after;
        next = bits > SPARE_BITS ? peek(view, at) : next << bits;
        continue;
      }
    }
    // A long code; or the block may end here by being full, and what was joined reach beyond it.
    entry = ac.one(peek(view, at) >>> CODE_SHIFT);
    at += entry & BITS_MASK;
    place += placesOf(entry);
    if (entry === SLOW || place > PLACES) return BROKEN;
    if (place === PLACES || entry >= END_OF_BLOCK) return at;
    next = peek(view, at);
  }
}

/** {@link afterBlock} for a DC coefficient that the lookup does not hold. */
function afterLongDc(view: DataView, at: number, plane: number, { one }: HuffmanTable): number {
  const code = one(peek(view, at) >>> CODE_SHIFT);
  if (code === SLOW) return BROKEN;
  const bits = code >>> PLACES_SHIFT;
  at += code & BITS_MASK;
  if (bits > 0) last[plane]! += signed(peek(view, at) >>> (32 - bits), bits);
  return at + bits;
}

function placesOf(entry: number): number {
  return (entry >>> PLACES_SHIFT) & PLACES_MASK;
}
