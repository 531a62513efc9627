/**
 * Frames that carry whose they are, and a class that says in its captions what it was shown.
 *
 * @module
 */
import type { LocalClass } from "../../modal/local/classes.ts";
import { INFER_CHUNK_PARAMETERS } from "../../modal/local/infer_chunk.ts";

const FRAME_BYTES = 64;
const NUMBER_AT = 4;

/** What a caption says. */
export interface Seen {
  /** Wearers of the frames. */
  readonly wearers: readonly number[];
  /** Places in the footage of the frames, as they came. */
  readonly footage: readonly number[];
  /** Wearers of the earlier captions that came along. */
  readonly after: readonly number[];
}

/** One call of the class. */
export interface Call {
  readonly wearer: number;
  /** Which frames of whom it was shown. */
  readonly chunk: string;
  readonly atMs: number;
}

/** A frame of wearer `wearer`. */
export function frameOf(wearer: number, footage: number): Uint8Array {
  const bytes = new Uint8Array(FRAME_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, wearer);
  view.setUint32(NUMBER_AT, footage);
  return bytes;
}

/** Reads a caption of the class; null: it is none. */
export function readCaption(caption: string): Seen | null {
  try {
    return JSON.parse(caption);
  } catch {
    return null;
  }
}

/** The class, which takes `latencyMs`; `called` hears of each run. */
export function createEyes(latencyMs: number, called: (call: Call) => void): LocalClass {
  return {
    app: "foresight-gemma3-vlm",
    name: "Gemma3VLMSession",
    maxConcurrent: 256,
    methods: {
      infer_chunk: {
        parameters: INFER_CHUNK_PARAMETERS,
        async call({ frames, history }) {
          const shown = look(frames as Uint8Array[], history as string[]);
          const chunk = JSON.stringify([shown.wearers, shown.footage]);
          called({ wearer: shown.wearers[0] ?? -1, chunk, atMs: Date.now() });
          await new Promise((resolve) => setTimeout(resolve, latencyMs));
          return {
            caption: JSON.stringify(shown),
            latency_ms: latencyMs,
            tokens_generated: 1,
            model: "eyes",
          };
        },
      },
    },
  };
}

function look(frames: readonly Uint8Array[], history: readonly string[]): Seen {
  const views = frames.map((frame) => new DataView(frame.buffer, frame.byteOffset));
  return {
    wearers: [...new Set(views.map((view) => view.getUint32(0)))],
    footage: views.map((view) => view.getUint32(NUMBER_AT)),
    after: [...new Set(history.flatMap((caption) => readCaption(caption)?.wearers ?? [-1]))],
  };
}
