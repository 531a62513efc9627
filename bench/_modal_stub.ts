/**
 * A model that takes 300 ms for a chunk and looks at nothing, behind the stand-in for Modal. Its own
 * program, so that its work is not taken for Foresight's.
 *
 * @module
 */
import type { LocalClass } from "../modal/local/classes.ts";
import { INFER_CHUNK_PARAMETERS } from "../modal/local/infer_chunk.ts";
import { startLocalModal } from "../modal/local/server.ts";

const LATENCY_MS = 300;
const CAPTION = "A person walks along a street lined with trees.";
/** As many as Foresight sends by default at once, so that no chunk waits here. */
const MAX_CONCURRENT = 64;

const served: LocalClass = {
  app: "foresight-gemma3-vlm",
  name: "Gemma3VLMSession",
  maxConcurrent: MAX_CONCURRENT,
  methods: {
    infer_chunk: {
      parameters: INFER_CHUNK_PARAMETERS,
      async call({ start_ts_s, end_ts_s }) {
        await new Promise((resolve) => setTimeout(resolve, LATENCY_MS));
        return {
          caption: CAPTION,
          chunk_start_s: start_ts_s,
          chunk_end_s: end_ts_s,
          latency_ms: LATENCY_MS,
          tokens_generated: CAPTION.split(" ").length,
          model: "bench-stub",
        };
      },
    },
    close: { parameters: [], call: () => null },
  },
};

const modal = await startLocalModal({ classes: [served], keepCalls: 0 });
Deno.stdout.writeSync(new TextEncoder().encode(`${modal.url}\n`));
