/**
 * No model at all: what a stream gets that brings no identity and finds none configured (WIRE V8).
 *
 * @module
 */
import type { VisionInferenceClient } from "./client.ts";

/** A client whose streams acknowledge frames and caption nothing. */
export const noopInference: VisionInferenceClient = {
  serves: () => false,
  openSession: () => Promise.resolve({ kind: "disabled" }),
  prepare: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
