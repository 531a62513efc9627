/**
 * A plug that can be pulled: the network of the stream, lost and found again in the page.
 *
 * @module
 */
import type { ClientSocket, SocketEvent, WebSocketClass } from "../../client/platform.ts";

type SocketEventType = "open" | "message" | "close" | "error";
type Hear = (event: SocketEvent) => void;

/** Network gone: as browsers say it. */
const LOST = { type: "close", code: 1006, reason: "" };

/** Sockets that can all be cut at once. */
export class Plug {
  readonly #sockets = new Set<PluggedSocket>();
  #isPulled = false;

  get isPulled(): boolean {
    return this.#isPulled;
  }

  /** The class to connect with. */
  socketClass(): WebSocketClass {
    const sockets = this.#sockets;
    const isPulled = () => this.#isPulled;
    return class extends PluggedSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        sockets.add(this);
        this.addEventListener("close", () => sockets.delete(this));
        if (isPulled()) queueMicrotask(() => this.cut());
      }
    };
  }

  /** From now on nothing goes out and nothing comes in. */
  pull(): void {
    this.#isPulled = true;
    for (const socket of [...this.#sockets]) socket.cut();
  }

  /** Whoever connects again gets through. */
  putIn(): void {
    this.#isPulled = false;
  }
}

/** A browser's socket. What is under way as it is cut arrives nowhere. */
class PluggedSocket implements ClientSocket {
  readonly #inner: WebSocket;
  readonly #listeners: { readonly type: SocketEventType; readonly hear: Hear }[] = [];
  #isCut = false;

  constructor(url: string, protocols: string[]) {
    this.#inner = new WebSocket(url, protocols);
    for (const type of ["open", "message", "close", "error"] as const) {
      this.#inner.addEventListener(type, (event) => this.#tell(type, event as SocketEvent));
    }
  }

  get binaryType(): string {
    return this.#inner.binaryType;
  }

  set binaryType(type: string) {
    this.#inner.binaryType = type as BinaryType;
  }

  get bufferedAmount(): number {
    return this.#inner.bufferedAmount;
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (!this.#isCut) this.#inner.send(data);
  }

  close(): void {
    this.#inner.close();
  }

  addEventListener(type: SocketEventType, hear: Hear): void {
    this.#listeners.push({ type, hear });
  }

  /** The network is gone. */
  cut(): void {
    if (this.#isCut) return;
    this.#tell("close", LOST);
    this.#isCut = true;
    this.#inner.close();
  }

  #tell(type: SocketEventType, event: SocketEvent): void {
    if (this.#isCut) return;
    for (const listener of this.#listeners) if (listener.type === type) listener.hear(event);
  }
}
