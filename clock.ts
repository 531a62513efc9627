/**
 * Time, passed in. Whatever waits or measures takes a {@link Clock}, so a test owns the time.
 *
 * @module
 */

/** Where time comes from. */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch: for records and expiry. */
  epochMs(): number;
  /** Milliseconds that never run backwards, from an arbitrary start: for durations. */
  monotonicMs(): number;
  /** Calls `run` once, `delayMs` from now, unless cancelled first. */
  after(delayMs: number, run: () => void): Cancel;
}

/** Takes back what was scheduled. Calling it late or twice does nothing. */
export type Cancel = () => void;

/** The machine's own clock. */
export const systemClock: Clock = {
  epochMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Thrown by {@link withDeadline} when time is up. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
  constructor(readonly timeoutMs: number) {
    super(`No answer within ${timeoutMs} ms`);
  }
}

/**
 * Runs `work` with a signal that aborts after `timeoutMs` (0: never) or when `outer` does.
 *
 * `work` must obey the signal; its reason is a {@link DeadlineError} or that of `outer`.
 */
export async function withDeadline<T>(
  clock: Clock,
  timeoutMs: number,
  outer: AbortSignal | null,
  work: (within: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const expire = () => controller.abort(new DeadlineError(timeoutMs));
  const follow = () => controller.abort(outer?.reason);
  const cancel = timeoutMs > 0 ? clock.after(timeoutMs, expire) : () => {};
  if (outer?.aborted) follow();
  outer?.addEventListener("abort", follow, { once: true });
  try {
    return await work(controller.signal);
  } finally {
    cancel();
    outer?.removeEventListener("abort", follow);
  }
}
