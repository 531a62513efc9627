/**
 * Identifiers as Modal's look: a short prefix for the kind, then letters and digits.
 *
 * @module
 */

/** A fresh identifier, such as `fc-0f3a...`; never the same in another process. */
export function newId(prefix: "fu" | "fc" | "in" | "ta" | "ap" | "bl" | "at"): string {
  return `${prefix}-${crypto.randomUUID().replaceAll("-", "")}`;
}
