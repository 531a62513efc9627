/**
 * The connections of a `node:http` server, so that it can be ended: its own `close` waits for those
 * that are kept alive, for those that never ask, and for sockets that were upgraded.
 *
 * @module
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../clock.ts";

/** On the way out, clients have so long to answer a close frame. */
const SOCKETS_LINGER_MS = 1000;
/** And requests so long to be answered; the platform kills the process not much later. */
const REQUESTS_LINGER_MS = 3000;

/** Knows what each connection of a server is doing. */
export class Connections {
  readonly #server: Server;
  readonly #all = new Set<Socket>();
  readonly #asking = new Set<Socket>();
  readonly #upgraded = new Set<Socket>();
  #isClosing = false;

  constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.#all.add(socket);
      socket.once("close", () => this.#forget(socket));
    });
    server.on("request", (incoming, outgoing) => this.#asked(incoming, outgoing));
    server.on("upgrade", ({ socket }) => this.#upgraded.add(socket));
  }

  /** Resolves when all have ended, after three seconds at most. */
  close(clock: Clock): Promise<void> {
    this.#isClosing = true;
    return new Promise((resolve) => {
      const cancels = [
        clock.after(SOCKETS_LINGER_MS, () => destroy(this.#upgraded)),
        clock.after(REQUESTS_LINGER_MS, () => destroy(this.#all)),
      ];
      this.#server.close(() => {
        cancels.forEach((cancel) => cancel());
        resolve();
      });
      destroy([...this.#all].filter((socket) => !this.#isBusy(socket)));
    });
  }

  #asked({ socket }: IncomingMessage, outgoing: ServerResponse): void {
    this.#asking.add(socket);
    outgoing.once("close", () => {
      this.#asking.delete(socket);
      if (this.#isClosing) socket.end();
    });
  }

  #isBusy(socket: Socket): boolean {
    return this.#asking.has(socket) || this.#upgraded.has(socket);
  }

  #forget(socket: Socket): void {
    for (const set of [this.#all, this.#asking, this.#upgraded]) set.delete(socket);
  }
}

function destroy(sockets: Iterable<Socket>): void {
  for (const socket of sockets) socket.destroy();
}
