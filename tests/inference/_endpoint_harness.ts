/**
 * The port's contract over the HTTPS endpoint of the stand-in for Modal.
 *
 * @module
 */
import { systemClock } from "../../clock.ts";
import { createModalEndpointInference } from "../../inference/modal_endpoint.ts";
import { startLocalModal } from "../../modal/local/server.ts";
import { servedEyes } from "./_eyes.ts";
import type { PortHarness } from "./_port_contract.ts";

/** Serves a class, of before or after it could be asked, and opens an adapter on it. */
export async function startEndpointHarness(
  timeoutMs: number,
  age: "new" | "old" = "new",
): Promise<PortHarness> {
  const eyes = servedEyes(age);
  const modal = await startLocalModal({
    classes: [eyes.served],
    proxyTokens: { "wk-1": "ws-hush" },
  });
  return {
    client: createModalEndpointInference({
      url: modal.endpointUrl(eyes.served),
      proxyTokenId: "wk-1",
      proxyTokenSecret: "ws-hush",
      timeoutMs,
      clock: systemClock,
      fetch,
    }),
    identity: null,
    secret: "ws-hush",
    behave: eyes.behave,
    stop: modal.stop.bind(modal),
    restart: modal.restart.bind(modal),
    close: modal.close.bind(modal),
  };
}
