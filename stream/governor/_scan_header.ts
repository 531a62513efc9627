/**
 * What must be known of a JPEG before its first scan can be walked (ITU-T T.81, annex B).
 *
 * @module
 */
import { type HuffmanTable, huffmanTable, NO_COEFFICIENTS } from "./_huffman.ts";

/** One colour component of the first scan. */
export interface ScanComponent {
  /** 0 is luma, 1 and 2 are the colour differences. */
  readonly plane: number;
  /** Blocks in one unit of the scan (MCU). */
  readonly blocks: number;
  /** Quantisation step of the DC coefficient. */
  readonly step: number;
  readonly dc: HuffmanTable;
  readonly ac: HuffmanTable;
}

/** The first scan of a picture. */
export interface ScanHeader {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Units of the scan (MCUs) in a row, and rows of them. */
  readonly unitCols: number;
  readonly unitRows: number;
  readonly unitWidthPx: number;
  readonly unitHeightPx: number;
  /** Units between restart markers; 0: there are none. */
  readonly restartUnits: number;
  /** A progressive picture sends DC coefficients first without so many of their last bits. */
  readonly lowBits: number;
  readonly components: readonly ScanComponent[];
  /** Where the entropy-coded bytes begin. */
  readonly dataAt: number;
}

const PREFIX = 0xff;
const BASELINE = 0xc0;
const EXTENDED = 0xc1;
const PROGRESSIVE = 0xc2;
const HUFFMAN_TABLES = 0xc4;
const QUANTISATION_TABLES = 0xdb;
const RESTART_INTERVAL = 0xdd;
const START_OF_SCAN = 0xda;
const LAST_FRAME = 0xcf;
/** In the range of start-of-frame markers, and none. */
const EXTENSION = 0xc8;
const ARITHMETIC_CONDITIONS = 0xcc;
const COEFFICIENTS = 64;
const BLOCK_PX = 8;
const MAX_PLANES = 3;
/** A unit of a scan of several components has at most so many blocks (T.81, B.2.3). */
const MAX_UNIT_BLOCKS = 10;

interface FrameComponent {
  readonly id: number;
  readonly plane: number;
  readonly across: number;
  readonly down: number;
  readonly quantisation: number;
}

interface FrameHeader {
  readonly isProgressive: boolean;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly components: readonly FrameComponent[];
}

/** What the segments before the first scan have said. */
class Tables {
  readonly steps: number[] = [];
  readonly dc: (HuffmanTable | undefined)[] = [];
  readonly ac: (HuffmanTable | undefined)[] = [];
  restartUnits = 0;
  frame: FrameHeader | null = null;
}

/**
 * Reads a JPEG up to its first scan.
 *
 * @returns undefined if it is no JPEG, breaks off, or is of a kind that the walk does not know:
 * arithmetic coding, lossless, 12 bits a sample, four inks
 */
export function readScanHeader(bytes: Uint8Array): ScanHeader | undefined {
  if (bytes[0] !== PREFIX || bytes[1] !== 0xd8) return undefined;
  const tables = new Tables();
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === PREFIX) {
    const marker = bytes[at + 1]!;
    if (marker === PREFIX) {
      at++;
      continue;
    }
    const end = at + 2 + uint16(bytes, at + 2);
    if (end < at + 4 || end > bytes.length) return undefined;
    const segment = bytes.subarray(at + 4, end);
    if (marker === START_OF_SCAN) return scanOf(segment, tables, end);
    if (!readSegment(marker, segment, tables)) return undefined;
    at = end;
  }
  return undefined;
}

/** False where the picture is of a kind that the walk does not know, or broken. */
function readSegment(marker: number, segment: Uint8Array, tables: Tables): boolean {
  if (marker === HUFFMAN_TABLES) return readHuffmanTables(segment, tables);
  if (marker === QUANTISATION_TABLES) return readQuantisation(segment, tables);
  if (marker === RESTART_INTERVAL) {
    tables.restartUnits = uint16(segment, 0);
  } else if (marker >= BASELINE && marker <= LAST_FRAME && marker !== EXTENSION) {
    if (marker > PROGRESSIVE && marker !== ARITHMETIC_CONDITIONS) return false;
    if (marker <= PROGRESSIVE) return readFrame(marker, segment, tables);
  }
  return true;
}

function readHuffmanTables(segment: Uint8Array, tables: Tables): boolean {
  for (let at = 0; at < segment.length;) {
    const slot = segment[at]!;
    let symbols = 0;
    for (let bits = 1; bits <= 16; bits++) symbols += segment[at + bits] ?? 0;
    const end = at + 17 + symbols;
    if (end > segment.length || symbols > 256) return false;
    const isDc = slot >>> 4 === 0;
    (isDc ? tables.dc : tables.ac)[slot & 3] = huffmanTable(isDc, segment.subarray(at + 1, end));
    at = end;
  }
  return true;
}

function readQuantisation(segment: Uint8Array, tables: Tables): boolean {
  for (let at = 0; at < segment.length;) {
    const isWide = segment[at]! >>> 4 > 0;
    tables.steps[segment[at]! & 3] = isWide ? uint16(segment, at + 1) : segment[at + 1] ?? 0;
    at += 1 + COEFFICIENTS * (isWide ? 2 : 1);
  }
  return true;
}

function readFrame(marker: number, segment: Uint8Array, tables: Tables): boolean {
  const count = segment[5] ?? 0;
  const widthPx = uint16(segment, 3), heightPx = uint16(segment, 1);
  if (tables.frame || segment[0] !== 8 || segment.length < 6 + 3 * count) return false;
  if (widthPx === 0 || heightPx === 0 || (count !== 1 && count !== MAX_PLANES)) return false;
  const components = Array.from({ length: count }, (_, plane) => {
    const [id, sampling, quantisation] = segment.subarray(6 + 3 * plane);
    return {
      id: id!,
      plane,
      across: sampling! >>> 4,
      down: sampling! & 15,
      quantisation: quantisation! & 3,
    };
  });
  const isProgressive = marker !== BASELINE && marker !== EXTENDED;
  tables.frame = { isProgressive, widthPx, heightPx, components };
  return components.every(({ across, down }) => isSampling(across) && isSampling(down));
}

function isSampling(factor: number): boolean {
  return factor >= 1 && factor <= 4;
}

function scanOf(segment: Uint8Array, tables: Tables, dataAt: number): ScanHeader | undefined {
  const { frame, restartUnits } = tables;
  const count = segment[0] ?? 0;
  if (!frame || count < 1 || count > MAX_PLANES || segment.length < 4 + 2 * count) return undefined;
  const lowBits = segment[3 + 2 * count]! & 15;
  const isFirst = segment[1 + 2 * count] === 0 && segment[3 + 2 * count]! >>> 4 === 0;
  if (!isFirst || (frame.isProgressive && segment[2 + 2 * count] !== 0)) return undefined;
  const components: ScanComponent[] = [];
  for (let at = 1; at < 1 + 2 * count; at += 2) {
    const component = componentOf(segment[at]!, segment[at + 1]!, count > 1, frame, tables);
    if (!component) return undefined;
    components.push(component);
  }
  const unitBlocks = components.reduce((sum, { blocks }) => sum + blocks, 0);
  if (components[0]!.plane !== 0 || unitBlocks > MAX_UNIT_BLOCKS) return undefined;
  const { widthPx, heightPx } = frame;
  const units = unitsOf(frame, count > 1);
  return { widthPx, heightPx, ...units, restartUnits, lowBits, components, dataAt };
}

function componentOf(
  id: number,
  slots: number,
  isInterleaved: boolean,
  frame: FrameHeader,
  tables: Tables,
): ScanComponent | undefined {
  const found = frame.components.find((component) => component.id === id);
  if (!found) return undefined;
  const { plane, across, down, quantisation } = found;
  const dc = tables.dc[slots >>> 4];
  // The first scan of a progressive picture has DC coefficients only.
  const ac = frame.isProgressive ? NO_COEFFICIENTS : tables.ac[slots & 15];
  if (!dc || !ac) return undefined;
  const step = tables.steps[quantisation] ?? 0;
  return { plane, blocks: isInterleaved ? across * down : 1, step, dc, ac };
}

/** A unit of a single component is one of its blocks (T.81, A.2.2). */
function unitsOf({ widthPx, heightPx, components }: FrameHeader, isInterleaved: boolean) {
  const mostAcross = Math.max(...components.map(({ across }) => across));
  const mostDown = Math.max(...components.map(({ down }) => down));
  const { across, down } = components[0]!;
  const unitWidthPx = BLOCK_PX * mostAcross / (isInterleaved ? 1 : across);
  const unitHeightPx = BLOCK_PX * mostDown / (isInterleaved ? 1 : down);
  return {
    unitWidthPx,
    unitHeightPx,
    unitCols: Math.ceil(widthPx / unitWidthPx),
    unitRows: Math.ceil(heightPx / unitHeightPx),
  };
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
