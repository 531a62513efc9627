/**
 * Sockets for the client that a test can spoil.
 *
 * Over `npm:ws`, as Deno's own client sends with Nagle on, and can neither vanish nor stop reading.
 *
 * @module
 */
// @ts-types="@types/ws"
import { WebSocket } from "ws";
import type { ClientSocket, WebSocketClass } from "../../client/platform.ts";

/** A class of sockets, and those that it made. */
export interface Sockets {
  readonly WebSocket: WebSocketClass;
  /** How many were made. */
  readonly made: number;
  /** What the network has not taken of the newest. */
  readonly bufferedBytes: number;
  /** Ends the newest without a word, as a lift does. */
  cut(): void;
  /** The newest stays as it is, whatever the client thinks of it: half-open, and nobody reads. */
  abandon(): void;
  /** Nothing is read from the newest any more, as of a phone that hangs. */
  pause(): void;
  /** Ends all that is left. */
  close(): void;
}

/** Sockets of one client. */
export function createSockets(): Sockets {
  const all: SpoiltSocket[] = [];
  class SpoiltSocket extends WebSocket {
    isAbandoned = false;
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { perMessageDeflate: false });
      all.push(this);
    }
    override terminate(): void {
      if (this.isAbandoned) this.pause();
      else super.terminate();
    }
  }
  const newest = () => all.at(-1);
  return {
    WebSocket: SpoiltSocket as unknown as new (url: string, protocols: string[]) => ClientSocket,
    get made() {
      return all.length;
    },
    get bufferedBytes() {
      return newest()?.bufferedAmount ?? 0;
    },
    cut: () => newest()?.terminate(),
    abandon() {
      const socket = newest();
      if (socket) socket.isAbandoned = true;
    },
    pause: () => newest()?.pause(),
    close() {
      for (const socket of all) {
        socket.isAbandoned = false;
        socket.terminate();
      }
    },
  };
}
