/**
 * The end that the client wishes for.
 *
 * @module
 */
import type { Line } from "./_line.ts";

/** `bye`: it is said when nothing else is to be said, and again over the next connection. */
export class Farewell {
  #state: "not wished" | "wished" | "said" = "not wished";

  /** Whether no frame is taken any more. */
  get isWished(): boolean {
    return this.#state !== "not wished";
  }

  /** Whether it was said over this connection. */
  get isSaid(): boolean {
    return this.#state === "said";
  }

  wish(): void {
    if (this.#state === "not wished") this.#state = "wished";
  }

  /** True: it was said now. */
  say(line: Line | null): boolean {
    if (this.#state !== "wished" || !line?.isReady) return false;
    this.#state = "said";
    line.send(JSON.stringify({ type: "bye" }));
    return true;
  }

  /** The connection ended before it was answered. */
  again(): void {
    if (this.#state === "said") this.#state = "wished";
  }
}
