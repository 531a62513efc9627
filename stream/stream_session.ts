/**
 * What a connection hands its frames and its client's wishes to: the port between the two.
 *
 * @module
 */
import type { ArrivedFrame, FrameFate } from "./frame.ts";
import type { Answer } from "./wire.ts";

/** One session, as its connection sees it. All but `ask`, `look` and `settle` return at once. */
export interface StreamSession {
  /** Decides what becomes of a frame. */
  admit(frame: ArrivedFrame): FrameFate;
  /** The frame is acknowledged: what follows from it may follow now. */
  proceed(): void;
  lookFor(prompt: string): void;
  pause(): void;
  unpause(): void;
  /** Resolves always. */
  ask(question: string): Promise<Answer>;
  /** Asks about frames that are still to come. Resolves always. */
  look(question: string): Promise<Answer>;
  /**
   * Describes what is there; resolves when all of it is in the books, or given up. `isFinal`: what
   * is given up is told, as the client does not come back for it.
   */
  settle(isFinal: boolean): Promise<void>;
  /** Nobody waits any more for what is in flight. */
  abandon(reason: string): void;
  /** The connection is over. `isFinal`: the client does not mean to come back. */
  end(code: number, reason: string, isFinal: boolean): void;
}
