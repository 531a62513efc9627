/**
 * All that a stream says to whoever listens.
 *
 * @module
 */
import { Feed } from "./_feed.ts";
import type { Loss } from "./_frames.ts";
import type { HeardAck, State } from "./glasses_options.ts";
import type { Complaint, Notice, Result } from "./messages.ts";

/** Who listens and does not read misses what is older. Results are all kept. */
const MAX_UNREAD = 1_000;

/** One feed for each kind. */
export class Feeds {
  readonly results = new Feed<Result>();
  readonly acks = new Feed<HeardAck>(MAX_UNREAD);
  readonly notices = new Feed<Notice>(MAX_UNREAD);
  readonly complaints = new Feed<Complaint>(MAX_UNREAD);
  readonly states = new Feed<State>(MAX_UNREAD);
  readonly losses = new Feed<Loss>(MAX_UNREAD);

  /** Nothing more is said. */
  end(): void {
    for (const feed of Object.values(this) as Feed<unknown>[]) feed.end();
  }
}
