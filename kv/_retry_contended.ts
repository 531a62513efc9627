/**
 * Trying again when another writer was faster: on a check that failed, and on "database is locked",
 * which Deno KV throws at once for a commit with a check while another process writes to the same
 * SQLite file (seen on 2.9.6; a commit without checks waits up to 5 s instead). Neither has written
 * anything, so a repeat is safe.
 *
 * @module
 */
import type { Clock } from "../clock.ts";

/** What an attempt answers when its check failed. */
export const CONFLICT = Symbol("conflict");

/** A lock lasts while the disk writes: on a busy machine one was seen to outlast half a second. */
const GIVE_UP_MS = 4_000;
/** For what must not be lost: while a file is written anew (`scrub.ts`), it is locked for seconds. */
export const PATIENCE_MS = 60_000;

/** Pauses are random below 2, 4, 8 ... 100 ms. */
const FIRST_PAUSE_MS = 2;
const MAX_PAUSE_MS = 100;

/**
 * Runs `attempt` until it neither conflicts nor meets a locked database, for {@link GIVE_UP_MS} at
 * most, or as long as the caller says.
 *
 * @param what completes "Cannot ..." in the error
 * @throws KV's own error: at once where it is not about a lock, else when time is up
 * @throws {Error} if the last attempt in time ended in a conflict
 */
export async function retryContended<T>(
  clock: Clock,
  what: string,
  attempt: () => Promise<T | typeof CONFLICT>,
  giveUpMs = GIVE_UP_MS,
): Promise<T> {
  const endsAtMs = clock.monotonicMs() + giveUpMs;
  for (let attempts = 1;; attempts++) {
    let lost: unknown;
    try {
      const outcome = await attempt();
      if (outcome !== CONFLICT) return outcome;
      lost = new Error(`Cannot ${what} as other writers were faster: ${attempts} attempts made`);
    } catch (error) {
      if (!isLocked(error)) throw error;
      lost = error;
    }
    if (clock.monotonicMs() >= endsAtMs) throw lost;
    // The first repeat goes at once: whoever was faster is done by now.
    if (attempts > 1) await pause(clock, attempts - 1);
  }
}

/** Resolves `delayMs` from now. */
export function wait(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.after(delayMs, resolve));
}

function pause(clock: Clock, round: number): Promise<void> {
  const ceilingMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (round - 1));
  // Random, so that two processes do not meet again and again.
  return wait(clock, Math.random() * ceilingMs);
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && /database (table )?is (locked|busy)/i.test(error.message);
}
