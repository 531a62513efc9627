import { systemClock } from "../../clock.ts";
import { createModalInference } from "../../inference/modal.ts";
import { startLocalModal } from "../../modal/local/server.ts";
import { servedEyes } from "./_eyes.ts";
import { type StartHarness, testPort, testPortOfOldModel } from "./_port_contract.ts";

const startWith = (age: "new" | "old"): StartHarness => async (timeoutMs) => {
  const eyes = servedEyes(age);
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
};

testPort("Modal inference", startWith("new"));
testPortOfOldModel("Modal inference with an old class", startWith("old"));
