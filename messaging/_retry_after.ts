/**
 * When a receiver wants to hear from us again (RFC 9110, 10.2.3).
 *
 * @module
 */

/** How long to wait, as a header `Retry-After` says it; null: it says nothing that can be read. */
export function retryAfterMsOf(header: string | null | undefined, nowMs: number): number | null {
  const value = header?.trim() ?? "";
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  // A date has a day of the week or a month in it, in letters: Date.parse takes much else.
  const atMs = /^[A-Z][a-z]{2}/.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}
