/**
 * Keeps secrets out of what people read.
 *
 * @module
 */

/** Takes the place of a secret. */
export const REDACTED = "[redacted]";

/** `text` without any occurrence of `secrets`, as they are or percent-encoded. */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret === "") continue;
    clean = clean.replaceAll(secret, REDACTED).replaceAll(encodeURIComponent(secret), REDACTED);
  }
  return clean;
}

/** A path with its query's names kept and their values taken out (WIRE A4). */
export function redactQuery(url: URL): string {
  const names = [...new Set(url.searchParams.keys())];
  if (names.length === 0) return url.pathname;
  return `${url.pathname}?${names.map((name) => `${name}=${REDACTED}`).join("&")}`;
}
