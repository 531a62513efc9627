/**
 * The entropy-coded bytes of a scan without what is stuffed between them.
 *
 * @module
 */

const PREFIX = 0xff;
const FIRST_RESTART = 0xd0;
const LAST_RESTART = 0xd7;
/** A unit of a scan that breaks off is walked to its end: at most ten blocks of 64 times 27 bits. */
const SLACK_BYTES = 4096;

/** Bytes to walk over; as good as the next call to {@link unstuff}, since the memory is reused. */
export interface EntropyData {
  /** The bytes, {@link SLACK_BYTES} zeros behind them. */
  readonly view: DataView<ArrayBuffer>;
  /** Where each restart interval ends, in bytes; the last is where all ends. */
  readonly ends: readonly number[];
}

let bytes = new Uint8Array(64 * 1024);
let view = new DataView(bytes.buffer);

/** Copies the scan that begins at `from`, up to the marker that ends it or the end of the bytes. */
export function unstuff(source: Uint8Array, from: number): EntropyData {
  const most = source.length - from + SLACK_BYTES;
  if (bytes.length < most) {
    bytes = new Uint8Array(2 * most);
    view = new DataView(bytes.buffer);
  }
  const ends: number[] = [];
  const words = new DataView(source.buffer, source.byteOffset, source.byteLength);
  const lastWord = source.length - 4;
  let at = from;
  let to = 0;
  while (at < source.length) {
    // Four bytes at once while none of them is 0xFF.
    while (at <= lastWord) {
      const word = words.getUint32(at);
      if ((~word - 0x01010101) & word & 0x80808080) break;
      view.setUint32(to, word);
      at += 4;
      to += 4;
    }
    const byte = source[at++]!;
    if (byte !== PREFIX) {
      bytes[to++] = byte;
      continue;
    }
    const next = source[at];
    if (next === 0) bytes[to++] = PREFIX;
    else if (next === PREFIX) continue;
    else if (next !== undefined && next >= FIRST_RESTART && next <= LAST_RESTART) ends.push(to);
    else break;
    at++;
  }
  ends.push(to);
  bytes.fill(0, to, to + SLACK_BYTES);
  return { view, ends };
}
