/**
 * The streams that this process serves now.
 *
 * @module
 */
import type { Connection } from "./connection.ts";

/** Counts streams, and sends all clients away when the process ends. */
export class LiveStreams {
  readonly #connections = new Set<Connection>();
  /** The newest of each session. Two that come at once may both be here, until one finds out. */
  readonly #newest = new Map<string, Connection>();
  /** Streams whose client may have left already and whose last inference is still running. */
  readonly #ending = new Set<Promise<void>>();
  #isDraining = false;
  #emptied: (() => void) | null = null;

  /** Clients connected now. */
  get size(): number {
    return this.#connections.size;
  }

  /** Whether the process is on its way out and takes no new clients. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** A client has come; one that comes too late is sent away at once. */
  add(sessionId: string, connection: Connection): void {
    this.#connections.add(connection);
    this.#newest.set(sessionId, connection);
    if (this.#isDraining) connection.drain();
  }

  /** The session has a new connection: the old one, which may be half-open, is closed. */
  replace(sessionId: string): void {
    this.#newest.get(sessionId)?.replaced();
  }

  /** A client has gone; `ended` settles when nothing of its stream runs any more. */
  remove(sessionId: string, connection: Connection, ended: Promise<void>): void {
    const tracked = ended.finally(() => this.#ending.delete(tracked));
    this.#ending.add(tracked);
    if (this.#newest.get(sessionId) === connection) this.#newest.delete(sessionId);
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#emptied?.();
  }

  /** Sends every client away with 1012 (WIRE V9); new ones may come. */
  sendAllAway(): void {
    for (const connection of [...this.#connections]) connection.drain();
  }

  /** Sends every client away with 1012 (WIRE V9); resolves when the last stream has ended. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.sendAllAway();
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => this.#emptied = resolve);
    }
    await Promise.all(this.#ending);
  }
}
