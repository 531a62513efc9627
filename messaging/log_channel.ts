/**
 * Messages as lines of the log: to try rules with, and for who reads the log anyway.
 *
 * @module
 */
import type { Logger } from "../log.ts";
import type { Channel } from "./channel.ts";

/** What a log channel needs. */
export interface LogChannelOptions {
  readonly log: Logger;
  /** Whether the text is in the line. It is somebody's own, and logs are read by others. */
  readonly showsText: boolean;
}

/** A channel that always delivers. The line has the message's id, so that repeats can be told. */
export function createLogChannel({ log, showsText }: LogChannelOptions): Channel {
  return {
    isIdempotent: true,
    deliver({ id, text }) {
      log.info("message", { id, chars: text.length, ...showsText ? { text } : {} });
      return Promise.resolve({ kind: "delivered", answer: null });
    },
  };
}
