/**
 * Hearing of clients that leave before they are answered.
 *
 * @module
 */

/**
 * Lets the signal of a request know when its client leaves: Deno makes it on first use, and tells it
 * nothing of what was before. An upgrade for a client that has left by then is never over in Deno
 * 2.9.6: it holds some 20 KB, and the server cannot be shut down.
 *
 * So it must be called before anything is waited for.
 */
export function watchForLeaving(request: Request): void {
  void request.signal;
}
