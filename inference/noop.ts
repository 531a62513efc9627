/**
 * No model at all: what stands in where Modal is not configured (WIRE V8).
 *
 * @module
 */
import type { VisionInferenceClient } from "./client.ts";

/** A client whose streams acknowledge frames and caption nothing. */
export const noopInference: VisionInferenceClient = {
  openSession: () => Promise.resolve({ kind: "disabled" }),
  close: () => Promise.resolve(),
};
