import { systemClock } from "../../clock.ts";
import { createModalInference } from "../../inference/modal.ts";
import { INFER_CHUNK_PARAMETERS } from "../../modal/local/infer_chunk.ts";
import { startLocalModal } from "../../modal/local/server.ts";
import { type Behaviour, testPort } from "./_port_contract.ts";

testPort("Modal inference", async (timeoutMs) => {
  let behaviour: Behaviour = { kind: "answers", caption: () => "seen" };
  const modal = await startLocalModal({
    classes: [{
      app: "app",
      name: "Eyes",
      maxConcurrent: 32,
      methods: {
        infer_chunk: {
          parameters: INFER_CHUNK_PARAMETERS,
          call({ frames, prompt, history }, signal) {
            switch (behaviour.kind) {
              case "answers": {
                const asked = {
                  frames: frames as Uint8Array[],
                  prompt: String(prompt),
                  history: history as string[],
                };
                return { caption: behaviour.caption(asked), model: "eyes" };
              }
              case "refuses":
                throw new Error(behaviour.reason);
              case "mumbles":
                return { text: "hm" };
              case "hangs":
                return new Promise((_, reject) =>
                  signal.addEventListener("abort", () => reject(signal.reason))
                );
            }
          },
        },
      },
    }],
  });
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
    behave: (next) => void (behaviour = next),
    stop: modal.stop.bind(modal),
    restart: modal.restart.bind(modal),
    close: modal.close.bind(modal),
  };
});
