/**
 * What Foresight talks to, on this machine: the stand-in for Modal with the local describer or the
 * real class, and a sink for Poke.
 *
 * @module
 */
import type { Environment } from "../config.ts";
import { createDescriberGemma, createWorkerGemma } from "../modal/local/gemma.ts";
import { startLocalModal } from "../modal/local/server.ts";
import { startPokeSink } from "./poke_sink.ts";

/** Running stand-ins. */
export interface Surroundings {
  readonly modalUrl: string;
  readonly pokeUrl: string;
  /** The settings that make Foresight use them. */
  readonly settings: Environment;
  close(): Promise<void>;
}

/** What the surroundings are to be like. */
export interface SurroundingsOptions {
  readonly pokeReceived: (message: string) => void;
  /** `tiny`, a folder or a name on Hugging Face: the Python class with that model. Null: the describer. */
  readonly model: string | null;
}

/** Starts both on free ports. */
export async function startSurroundings(
  { pokeReceived, model }: SurroundingsOptions,
): Promise<Surroundings> {
  const gemma = model === null ? createDescriberGemma() : createWorkerGemma({
    command: "bash",
    args: ["modal/venv.sh", "modal/worker.py", "--model", model],
  });
  const modal = await startLocalModal({ classes: [gemma.served] });
  const poke = startPokeSink(pokeReceived);
  return {
    modalUrl: modal.url,
    pokeUrl: poke.url,
    settings: {
      MODAL_SERVER_URL: modal.url,
      MODAL_TOKEN_ID: "ak-local",
      MODAL_TOKEN_SECRET: "as-local",
      // For `MODAL_TRANSPORT=http`; the other transports do not look at them.
      MODAL_ENDPOINT_URL: modal.endpointUrl(gemma.served),
      MODAL_PROXY_TOKEN_ID: "wk-local",
      MODAL_PROXY_TOKEN_SECRET: "ws-local",
      FORESIGHT_POKE_URL: poke.url,
      FORESIGHT_POKE_API_KEY: "local",
      // The model is this machine: many clips at once are what it is for.
      BUDGET_CALLS_PER_MINUTE: "0",
      BUDGET_CALLS_PER_DAY: "0",
      BUDGET_STREAMS: "0",
    },
    async close() {
      await modal.close();
      await gemma.close();
      await poke.close();
    },
  };
}
