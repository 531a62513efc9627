import { systemClock } from "../../clock.ts";
import { createModalInference } from "../../inference/modal.ts";
import { startLocalModal } from "../../modal/local/server.ts";
import { servedEyes } from "./_eyes.ts";
import { testPort } from "./_port_contract.ts";

testPort("Modal inference", async (timeoutMs) => {
  const eyes = servedEyes();
  const modal = await startLocalModal({ classes: [eyes.served] });
  return {
    client: createModalInference({
      serverUrl: modal.url,
      environment: "main",
      transport: "fetch",
      timeoutMs,
      clock: systemClock,
      newId: () => crypto.randomUUID(),
    }),
    identity: { tokenId: "ak-1", tokenSecret: "as-hush", appName: "app", className: "Eyes" },
    secret: "as-hush",
    behave: eyes.behave,
    stop: modal.stop.bind(modal),
    restart: modal.restart.bind(modal),
    close: modal.close.bind(modal),
  };
});
