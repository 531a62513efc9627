/**
 * The client's half of WebSocket (RFC 6455), as much as a load generator needs: bytes that are made
 * once and sent often.
 *
 * @module
 */

const FIN_BINARY = 0x82;
const FIN_CLOSE = 0x88;
const FIN_BIT = 0x80;
const OPCODE_BITS = 0x0f;
const MASK_BIT = 0x80;
const LENGTH_BITS = 0x7f;
/** Lengths that say that the real one follows, in two or in eight bytes. */
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const MAX_LENGTH_16 = 0xffff;
const MASK_KEY_BYTES = 4;
const HANDSHAKE_KEY_BYTES = 16;
const CLOSE_NORMAL = 1000;

/** What a message is (RFC 6455, section 5.2). */
export const OPCODE = { text: 1, close: 8, ping: 9 } as const;

/** One message of the server. */
export interface ServerMessage {
  readonly opcode: number;
  readonly payload: Uint8Array;
}

/** The request that opens a WebSocket. */
export function upgradeRequest(url: URL, headers: Readonly<Record<string, string>>): Uint8Array {
  const key = crypto.getRandomValues(new Uint8Array(HANDSHAKE_KEY_BYTES)).toBase64();
  const fields = {
    "Host": url.host,
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": key,
    "Sec-WebSocket-Version": "13",
    ...headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  const head = [`GET ${url.pathname}${url.search} HTTP/1.1`, ...lines, "", ""].join("\r\n");
  return new TextEncoder().encode(head);
}

/**
 * A binary message on the wire. The mask key is 0, which the protocol allows and which makes masking
 * free for us; the server unmasks it like any other.
 */
export function encodeBinary(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return encode(FIN_BINARY, payload);
}

/** A normal end of the connection on the wire. */
export function encodeClose(): Uint8Array<ArrayBuffer> {
  return encode(FIN_CLOSE, new Uint8Array([CLOSE_NORMAL >> 8, CLOSE_NORMAL & 0xff]));
}

function encode(head: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = payload.byteLength;
  const extraBytes = length < LENGTH_16 ? 0 : length <= MAX_LENGTH_16 ? 2 : 8;
  const headerBytes = 2 + extraBytes + MASK_KEY_BYTES;
  const message = new Uint8Array(headerBytes + length);
  const view = new DataView(message.buffer);
  message[0] = head;
  message[1] = MASK_BIT | (extraBytes === 0 ? length : extraBytes === 2 ? LENGTH_16 : LENGTH_64);
  if (extraBytes === 2) view.setUint16(2, length);
  if (extraBytes === 8) view.setBigUint64(2, BigInt(length));
  message.set(payload, headerBytes);
  return message;
}

/** Takes a server's bytes as they come and gives the messages in them. */
export class ServerMessages {
  #rest: Uint8Array = new Uint8Array();

  /**
   * The messages that `piece` completes; they are valid until the next call.
   *
   * @throws {Error} on a message that no ack is: in fragments, masked, or of 64 KiB and more
   */
  *read(piece: Uint8Array): Generator<ServerMessage> {
    this.#rest = joined(this.#rest, piece);
    for (let message = this.#take(); message; message = this.#take()) yield message;
    // The caller reads its next piece into the same buffer.
    this.#rest = this.#rest.slice();
  }

  #take(): ServerMessage | null {
    const rest = this.#rest;
    if (rest.byteLength < 2) return null;
    const [head, second] = [rest[0]!, rest[1]!];
    const isPlain = (head & FIN_BIT) !== 0 && (second & MASK_BIT) === 0 && second !== LENGTH_64;
    if (!isPlain) {
      throw new Error(`Cannot read a message as it must be short and whole: it begins ${head}`);
    }
    const headerBytes = second === LENGTH_16 ? 4 : 2;
    if (rest.byteLength < headerBytes) return null;
    const length = second === LENGTH_16 ? (rest[2]! << 8) | rest[3]! : second & LENGTH_BITS;
    const end = headerBytes + length;
    if (rest.byteLength < end) return null;
    this.#rest = rest.subarray(end);
    return { opcode: head & OPCODE_BITS, payload: rest.subarray(headerBytes, end) };
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.byteLength === 0) return second;
  const both = new Uint8Array(first.byteLength + second.byteLength);
  both.set(first);
  both.set(second, first.byteLength);
  return both;
}
