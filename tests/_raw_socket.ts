/**
 * A WebSocket client that may break every rule: bytes over TCP.
 *
 * @module
 */

const HANDSHAKE: Readonly<Record<string, string>> = {
  "Host": "127.0.0.1",
  "Connection": "Upgrade",
  "Upgrade": "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** A connection after its handshake. */
export interface RawSocket {
  /** What the server answered, up to the empty line. */
  readonly head: string;
  write(bytes: readonly number[] | Uint8Array): Promise<void>;
  /** The next bytes that come; null when the server has ended the connection. */
  read(): Promise<Uint8Array | null>;
  /** Vanishes: no close frame. */
  close(): void;
}

/**
 * Connects to `/`, or to another path of `url`.
 *
 * @param headers added to those of a proper handshake, or in their place; empty leaves one out
 * @param early bytes that travel with the handshake
 */
export async function dialRaw(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  early: readonly number[] = [],
): Promise<RawSocket> {
  const { hostname, port, pathname, search } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const write = async (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  };
  const read = async () => {
    const bytes = new Uint8Array(64 * 1024);
    const length = await connection.read(bytes).catch(() => null);
    return length === null ? null : bytes.subarray(0, length);
  };
  const lines = Object.entries({ ...HANDSHAKE, ...headers })
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${name}: ${value}\r\n`);
  const request = `GET ${pathname}${search} HTTP/1.1\r\n${lines.join("")}\r\n`;
  await write(Uint8Array.of(...new TextEncoder().encode(request), ...early));
  let head = "";
  while (!head.includes("\r\n\r\n")) head += new TextDecoder().decode(await read() ?? never());
  return {
    head,
    write: (bytes) => write(bytes instanceof Uint8Array ? bytes : Uint8Array.from(bytes)),
    read,
    close: () => connection.close(),
  };
}

/** The first bytes of a masked piece of a binary message; `length` bytes follow. */
export function pieceHead(length: number, isFirst: boolean): Uint8Array {
  const head = new Uint8Array(14);
  head.set([isFirst ? 0x02 : 0x00, 0xff]);
  new DataView(head.buffer).setBigUint64(2, BigInt(length));
  return head;
}

/** A masked binary message of at most 125 bytes. */
export function binaryFrame(bytes: readonly number[]): number[] {
  return [0x82, 0x80 | bytes.length, 0, 0, 0, 0, ...bytes];
}

function never(): never {
  throw new Error("The server ended the connection before it had answered");
}
