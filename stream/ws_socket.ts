/**
 * The socket port over `npm:ws`, for handshakes that `node:http` has read.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { Socket as NetSocket } from "node:net";
// @ts-types="@types/ws"
import { type RawData, type ServerOptions, WebSocket, WebSocketServer } from "ws";
import type { Clock } from "../clock.ts";
import { IdlePeers, type Peer } from "./_idle_peers.ts";
import { CLOSE_CODE, type Socket, type SocketListener, type Upgrade } from "./socket.ts";

/** A message that is only a little too large still arrives, so that its sender hears its size. */
const PAYLOAD_SLACK_BYTES = 1024;
/** A client has so long to answer a close. What it still sends is thrown away... */
const CLOSE_TIMEOUT_MS = 2000;
/** ... but only so much is read, as V8 lets the garbage of a flood lie for long. */
const MAX_THROWN_AWAY_BYTES = 4 * 1024 * 1024;
/** RFC 6455, section 4.1: sixteen bytes in base64. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
const VERSION = "13";
const SWITCHING_PROTOCOLS = 101;

/** A handshake that nobody has answered yet. */
export interface Handshake {
  readonly incoming: IncomingMessage;
  readonly socket: NetSocket;
  /** What came behind the handshake already. */
  readonly head: Uint8Array;
}

/** What the sockets of a process share. */
export interface WsSocketOptions {
  /** Hears what a listener threw; the connection then closes with 1011, and only it. */
  readonly failed: (error: unknown) => void;
  /** Larger messages end with 1009 before they are read. 0: off. */
  readonly maxFrameBytes: number;
  readonly clock: Clock;
}

interface Shared {
  readonly failed: (error: unknown) => void;
  readonly peers: IdlePeers;
}

type Accept = (socket: Socket) => SocketListener;

/** Turns handshakes into sockets: `offer` one, let the application answer it, `complete` it. */
export class WsSockets {
  readonly #options: WsSocketOptions;
  readonly #server: WebSocketServer;
  readonly #peers: IdlePeers;
  readonly #offered = new WeakMap<Request, Handshake>();
  readonly #accepted = new WeakMap<Response, () => void>();

  constructor(options: WsSocketOptions) {
    this.#options = options;
    this.#peers = new IdlePeers(options.clock);
    const { maxFrameBytes } = options;
    // `closeTimeout` is younger than the types.
    const serverOptions: ServerOptions & { readonly closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: maxFrameBytes > 0 ? maxFrameBytes + PAYLOAD_SLACK_BYTES : 0,
      closeTimeout: CLOSE_TIMEOUT_MS,
      WebSocket: Explaining,
    };
    this.#server = new WebSocketServer(serverOptions);
  }

  /** The port; takes only requests that were offered. */
  readonly upgrade: Upgrade = (request, accept, protocol = "") => {
    const handshake = this.#offered.get(request);
    if (!handshake) throw new TypeError("the Connection header must say upgrade");
    check(handshake.incoming, protocol);
    // What a Response may not be made with; it is never sent, but logged.
    const response = Object.defineProperty(new Response(null), "status", {
      value: SWITCHING_PROTOCOLS,
    });
    this.#accepted.set(response, () => this.#open(handshake, response, accept, protocol));
    return response;
  };

  /** Lets `upgrade` take this request. */
  offer(request: Request, handshake: Handshake): void {
    this.#offered.set(request, handshake);
  }

  /** Makes the socket, if `response` came from `upgrade`; false: it is an answer like any other. */
  complete(response: Response): boolean {
    const open = this.#accepted.get(response);
    open?.();
    return open !== undefined;
  }

  #open(handshake: Handshake, response: Response, accept: Accept, protocol: string): void {
    const { incoming, socket, head } = handshake;
    // The library answers the first that it finds here.
    if (protocol) incoming.headers["sec-websocket-protocol"] = protocol;
    else delete incoming.headers["sec-websocket-protocol"];
    const addHeaders = (lines: string[]) => {
      for (const [name, value] of response.headers) lines.push(`${name}: ${value}`);
    };
    this.#server.once("headers", addHeaders);
    this.#server.handleUpgrade(incoming, socket, head as Buffer, (opened) => {
      const ws = opened as Explaining;
      ws.tooBig = `a frame must be at most ${this.#options.maxFrameBytes} bytes`;
      ws.closing = () => limitReading(socket);
      listen(ws, socket, accept, { failed: this.#options.failed, peers: this.#peers });
    });
    // It was not called where the client has left already.
    this.#server.off("headers", addHeaders);
  }
}

/** @throws {TypeError} if it is no handshake, saying which header is wrong */
function check({ method, headers }: IncomingMessage, protocol: string): void {
  if (method !== "GET") throw new TypeError("the method must be GET");
  if (headers.upgrade?.toLowerCase() !== "websocket") {
    throw new TypeError("the Upgrade header must be websocket");
  }
  if (!KEY.test(headers["sec-websocket-key"] ?? "")) {
    throw new TypeError("the Sec-WebSocket-Key header must be 16 bytes in base64");
  }
  if (headers["sec-websocket-version"] !== VERSION) {
    throw new TypeError(`the Sec-WebSocket-Version header must be ${VERSION}`);
  }
  const offered = headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim()) ?? [];
  if (protocol && !offered.includes(protocol)) {
    throw new TypeError(`the Sec-WebSocket-Protocol header must offer ${protocol}`);
  }
}

/** Hears of every close from this side, also of those that the library decides on. */
class Explaining extends WebSocket {
  /** What a client is told whose message is too large; the library gives no reason (WIRE V9). */
  tooBig = "";
  /** With what it was closed from this side; null: it was not. */
  closedWith: readonly [code: number, reason: string] | null = null;
  closing: () => void = () => {};

  override close(code?: number, reason?: string | Uint8Array): void {
    const isTooBig = code === CLOSE_CODE.messageTooBig && reason === undefined;
    const words = isTooBig ? this.tooBig : reason;
    if (code !== undefined && !this.closedWith) {
      this.closedWith = [code, String(words ?? "")];
      this.closing();
    }
    super.close(code, words as string);
  }
}

/** Reads no more where a client sends on and on though it was told to go. */
function limitReading(net: NetSocket): void {
  let left = MAX_THROWN_AWAY_BYTES;
  net.on("data", ({ length }) => {
    left -= length;
    if (left < 0) net.pause();
  });
}

function listen(
  ws: Explaining,
  net: NetSocket,
  accept: Accept,
  { failed, peers }: Shared,
): void {
  const port = new WsSocket(ws);
  /** An error thrown from an event handler would end the process; here it ends the connection. */
  const safely = (handle: () => void) => {
    try {
      handle();
    } catch (error) {
      failed(error);
      port.close(CLOSE_CODE.internalError, "internal error");
    }
  };
  const peer: Peer = {
    get receivedBytes() {
      return net.bytesRead;
    },
    ping: () => ws.ping(),
    terminate: () => ws.terminate(),
  };
  let listener: SocketListener | null = null;
  safely(() => listener = accept(port));
  ws.on("message", (data, isBinary) => {
    if (ws.readyState !== WebSocket.OPEN) return;
    safely(() => listener?.message(isBinary ? bytesOf(data) : String(data)));
  });
  // `error` comes before `close`, which says the rest.
  ws.on("error", () => {});
  ws.once("close", (code, reason) => {
    peers.remove(peer);
    const [lastCode, lastReason] = endOf(ws, code, String(reason));
    safely(() => listener?.closed(lastCode, lastReason));
  });
  peers.add(peer);
}

/** What the client has said last; where it has said nothing, what was said to it. */
function endOf(
  { closedWith }: Explaining,
  code: number,
  reason: string,
): readonly [number, string] {
  return code === CLOSE_CODE.lost ? closedWith ?? [code, reason] : [code, reason];
}

/**
 * The bytes of a message. They may lie in what was read from the network at once, with other messages
 * beside them; a frame is kept for seconds, so it must not keep much more than itself.
 */
function bytesOf(data: RawData): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = data as Uint8Array<ArrayBuffer>;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  return buffer.byteLength > 2 * byteLength ? bytes.slice() : bytes;
}

class WsSocket implements Socket {
  readonly #ws: WebSocket;

  constructor(ws: WebSocket) {
    this.#ws = ws;
  }

  get queuedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  get protocol(): string {
    return this.#ws.protocol;
  }

  send(text: string): void {
    if (this.#ws.readyState === WebSocket.OPEN) this.#ws.send(text);
  }

  close(code: number, reason: string): void {
    if (this.#ws.readyState === WebSocket.OPEN) this.#ws.close(code, reason);
  }

  terminate(): void {
    this.#ws.terminate();
  }

  pause(): boolean {
    this.#ws.pause();
    return true;
  }

  resume(): void {
    this.#ws.resume();
  }
}
