/**
 * How far a client is in its session.
 *
 * @module
 */
import type { Remembered } from "./glasses_options.ts";
import type { Hello, Result } from "./messages.ts";

/** The session that is gone on with. */
export class Place {
  #remembered: Remembered | null;

  constructor(remembered: Remembered | null) {
    this.#remembered = remembered;
  }

  /** Null: there is no session yet. */
  get remembered(): Remembered | null {
    return this.#remembered;
  }

  /** What the address says of it. */
  get claim(): Record<string, string> {
    const remembered = this.#remembered;
    return remembered ? { ...remembered, cursor: String(remembered.cursor) } : {};
  }

  /** True: it is another session; what was claimed is over, or unknown. */
  greet({ session, resume }: Hello): boolean {
    const isNew = this.#remembered?.session !== session;
    this.#remembered = { session, resume, cursor: isNew ? 0 : this.#remembered!.cursor };
    return isNew;
  }

  /** Each result counts once, and none is passed over. */
  hear({ cursor }: Result): "next" | "known" | "too far" {
    const heard = this.#remembered!;
    if (cursor <= heard.cursor) return "known";
    if (cursor > heard.cursor + 1) return "too far";
    this.#remembered = { ...heard, cursor };
    return "next";
  }
}
