/**
 * The method that every deployed vision class has (WIRE M1).
 *
 * @module
 */
import type { LocalParameter } from "./classes.ts";

/** The parameters of `infer_chunk`, in the order in which positional arguments fill them. */
export const INFER_CHUNK_PARAMETERS: readonly (string | LocalParameter)[] = [
  "frames",
  "start_ts_s",
  "end_ts_s",
  "prompt",
  { name: "history", default: [] },
  { name: "session_id", default: "" },
  { name: "questions", default: [] },
];
