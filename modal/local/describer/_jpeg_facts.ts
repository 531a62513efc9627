/**
 * What a JPEG says of itself, read from its markers before any decoder is trusted with it.
 *
 * @module
 */

/** Facts from the markers (ITU-T T.81, annex B). */
export interface JpegFacts {
  readonly widthPx: number;
  readonly heightPx: number;
  /** How many scans the picture is sent in: one, or about ten for a progressive one. */
  readonly scans: number;
}

const PREFIX = 0xff;
const START_OF_IMAGE = 0xd8;
const END_OF_IMAGE = 0xd9;
const START_OF_SCAN = 0xda;
/** Start-of-frame markers are C0..CF except these three, which define tables. */
const FIRST_FRAME = 0xc0;
const LAST_FRAME = 0xcf;
const NOT_FRAMES: ReadonlySet<number> = new Set([0xc4, 0xc8, 0xcc]);
/** Markers that stand alone, without a length: stuffing, TEM and the restarts D0..D7. */
const STUFFING = 0x00;
const TEM = 0x01;
const FIRST_RESTART = 0xd0;
const LAST_RESTART = 0xd7;

/**
 * Reads the markers of a JPEG from start to end.
 *
 * Bytes that are no marker are passed over as libjpeg does it, so a size cannot be shown to us
 * and hidden from the decoder.
 *
 * @returns undefined if it is no JPEG, names no size, or breaks off before its end marker (the
 * decoder would paint the missing part grey, and grey is not what the camera saw).
 */
export function readJpegFacts(bytes: Uint8Array): JpegFacts | undefined {
  if (bytes[0] !== PREFIX || bytes[1] !== START_OF_IMAGE) return undefined;
  let size: { widthPx: number; heightPx: number } | undefined;
  let scans = 0;
  let at = 2;
  while (true) {
    const next = nextMarker(bytes, at);
    if (next === undefined) return undefined;
    const { marker, afterMarker } = next;
    if (marker === END_OF_IMAGE) return size && scans > 0 ? { ...size, scans } : undefined;
    if (marker === START_OF_SCAN) scans++;
    if (isFrame(marker)) {
      // A second frame header is an error in every decoder: refuse it rather than choose.
      if (size) return undefined;
      size = sizeOfFrame(bytes, afterMarker);
      if (!size) return undefined;
    }
    at = standsAlone(marker) ? afterMarker : afterMarker + readUint16(bytes, afterMarker);
  }
}

function nextMarker(
  bytes: Uint8Array,
  from: number,
): { marker: number; afterMarker: number } | undefined {
  let at = from;
  while (true) {
    at = bytes.indexOf(PREFIX, at);
    if (at < 0) return undefined;
    while (bytes[at] === PREFIX) at++;
    const marker = bytes[at];
    if (marker === undefined) return undefined;
    at++;
    if (marker !== STUFFING) return { marker, afterMarker: at };
  }
}

function sizeOfFrame(
  bytes: Uint8Array,
  at: number,
): { widthPx: number; heightPx: number } | undefined {
  // Length (2), sample precision (1), lines (2), samples a line (2).
  const heightPx = readUint16(bytes, at + 3);
  const widthPx = readUint16(bytes, at + 5);
  return widthPx > 0 && heightPx > 0 ? { widthPx, heightPx } : undefined;
}

function isFrame(marker: number): boolean {
  return marker >= FIRST_FRAME && marker <= LAST_FRAME && !NOT_FRAMES.has(marker);
}

function standsAlone(marker: number): boolean {
  return marker === TEM || marker === START_OF_IMAGE ||
    (marker >= FIRST_RESTART && marker <= LAST_RESTART);
}

function readUint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
