/**
 * Servers on one database, with a model, and what may go wrong with them.
 *
 * @module
 */
import type { LocalModal } from "../../modal/local/server.ts";
import type { Budget } from "./_budgets.ts";
import type { Random } from "./_random.ts";

/** What wearers live in. */
export interface World {
  /** Servers that share one database. They may be down for a moment. */
  urls(): readonly string[];
  readonly modal: LocalModal;
  /** `VISION_MAX_BUFFER_FRAMES`. */
  readonly maxBufferFrames: number;
  /** What may go wrong beside the model, by name. Resolves when it has been done. */
  readonly faults: Readonly<Record<string, (random: Random) => Promise<void> | void>>;
  /** Nothing goes wrong any more; resolves when all servers are up. */
  calm(): Promise<void>;
  /** Memory of the servers, in MiB. */
  rssMib(): Promise<number>;
  /** The database, to read the books when all is over. */
  books(): Promise<Deno.Kv>;
}

/** What the one wearer of all sessions may use: less than a full run would. */
export const BUDGET: Budget = { calls: 3_000, windowMs: 60_000 };

/** Settings of every server: short times, so that a run sees many ends of them. */
export const SETTINGS = {
  MODAL_TOKEN_ID: "ak-1",
  MODAL_TOKEN_SECRET: "as-1",
  VISION_INFERENCE_TIMEOUT_SECONDS: "1",
  VISION_DRAIN_SECONDS: "2",
  RATE_LIMIT_STREAMS_PER_MINUTE: "0",
  BUDGET_STREAMS: "0",
  BUDGET_CALLS_PER_MINUTE: String(BUDGET.calls),
} as const;

/** What may go wrong with the model, by name. */
export const MODAL_FAULTS: Readonly<Record<string, (modal: LocalModal, random: Random) => void>> = {
  "modal error": ({ faults }, random) =>
    faults.calls({ kind: "error", exception: "ValueError('blind')" }, {
      times: random.between(1, 5),
    }),
  "modal slow": ({ faults }, random) =>
    faults.calls({ kind: "delay", delayMs: random.between(100, 800) }, {
      times: random.between(1, 10),
    }),
  "modal hangs": ({ faults }, random) =>
    faults.calls({ kind: "hang" }, { times: random.between(1, 3) }),
  "modal container killed": ({ faults }, random) =>
    faults.calls({ kind: "internalFailure" }, { times: random.between(1, 5) }),
  "modal answer lost": ({ faults }, random) =>
    faults.rpcs("functionGetOutputs", { kind: "answerLost" }, { times: random.between(1, 5) }),
  "modal goes away": (modal) => modal.goaway(),
  "modal connections killed": (modal) => modal.killConnections(),
};
