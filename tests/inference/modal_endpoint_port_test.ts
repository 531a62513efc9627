import { systemClock } from "../../clock.ts";
import { createModalEndpointInference } from "../../inference/modal_endpoint.ts";
import { startLocalModal } from "../../modal/local/server.ts";
import { servedEyes } from "./_eyes.ts";
import { testPort } from "./_port_contract.ts";

testPort("Modal endpoint inference", async (timeoutMs) => {
  const eyes = servedEyes();
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
});
