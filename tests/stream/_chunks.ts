import type { ChunkFacts } from "../../kv/keys.ts";
import { captioned } from "../kv/_sessions.ts";

/** A chunk of one frame; its cursor is one more than its index. */
export function frameChunk(index: number): ChunkFacts {
  return { ...captioned, index, frameCount: 1, lastFrame: index + 1, capturedAtMs: null };
}
