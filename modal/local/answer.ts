/**
 * The method by which a deployed vision class is asked (SPEC M8).
 *
 * @module
 */
import type { LocalParameter } from "./classes.ts";

/** The parameters of `answer`, in the order in which positional arguments fill them. */
export const ANSWER_PARAMETERS: readonly (string | LocalParameter)[] = [
  "frames",
  "question",
  { name: "history", default: [] },
];
