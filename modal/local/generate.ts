/**
 * The method by which a deployed class writes text, or JSON (SPEC M9).
 *
 * @module
 */
import type { LocalParameter } from "./classes.ts";

/** The parameters of `generate`, in the order in which positional arguments fill them. */
export const GENERATE_PARAMETERS: readonly (string | LocalParameter)[] = [
  "messages",
  { name: "schema", default: null },
  { name: "max_tokens", default: null },
];
