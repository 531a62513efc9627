/**
 * The models that the configuration names, behind the one port that everybody asks.
 *
 * @module
 */
import { type Clock, systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { createInferenceChain } from "./inference/chain.ts";
import type { VisionInferenceClient } from "./inference/client.ts";
import { createModalInference } from "./inference/modal.ts";
import { createModalEndpointInference } from "./inference/modal_endpoint.ts";
import { createOpenAiInference } from "./inference/openai.ts";
import { createRedactedInference } from "./inference/redacted.ts";
import { hidePrivateDetails } from "./wearers/private_details.ts";

/** The models of `INFERENCE`, chained where there are several, saying no private details. */
export function createInference(config: Config): VisionInferenceClient {
  const client = createModels(config);
  return config.inference.redacts ? createRedactedInference(client, hidePrivateDetails) : client;
}

function createModels(config: Config): VisionInferenceClient {
  const { inference, openai } = config;
  const common = { timeoutMs: inference.timeoutMs, clock: systemClock };
  const clients = inference.models.map((model) =>
    model === "modal"
      ? createModal(config, common)
      : createOpenAiInference({ ...openai, ...common, fetch })
  );
  return clients.length === 1 ? clients[0]! : createInferenceChain(clients, systemClock);
}

function createModal(
  { modal, modalEndpoint }: Config,
  common: { readonly timeoutMs: number; readonly clock: Clock },
): VisionInferenceClient {
  const { transport } = modal;
  return transport === "http"
    ? createModalEndpointInference({ ...modalEndpoint, ...common, fetch })
    : createModalInference({
      ...modal,
      ...common,
      transport,
      newId: () => crypto.randomUUID(),
    });
}
