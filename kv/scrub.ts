/**
 * Takes out of a database file what was deleted from it.
 *
 * Deno KV deletes rows and leaves their bytes: in free pages, in the gaps of pages in use, and in the
 * write-ahead log (SQLite with `secure_delete` off, seen in 2.9.6). So all pages are written anew, in
 * one transaction, and the log is emptied. It works beside open connections: readers go on; commits
 * are refused as locked, and tried again (`_retry_contended.ts`), until it is done.
 *
 * `VACUUM` would do the same in less time, but needs `ATTACH`, which Deno allows only with all
 * permissions (denoland/deno#28667). This needs to read and write the file, as Deno KV does.
 *
 * It needs room for two more copies: in the log, and in the system's folder for temporary files,
 * where the copy has no name and is gone with the process.
 *
 * @module
 */

/** What became of it. */
export type ScrubOutcome =
  | { readonly kind: "scrubbed" }
  | { readonly kind: "failed"; readonly reason: string };

/** Resolves always. @param path of a database that Deno KV has open */
export function scrubFile(path: string): Promise<ScrubOutcome> {
  const { promise, resolve } = Promise.withResolvers<ScrubOutcome>();
  const worker = new Worker(new URL("./_scrub_worker.ts", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    resolve({ kind: "failed", reason: event.message });
  };
  worker.postMessage(path);
  return promise.finally(() => worker.terminate());
}
