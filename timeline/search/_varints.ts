/**
 * Small whole numbers in few bytes: seven bits a byte, the lowest first, as in protocol buffers.
 *
 * By arithmetic, not by bits, as times in milliseconds do not fit in 32 of them.
 *
 * @module
 */

/** Appends a whole number, 0 or more. */
export function putNumber(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    bytes.push(rest % 128 + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

/** Appends a whole number that may be negative (zigzag: those near zero are short). */
export function putSigned(bytes: number[], value: number): void {
  putNumber(bytes, value < 0 ? -2 * value - 1 : 2 * value);
}

/** Reads what was put, one number after the other. */
export class NumberReader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  next(): number {
    let value = 0;
    let unit = 1;
    while (true) {
      const byte = this.#bytes[this.#at++] ?? 0;
      if (byte < 128) return value + byte * unit;
      value += (byte - 128) * unit;
      unit *= 128;
    }
  }

  nextSigned(): number {
    const value = this.next();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
