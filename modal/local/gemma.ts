/**
 * `Gemma3VLMSession` as the stand-in serves it: the method contract of the deployed class (WIRE M),
 * with the local describer in the model's place, or the real Python class in a process of its own.
 *
 * @module
 */
import { PythonError } from "./_binding.ts";
import { ANSWER_PARAMETERS } from "./answer.ts";
import type { LocalClass, LocalMethod } from "./classes.ts";
import { chanceOf } from "./describer/conditions.ts";
import { createDescriberContainer, type DescriberContainer } from "./describer/container.ts";
import type { Measurements } from "./describer/measurements.ts";
import { GENERATE_PARAMETERS } from "./generate.ts";
import { INFER_CHUNK_PARAMETERS } from "./infer_chunk.ts";
import { createWorkerProcess, type WorkerCommand } from "./worker_process.ts";

/** What the class says it is, so that nobody takes it for Gemma. */
export const LOCAL_MODEL = "local-descriptor";

/** How the describer begins an answer in words: it must not be taken for one who has understood. */
const NO_READER = "I cannot read questions, only measure pictures:";
const NO_FRAMES = "Cannot answer as frames must be at least one: current value is none";

/** The class, and the end of its container. */
export interface LocalGemma {
  readonly served: LocalClass;
  close(): Promise<void>;
}

const NAMES = { app: "foresight-gemma3-vlm", name: "Gemma3VLMSession" };

/** Calls that the Python class takes at once, as deployed (`@modal.concurrent`). */
const WORKER_CONCURRENT = 32;

/**
 * The local describer; its Worker comes with the first call. It must be closed.
 *
 * It has no `generate`: it is no language model, and callers are told so as by any class without.
 */
export function createDescriberGemma(): LocalGemma {
  const container = createDescriberContainer();
  const served: LocalClass = {
    ...NAMES,
    methods: {
      infer_chunk: {
        parameters: INFER_CHUNK_PARAMETERS,
        async call({ frames, start_ts_s, end_ts_s, questions }) {
          const startedAtMs = performance.now();
          const { caption, measured } = await container.describe(frames as Uint8Array[]);
          const answers = answersOf(questions, measured);
          const latencyMs = caption ? Math.round(performance.now() - startedAtMs) : 0;
          return {
            caption,
            chunk_start_s: start_ts_s,
            chunk_end_s: end_ts_s,
            latency_ms: latencyMs,
            tokens_generated: wordsIn(caption),
            model: LOCAL_MODEL,
            ...answers && { answers },
          };
        },
      },
      answer: describerAnswer(container),
      close: { parameters: [], call: () => null },
    },
  };
  return { served, close: () => Promise.resolve(container.close()) };
}

/** Yes or no to those that are about what it measures; null: there are none. */
function answersOf(questions: unknown, measured: Measurements | undefined) {
  const asked = questions as readonly { readonly id: string; readonly text: string }[] | undefined;
  if (!asked || asked.length === 0) return null;
  return asked.flatMap(({ id, text }) => {
    const chance = measured ? chanceOf(text, measured) : null;
    if (chance === null) return [];
    const yes = chance >= 0.5;
    return [{ id, yes, confidence: yes ? chance : 1 - chance }];
  });
}

/**
 * Yes or no where the question is about what it measures. Else it measures and does not understand,
 * and says so before it says what it has measured.
 */
function describerAnswer(container: DescriberContainer): LocalMethod {
  return {
    parameters: ANSWER_PARAMETERS,
    async call({ frames, question }) {
      const startedAtMs = performance.now();
      const { caption, measured } = await container.describe(frames as Uint8Array[]);
      // In the words of the real class (`modal/serving/requests.py`).
      if (!caption || !measured) throw new PythonError("BadArgument", NO_FRAMES);
      const chance = chanceOf(String(question), measured);
      const opening = chance === null ? NO_READER : chance >= 0.5 ? "Yes:" : "No:";
      const text = `${opening} ${caption}`;
      return {
        text,
        latency_ms: Math.round(performance.now() - startedAtMs),
        tokens_generated: wordsIn(text),
        model: LOCAL_MODEL,
      };
    },
  };
}

/**
 * The real class, hosted by `modal/worker.py`; its process comes with the first call, and comes again
 * with the next one if it dies. It must be closed.
 */
export function createWorkerGemma(command: WorkerCommand): LocalGemma {
  const worker = createWorkerProcess(command);
  const served: LocalClass = {
    ...NAMES,
    maxConcurrent: WORKER_CONCURRENT,
    methods: {
      infer_chunk: {
        parameters: INFER_CHUNK_PARAMETERS,
        call: (args, signal) => worker.call("infer_chunk", { ...args }, signal),
      },
      answer: {
        parameters: ANSWER_PARAMETERS,
        call: (args, signal) => worker.call("answer", { ...args }, signal),
      },
      generate: {
        parameters: GENERATE_PARAMETERS,
        call: (args, signal) => worker.call("generate", { ...args }, signal),
      },
      close: { parameters: [], call: () => null },
    },
  };
  return { served, close: () => worker.close() };
}

/** Words stand for tokens, as the describer has none. */
function wordsIn(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}
