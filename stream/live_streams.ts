/**
 * The streams that this process serves now.
 *
 * @module
 */
import type { VisionConnection } from "./connection.ts";
import { CLOSE_CODE } from "./socket.ts";

/** Counts streams, and sends all clients away when the process ends. */
export class LiveStreams {
  readonly #connections = new Set<VisionConnection>();
  /** Streams whose client may have left already and whose last inference is still running. */
  readonly #ending = new Set<Promise<void>>();
  #isDraining = false;

  /** Clients connected now. */
  get size(): number {
    return this.#connections.size;
  }

  /** Whether the process is on its way out and takes no new clients. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** A client has come; one that comes too late is sent away at once. */
  add(connection: VisionConnection): void {
    this.#connections.add(connection);
    if (this.#isDraining) sendAway(connection);
  }

  /** A client has gone; `ended` settles when nothing of its stream runs any more. */
  remove(connection: VisionConnection, ended: Promise<void>): void {
    this.#connections.delete(connection);
    const tracked = ended.finally(() => this.#ending.delete(tracked));
    this.#ending.add(tracked);
  }

  /** Closes every connection with 1012 (WIRE V9); resolves when the last stream has ended. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    for (const connection of [...this.#connections]) sendAway(connection);
    await Promise.all(this.#ending);
  }
}

function sendAway(connection: VisionConnection): void {
  connection.close(CLOSE_CODE.serviceRestart, "the server is going away: connect again");
}
