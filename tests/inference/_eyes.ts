/**
 * A served class that behaves as the port's contract wants it to.
 *
 * @module
 */
import type { LocalClass } from "../../modal/local/classes.ts";
import { INFER_CHUNK_PARAMETERS } from "../../modal/local/infer_chunk.ts";
import type { Behaviour } from "./_port_contract.ts";

/** The class `Eyes` of the app `app`, and the way to tell it what to do next. */
export interface ServedEyes {
  readonly served: LocalClass;
  behave(behaviour: Behaviour): void;
}

/** Eyes that answer until they are told otherwise. */
export function servedEyes(): ServedEyes {
  let behaviour: Behaviour = { kind: "answers", caption: () => "seen" };
  const infer_chunk: LocalClass["methods"][string] = {
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
  };
  return {
    served: { app: "app", name: "Eyes", maxConcurrent: 32, methods: { infer_chunk } },
    behave: (next) => void (behaviour = next),
  };
}
