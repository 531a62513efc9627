/**
 * One connection, from the moment it is tried to its end.
 *
 * @module
 */
import { type Hello, PROTOCOL, readMessage, type ServerMessage } from "./messages.ts";
import type { ClientSocket, Platform } from "./platform.ts";

/** How a connection ended. */
export type Ending =
  /** It never stood; `status` where the platform says it. */
  | { readonly kind: "unreached"; readonly status: number | null; readonly reason: string }
  /** The client took it for lost. */
  | { readonly kind: "given_up"; readonly reason: string }
  | { readonly kind: "closed"; readonly code: number; readonly reason: string };

/** Who hears what comes. */
export interface LineListener {
  /** Any message, before it is acted on. */
  heard(message: ServerMessage): void;
  hello(hello: Hello): void;
  message(message: Exclude<ServerMessage, Hello>): void;
}

/** Deno and `npm:ws` say why an upgrade was refused, browsers do not. */
const STATUS = /(?:status code|server response): (\d{3})\b/;

/** One connection. What comes after its end is not heard. */
export class Line {
  readonly ended: Promise<Ending>;
  readonly #socket: ClientSocket;
  readonly #end: (ending: Ending) => void;
  readonly #cancelHandshake: () => void;
  #isOpen = false;
  #isGreeted = false;
  #isOver = false;
  #trouble = "";

  constructor(
    platform: Platform,
    address: string,
    handshakeTimeoutMs: number,
    listener: LineListener,
  ) {
    const { promise, resolve } = Promise.withResolvers<Ending>();
    this.ended = promise;
    this.#end = (ending) => {
      if (this.#isOver) return;
      this.#isOver = true;
      this.#cancelHandshake();
      resolve(ending);
    };
    const late = () => this.giveUp(`no hello within ${handshakeTimeoutMs} ms`);
    this.#cancelHandshake = platform.clock.after(handshakeTimeoutMs, late);
    const socket = this.#socket = new platform.WebSocket(address, [PROTOCOL]);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => this.#isOpen = true);
    socket.addEventListener("message", ({ data }) => this.#hear(data, listener));
    socket.addEventListener("error", ({ message }) => this.#trouble = message ?? "");
    socket.addEventListener("close", ({ code, reason }) => this.#closed(code ?? 0, reason ?? ""));
  }

  /** Whether frames may go out. */
  get isReady(): boolean {
    return this.#isGreeted && !this.#isOver;
  }

  /** Bytes that the network has not taken yet. */
  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (!this.#isOver) this.#socket.send(data);
  }

  /** Takes it for lost, whatever the network says. */
  giveUp(reason: string): void {
    if (this.#isOver) return;
    this.#end({ kind: "given_up", reason });
    // A close handshake with who does not answer would only keep the socket.
    if (this.#socket.terminate) this.#socket.terminate();
    else this.#socket.close();
  }

  #hear(data: unknown, listener: LineListener): void {
    const message = this.#isOver ? null : readMessage(data);
    if (!message) return;
    listener.heard(message);
    if (message.type !== "hello") return listener.message(message);
    this.#isGreeted = true;
    this.#cancelHandshake();
    listener.hello(message);
  }

  #closed(code: number, said: string): void {
    if (this.#isOpen) return this.#end({ kind: "closed", code, reason: said });
    const status = Number(STATUS.exec(this.#trouble)?.[1] ?? 0) || null;
    const reason = this.#trouble || "the server was not reached";
    this.#end({ kind: "unreached", status, reason });
  }
}
