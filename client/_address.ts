/**
 * Addresses of the server.
 *
 * @module
 */

const STREAM_PATH = "/vision/stream";

/** The `ws:` address of the stream; `base` may be the server's `http:` address, or that already. */
export function streamAddress(base: string, query: Readonly<Record<string, string>>): string {
  const url = new URL(base.replace(/^http/, "ws"));
  if (url.pathname === "/") url.pathname = STREAM_PATH;
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}
