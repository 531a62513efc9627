/**
 * What is said of objects with fields that nobody knows.
 *
 * @module
 */

/** Says which fields are unknown: a misspelt one would else be taken for its default. */
export function strictly(must: string) {
  return (issue: { readonly code?: string; readonly keys?: readonly string[] }) =>
    issue.code === "unrecognized_keys"
      ? `must have no field ${issue.keys?.join(", ").slice(0, 100)}`
      : must;
}
