/**
 * Glasses to try the backend with: a WebSocket client that sends frames and keeps what it hears.
 *
 * Over `npm:ws`, because Deno's own client sends with Nagle on (44 ms for a large frame), and cannot
 * stop reading as a phone does that hangs.
 *
 * @module
 */
// @ts-types="@types/ws"
import { WebSocket } from "ws";

/** One message of the server, as WIRE V1 and V5 describe it. */
export type Ack = Readonly<Record<string, unknown>> & {
  readonly frame: number;
  readonly bytes: number;
};

/** How a connection ended. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
}

/** Who lets the glasses in, and what goes along. */
export interface GlassesOptions {
  readonly magicWord: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A subprotocol to offer. */
  readonly protocol?: string;
  /** What the address says beside the path. */
  readonly query?: Readonly<Record<string, string>>;
  /** Hears each message as it comes. */
  readonly onAck?: (ack: Ack) => void;
  /** A server that has not let them in after so many milliseconds does not answer. Default: never. */
  readonly handshakeTimeoutMs?: number;
}

/** One connected client. */
export interface Glasses {
  /** Every message so far. */
  readonly acks: readonly Ack[];
  /** The subprotocol that the server chose; empty: none. */
  readonly protocol: string;
  /** Settles when the connection has ended. */
  readonly ended: Promise<Ending>;
  /** Sends bytes as a frame, text as text. */
  send(frame: Uint8Array | string): void;
  /** Stops reading, as a phone does that hangs. */
  pause(): void;
  /** Waits for the first message, new or old, that fits. Rejects when the connection ends first. */
  heard(fits: (ack: Ack) => boolean): Promise<Ack>;
  /** Leaves, and waits for the end of the connection. */
  leave(): Promise<Ending>;
  /** Vanishes without a word, as a phone does in a lift. */
  vanish(): void;
}

/**
 * Connects to `/vision/stream`.
 *
 * @param url `http://host:port` of the server, or the whole `ws://` address of the stream
 * @throws {Error} if the server refuses, with its status and body
 */
export async function connectGlasses(url: string, options: GlassesOptions): Promise<Glasses> {
  const address = new URL(
    url.startsWith("ws") ? url : `${url.replace(/^http/, "ws")}/vision/stream`,
  );
  for (const [name, value] of Object.entries(options.query ?? {})) {
    address.searchParams.set(name, value);
  }
  const headers = { "x-magic-word": options.magicWord, ...options.headers };
  const protocols = options.protocol ? [options.protocol] : [];
  const socket = new WebSocket(address, protocols, {
    headers,
    perMessageDeflate: false,
    ...options.handshakeTimeoutMs && { handshakeTimeout: options.handshakeTimeoutMs },
  });
  const isOpen = opened(socket);
  const acks: Ack[] = [];
  const waiting = new Set<() => void>();
  const wake = () => [...waiting].forEach((look) => look());
  socket.on("message", (data) => {
    const ack: Ack = JSON.parse(String(data));
    acks.push(ack);
    options.onAck?.(ack);
    wake();
  });
  const ended = new Promise<Ending>((resolve) =>
    socket.on("close", (code, reason) => {
      resolve({ code, reason: String(reason) });
      wake();
    })
  );
  // Not before: the first message may come with the handshake.
  await isOpen;
  return {
    acks,
    protocol: socket.protocol,
    ended,
    send: (frame) => socket.send(frame),
    pause: () => socket.pause(),
    heard: (fits) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const ack = acks.find(fits);
          if (!ack && socket.readyState !== WebSocket.CLOSED) return void waiting.add(look);
          waiting.delete(look);
          if (ack) resolve(ack);
          else reject(new Error("The connection ended before that was heard"));
        };
        look();
      }),
    leave() {
      socket.close();
      return ended;
    },
    vanish: () => socket.terminate(),
  };
}

function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("open", () => {
      // From here on `close` says all there is to say.
      socket.off("error", reject).on("error", () => {});
      resolve();
    });
    socket.once("error", reject);
    socket.once("unexpected-response", (_request, response) => {
      let body = "";
      response.on("data", (piece) => body += piece);
      response.on("end", () => {
        reject(new Error(`Cannot connect: the server answered ${response.statusCode} ${body}`));
      });
    });
  });
}
