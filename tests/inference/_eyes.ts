/**
 * A served class that behaves as the port's contract wants it to.
 *
 * @module
 */
import { ANSWER_PARAMETERS } from "../../modal/local/answer.ts";
import type { LocalClass } from "../../modal/local/classes.ts";
import { GENERATE_PARAMETERS } from "../../modal/local/generate.ts";
import { INFER_CHUNK_PARAMETERS } from "../../modal/local/infer_chunk.ts";
import type { ChatMessage } from "../../inference/client.ts";
import type { Asked, Behaviour } from "./_port_contract.ts";

/** The class `Eyes` of the app `app`, and the way to tell it what to do next. */
export interface ServedEyes {
  readonly served: LocalClass;
  behave(behaviour: Behaviour): void;
}

/** Eyes that answer until they are told otherwise; old ones have neither `answer` nor `generate`. */
export function servedEyes(age: "new" | "old" = "new"): ServedEyes {
  let behaviour: Behaviour = { kind: "answers", say: () => "seen" };
  const run = (asked: Asked, key: string, signal: AbortSignal): unknown => {
    switch (behaviour.kind) {
      case "answers":
        return { [key]: behaviour.say(asked), model: "eyes" };
      case "refuses":
        throw new Error(behaviour.reason);
      case "mumbles":
        return { mumbled: "hm" };
      case "hangs":
        return new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason))
        );
    }
  };
  const infer_chunk: LocalClass["methods"][string] = {
    parameters: INFER_CHUNK_PARAMETERS,
    call: ({ frames, prompt, history }, signal) =>
      run(askedOf(frames, prompt, history), "caption", signal),
  };
  const answer: LocalClass["methods"][string] = {
    parameters: ANSWER_PARAMETERS,
    call: ({ frames, question, history }, signal) =>
      run(askedOf(frames, question, history), "text", signal),
  };
  const generate: LocalClass["methods"][string] = {
    parameters: GENERATE_PARAMETERS,
    async call({ messages, schema, max_tokens }, signal) {
      const written = { messages: messages as ChatMessage[], schema, maxTokens: max_tokens };
      const asked = { frames: [], prompt: "", history: [], written };
      const { said = "", ...other } = await run(asked, "said", signal) as { said?: string };
      if (said === "" && "mumbled" in other) return other;
      return schema ? JSON.parse(said) : said;
    },
  };
  const methods = age === "new" ? { infer_chunk, answer, generate } : { infer_chunk };
  return {
    served: { app: "app", name: "Eyes", maxConcurrent: 32, methods },
    behave: (next) => void (behaviour = next),
  };
}

function askedOf(frames: unknown, prompt: unknown, history: unknown): Asked {
  return {
    frames: frames as Uint8Array[],
    prompt: String(prompt),
    history: history as string[],
  };
}
