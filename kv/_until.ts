/**
 * Not waiting for KV for ever: it takes no signal, and a locked file was seen to hang.
 *
 * @module
 */

/**
 * What `work` gives, or the signal's reason once it aborts. What KV answers after that is given to
 * nobody, but it may still write.
 */
export function until<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}
