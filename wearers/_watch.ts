/**
 * Looking after a token that something long-lived was begun with.
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";

/** How often. What is revoked elsewhere is found out that much later, and the cache's five seconds. */
const LOOK_MS = 10_000;

/** What there is to say of a token that ended. */
export type Ended = "expired" | "revoked";

/** One that looks after a token. */
export interface TokenWatch {
  /** Somebody knows that it is revoked: nobody waits for the next look. */
  readonly revoked: () => void;
  readonly cancel: Cancel;
}

/**
 * Calls `ended` once, when the token expires or is found revoked. Where KV cannot say, nothing ends:
 * what goes on does not depend on the books.
 *
 * @param isRevoked never rejects; false where nobody knows
 */
export function watchToken(
  clock: Clock,
  expiresAtMs: number,
  isRevoked: () => Promise<boolean>,
  ended: (how: Ended) => void,
): TokenWatch {
  let isOver = false;
  let cancel: Cancel = () => {};
  const end = (how: Ended) => {
    if (isOver) return;
    isOver = true;
    cancel();
    ended(how);
  };
  const look = async () => {
    if (expiresAtMs <= clock.epochMs()) return end("expired");
    if (await isRevoked()) return end("revoked");
    if (!isOver) wait();
  };
  const wait = () => {
    cancel = clock.after(Math.min(LOOK_MS, Math.max(0, expiresAtMs - clock.epochMs())), look);
  };
  wait();
  return {
    revoked: () => end("revoked"),
    cancel() {
      isOver = true;
      cancel();
    },
  };
}
