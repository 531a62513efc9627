/**
 * A Foresight with a Modal of the test's own, for tests of the vision stream.
 *
 * @module
 */
import type { Environment } from "../../config.ts";
import type { LocalClass } from "../../modal/local/classes.ts";
import { INFER_CHUNK_PARAMETERS } from "../../modal/local/infer_chunk.ts";
import { type LocalModal, startLocalModal } from "../../modal/local/server.ts";
import { type Replaced, type TestForesight, withForesight } from "../_foresight.ts";

/** A class that says the first byte of each frame, and of the first frame of each earlier chunk. */
export const EYES: LocalClass = {
  app: "foresight-gemma3-vlm",
  name: "Gemma3VLMSession",
  maxConcurrent: 64,
  methods: {
    infer_chunk: {
      parameters: INFER_CHUNK_PARAMETERS,
      call: ({ frames, history }) => ({
        caption: `saw ${(frames as Uint8Array[]).map((frame) => frame[0])} after ${
          (history as string[]).map((caption) => caption.match(/\d+/)![0])
        }`,
        latency_ms: 5,
        tokens_generated: 3,
        model: "eyes",
      }),
    },
  },
};

/** Every frame is a chunk of its own, and results do not wait for acks. */
export const MODAL_SETTINGS = {
  MODAL_TOKEN_ID: "ak-1",
  MODAL_TOKEN_SECRET: "as-1",
  VISION_CHUNK_SECONDS: "0",
  VISION_RESULT_FLUSH_MS: "0",
};

/** Runs `use` against both, and leaves nothing behind. */
export async function withModal(
  settings: Environment,
  use: (foresight: TestForesight, modal: LocalModal) => Promise<void>,
  replaced: Replaced = {},
): Promise<void> {
  const modal = await startLocalModal({ classes: [EYES] });
  try {
    const all = { MODAL_SERVER_URL: modal.url, ...MODAL_SETTINGS, ...settings };
    await withForesight(all, (foresight) => use(foresight, modal), replaced);
  } finally {
    await modal.close();
  }
}

/** A frame that the class can tell from others. */
export function frame(first: number, size = 50): Uint8Array {
  return new Uint8Array(size).fill(first);
}
