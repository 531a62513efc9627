/**
 * What captioning a stream takes, and who hears of it: the port between the captioner and its
 * session.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { ChunkLimits } from "../inference/chunker.ts";
import type {
  Chunk,
  InferOutcome,
  ModelIdentity,
  Question,
  VisionInferenceClient,
} from "../inference/client.ts";
import type { InferenceSlots } from "../inference/slots.ts";
import type { BudgetAccount } from "../kv/budgets.ts";
import type { FrameGovernor } from "./governor/governor.ts";

/** Where a stream stands when it begins, or goes on over a new connection. */
export interface CaptionerStart {
  /** Seconds since the session began. */
  readonly nowS: number;
  /** Up to where it has been described, in the same seconds. */
  readonly describedS: number;
  /** Its newest captions, oldest first. */
  readonly history: readonly string[];
  readonly prompt: string;
}

/** What a captioner is made of. */
export interface CaptionerOptions {
  readonly inference: VisionInferenceClient;
  readonly slots: InferenceSlots;
  /** The wearer's. */
  readonly budget: BudgetAccount;
  readonly clock: Clock;
  readonly limits: ChunkLimits & { readonly maxInflight: number; readonly drainMs: number };
  readonly identity: ModelIdentity | null;
  readonly sessionId: string;
  readonly start: CaptionerStart;
  /** What is asked of a chunk that leaves now. Called on the ack path: it does no I/O. */
  readonly questions: () => readonly Question[];
  /** Passes over frames that show what the last one showed (WIRE S2). Null: none is passed over. */
  readonly governor: FrameGovernor | null;
  /** What is said of a chunk that is given up as the stream ends: that it failed, or nothing. */
  readonly givenUp: "told" | "forgotten";
}

/** A chunk on its way to the model. */
export interface DispatchedChunk extends Chunk {
  /** The newest frame that came before the chunk left, looked at or not. */
  readonly lastFrame: number;
  /** When the newest frame of the chunk was taken. */
  readonly capturedAtMs: number | null;
}

/** Who hears what became of the frames. */
export interface CaptionListener {
  /** A chunk has left. `outcome` resolves always; null: it was given up, see `givenUp`. */
  dispatched(chunk: DispatchedChunk, outcome: Promise<InferOutcome | null>): void;
  /** Something for the client to know: a caption, or a reason that it has not been told yet. */
  tell(outcome: InferOutcome): void;
  /** The budget is used up for a while. */
  usedUp(reason: string, retryAfterMs: number): void;
  /** Whether outcomes pile up behind what cannot be written: then nothing more is sent out. */
  isBehind(): boolean;
}
