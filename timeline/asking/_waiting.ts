/**
 * Waiting no longer than somebody waits for the result.
 *
 * @module
 */

/** What `waiting` brings; once the signal aborts its reason, after `leave`. */
export async function unlessAborted<T>(
  signal: AbortSignal,
  waiting: Promise<T>,
  leave: () => void = () => {},
): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const giveUp = () => {
    leave();
    aborted.reject(signal.reason);
  };
  if (signal.aborted) giveUp();
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    return await Promise.race([waiting, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}
