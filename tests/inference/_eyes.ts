/**
 * A served class that behaves as the port's contract wants it to.
 *
 * @module
 */
import { ANSWER_PARAMETERS } from "../../modal/local/answer.ts";
import type { LocalClass } from "../../modal/local/classes.ts";
import { PythonError } from "../../modal/local/_binding.ts";
import { GENERATE_PARAMETERS } from "../../modal/local/generate.ts";
import { INFER_CHUNK_PARAMETERS } from "../../modal/local/infer_chunk.ts";
import type { ChatMessage } from "../../inference/client.ts";
import type { Asked, Behaviour } from "./_port_contract.ts";

const WITHOUT_QUESTIONS = INFER_CHUNK_PARAMETERS.filter((parameter) =>
  typeof parameter === "string" || parameter.name !== "questions"
);

/** The class `Eyes` of the app `app`, and the way to tell it what to do next. */
export interface ServedEyes {
  readonly served: LocalClass;
  behave(behaviour: Behaviour): void;
}

/** Eyes that answer until they are told otherwise; old ones have neither `answer` nor `generate`, and take no questions. */
export function servedEyes(age: "new" | "old" = "new"): ServedEyes {
  let behaviour: Behaviour = { kind: "answers", say: () => "seen" };
  const run = (asked: Asked, key: string, signal: AbortSignal): unknown => {
    switch (behaviour.kind) {
      case "answers":
        return { [key]: behaviour.say(asked), model: "eyes", ...judged(behaviour, asked) };
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
    parameters: age === "new" ? INFER_CHUNK_PARAMETERS : WITHOUT_QUESTIONS,
    call: ({ frames, prompt, history, questions }, signal) =>
      run(askedOf(frames, prompt, history, questions), "caption", signal),
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
      const asked = { frames: [], prompt: "", history: [], questions: [], written };
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

/** In the words of the real class (`modal/serving/arguments.py`). */
function judged(
  { judge, mostQuestions = Infinity }: Behaviour & { readonly kind: "answers" },
  asked: Asked,
) {
  const { length } = asked.questions;
  if (length > mostQuestions) {
    const must = `at most ${mostQuestions} long: current value is ${length}`;
    throw new PythonError("BadArgument", `Cannot answer as questions must be ${must}`);
  }
  return judge && { answers: judge(asked) };
}

function askedOf(
  frames: unknown,
  prompt: unknown,
  history: unknown,
  questions: unknown = [],
): Asked {
  return {
    questions: questions as Asked["questions"],
    frames: frames as Uint8Array[],
    prompt: String(prompt),
    history: history as string[],
  };
}
