/**
 * The walk over the blocks of a JPEG's scan (ITU-T T.81, F.2.2): DC coefficients are read, the others
 * passed over. Nine tenths of the governor's time is spent here, so the two functions of a block keep
 * to what V8 turns into few instructions: whole numbers, and no object made.
 *
 * @module
 */
import type { EntropyData } from "./_entropy_data.ts";
import * as layout from "./_huffman.ts";
import { type HuffmanTable, LOOKUP_BITS, signed } from "./_huffman.ts";
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
// Constants of another module are loaded anew at each use; those of this one V8 knows: a fifth less
// time.
const { BITS_MASK, DC_BITS_MASK, DC_VALUE_SHIFT, END_OF_BLOCK, PLACES_MASK, PLACES_SHIFT, SLOW } =
  layout;
const LOOKUP_SHIFT = 32 - LOOKUP_BITS;
const CODE_SHIFT = 16;
/** {@link peek} gives 25 bits or more: once so many are used up, the next lookup needs another. */
const SPARE_BITS = 25 - LOOKUP_BITS;

/** Units of one row that lie between two restarts. */
interface Run {
  readonly fromCol: number;
  readonly toCol: number;
  readonly firstCell: number;
  /** Units across a cell. */
  readonly across: number;
  /** Where the bits end. */
  readonly endBit: number;
}

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
    for (let fromCol = 0; fromCol < unitCols;) {
      if (left === 0) {
        at = 8 * ends[interval++]!;
        left = restartUnits;
        last.fill(0);
      }
      const toCol = Math.min(unitCols, fromCol + left);
      const endBit = 8 * (ends[interval] ?? 0);
      at = afterRun(view, at, components, { fromCol, toCol, firstCell, across, endBit }, sums);
      if (at === BROKEN) return false;
      left -= toCol - fromCol;
      fromCol = toCol;
    }
  }
  return true;
}

/** The last DC coefficient of each component, which the next one is told as a difference to. */
const last = new Int32Array(3);

/**
 * Adds up the DC coefficients of a run of units, and passes over the others.
 *
 * Longer than a function should be: calls for each component, and one lookup to each load, took a
 * third more time.
 *
 * @returns the bit behind them, or {@link BROKEN}
 */
function afterRun(
  view: DataView,
  at: number,
  components: readonly ScanComponent[],
  { fromCol, toCol, firstCell, across, endBit }: Run,
  sums: readonly Int32Array[],
): number {
  for (let col = fromCol; col < toCol; col++) {
    for (let which = 0; which < components.length; which++) {
      const { plane, blocks, dc, ac } = components[which]!;
      const values = dc.lookup, { lookup } = ac;
      let level = last[plane]!, sum = 0;
      nextBlock: for (let block = 0; block < blocks; block++) {
        let next = peek(view, at);
        let entry = values[next >>> LOOKUP_SHIFT]! || longDc(view, at, dc);
        if (entry === SLOW) return BROKEN;
        const dcBits = entry & DC_BITS_MASK;
        at += dcBits;
        next = dcBits > SPARE_BITS ? peek(view, at) : next << dcBits;
        level += entry >> DC_VALUE_SHIFT;
        sum += level;
        for (let place = 1; place < PLACES;) {
          entry = lookup[next >>> LOOKUP_SHIFT]!;
          let after = place + placesOf(entry);
          if (after < PLACES) {
            at += entry & BITS_MASK;
            if (entry >= END_OF_BLOCK) continue nextBlock;
            place = after;
            next = peek(view, at);
            entry = lookup[next >>> LOOKUP_SHIFT]!;
            after = place + placesOf(entry);
            if (after < PLACES) {
              const bits = entry & BITS_MASK;
              at += bits;
              if (entry >= END_OF_BLOCK) continue nextBlock;
              place = after;
              next = bits > SPARE_BITS ? peek(view, at) : next << bits;
              continue;
            }
          }
          // A long code; or the block ends by being full, and what was joined reaches beyond it.
          entry = ac.one(peek(view, at) >>> CODE_SHIFT);
          at += entry & BITS_MASK;
          place += placesOf(entry);
          if (entry === SLOW || place > PLACES) return BROKEN;
          if (entry >= END_OF_BLOCK) continue nextBlock;
          next = peek(view, at);
        }
      }
      last[plane] = level;
      sums[plane]![firstCell + Math.floor(col / across)]! += sum;
    }
    if (at > endBit) return BROKEN;
  }
  return at;
}

/** Such a DC coefficient as the lookup does not hold, as an entry of it; {@link SLOW} if it is none. */
function longDc(view: DataView, at: number, { one }: HuffmanTable): number {
  const code = one(peek(view, at) >>> CODE_SHIFT);
  if (code === SLOW) return SLOW;
  const codeBits = code & BITS_MASK;
  const bits = code >>> PLACES_SHIFT;
  const value = bits === 0 ? 0 : signed(peek(view, at + codeBits) >>> (32 - bits), bits);
  return (value << DC_VALUE_SHIFT) | (codeBits + bits);
}

/** The next 25 bits or more, from the top of 32. */
function peek(view: DataView, at: number): number {
  return view.getUint32(at >>> 3) << (at & 7);
}

function placesOf(entry: number): number {
  return (entry >>> PLACES_SHIFT) & PLACES_MASK;
}
