/**
 * The streams that this process serves now.
 *
 * @module
 */
import type { Connection } from "./connection.ts";
import type { Answer } from "./wire.ts";

/** Counts streams, and sends all clients away when the process ends. */
export class LiveStreams {
  /**
   * By session. Of two that claim a session at once only one may write, but both are here until the
   * other finds out.
   */
  readonly #connections = new Map<string, Set<Connection>>();
  #size = 0;
  /** Streams whose client may have left already and whose last inference is still running. */
  readonly #ending = new Set<Promise<void>>();
  #isDraining = false;
  #emptied: (() => void) | null = null;

  /** Clients connected now. */
  get size(): number {
    return this.#size;
  }

  /** Whether the process is on its way out and takes no new clients. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** A client has come; one that comes too late is sent away at once. */
  add(sessionId: string, connection: Connection): void {
    const connections = this.#connections.get(sessionId) ?? new Set();
    this.#connections.set(sessionId, connections.add(connection));
    this.#size++;
    if (this.#isDraining) connection.drain();
  }

  /** The session has a new connection: the old one, which may be half-open, is closed. */
  replace(sessionId: string): void {
    for (const older of [...this.#connections.get(sessionId) ?? []]) older.replaced();
  }

  /** A client has gone; `ended` settles when nothing of its stream runs any more. */
  remove(sessionId: string, connection: Connection, ended: Promise<void>): void {
    this.track(ended);
    const connections = this.#connections.get(sessionId);
    if (!connections?.delete(connection)) return;
    if (connections.size === 0) this.#connections.delete(sessionId);
    if (--this.#size === 0) this.#emptied?.();
  }

  /** Work of streams that must be over before the process ends. Must not reject. */
  track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#ending.delete(tracked));
    this.#ending.add(tracked);
  }

  /** Asks about frames of the session that are still to come. Resolves always. */
  async look(sessionId: string, question: string): Promise<Answer> {
    // The newest connection: of two, the other may be half-open.
    const connection = [...this.#connections.get(sessionId) ?? []].at(-1);
    return await connection?.look(question) ??
      { kind: "failed", reason: "the stream is over" };
  }

  /** Sends every client away with 1012 (WIRE V9); new ones may come. */
  sendAllAway(): void {
    const all = [...this.#connections.values()].flatMap((connections) => [...connections]);
    for (const connection of all) connection.drain();
  }

  /** Sends every client away with 1012 (WIRE V9); resolves when the last stream has ended. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.sendAllAway();
    if (this.#size > 0) {
      await new Promise<void>((resolve) => this.#emptied = resolve);
    }
    // What ends may leave something behind that ends later.
    while (this.#ending.size > 0) await Promise.all(this.#ending);
  }
}
