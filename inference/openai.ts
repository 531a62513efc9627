/**
 * The vision-language port over any server that speaks OpenAI's chat completions with images: vLLM,
 * Ollama, LM Studio, OpenRouter and OpenAI itself.
 *
 * @module
 */
import { z } from "zod";
import { MAX_CAPTION_CHARS } from "../kv/keys.ts";
import { answerTextSchema, unreadable } from "./_answer.ts";
import { askedBeside, bothIn } from "./_caption_and_answers.ts";
import { generatedOf, jsonSchemaOf } from "./_generated.ts";
import { jsonIn, jsonRequest, repairRequest } from "./_json_words.ts";
import {
  about,
  conversing,
  type Message,
  type OpenAiInferenceOptions,
  type Post,
  unlessRefused,
} from "./_openai_chat.ts";
import type {
  AnswerOutcome,
  AskContext,
  CaptionOutcome,
  Chunk,
  FailedOutcome,
  GenerateOutcome,
  GenerateRequest,
  InferContext,
  InferOutcome,
  VisionInferenceClient,
  VisionInferenceSession,
} from "./client.ts";

/** A caption is a sentence or two. */
const MAX_CAPTION_TOKENS = 128;
/** As many as the classes on Modal give an answer (`modal/serving/settings.py`). */
const MAX_ANSWER_TOKENS = 256;

const choicesOf = (content: z.ZodType<string>) =>
  z.array(z.object({ message: z.object({ content }) })).min(1);

const completionSchema = z.object({
  model: z.string().nullish(),
  choices: choicesOf(z.string().max(MAX_CAPTION_CHARS)),
  usage: z.object({ completion_tokens: z.number().int().nonnegative().nullish() }).nullish(),
});

const answerSchema = z.object({ choices: choicesOf(answerTextSchema) });

/** Opens sessions on one server with one model. It takes no identity: the key is the process's. */
export function createOpenAiInference(options: OpenAiInferenceOptions): VisionInferenceClient {
  const session: VisionInferenceSession = {
    inferChunk: (chunk, context) => inferChunk(options, chunk, context),
    answer: (frames, question, context) => answer(options, frames, question, context),
    generate: (request, signal) => generate(options, request, signal),
    close() {},
  };
  return {
    serves: () => true,
    openSession: () => Promise.resolve({ kind: "opened", session }),
    prepare: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

function inferChunk(
  options: OpenAiInferenceOptions,
  chunk: Chunk,
  { prompt, history, questions, signal }: InferContext,
): Promise<InferOutcome> {
  const frames = chunk.frames.map(({ bytes }) => bytes);
  const measure = stopwatch(options);
  const plain = async (post: Post) => {
    const said = await post({
      messages: [about(frames, prompt, history)],
      maxTokens: MAX_CAPTION_TOKENS,
    });
    return captionOf(said, chunk, measure());
  };
  if (questions.length === 0) return conversing(options, signal, plain);
  const { words, jsonSchema, extraTokens } = askedBeside(questions);
  return conversing(options, signal, async (post) => {
    const said = await unlessRefused(post({
      messages: [about(frames, `${prompt}\n\n${words}`, history)],
      maxTokens: MAX_CAPTION_TOKENS + extraTokens,
      jsonSchema,
    }));
    const outcome = captionOf(said, chunk, measure());
    const both = outcome.kind === "captioned" ? bothIn(outcome.caption, questions) : null;
    // A server or a model that cannot do this is no reason to see nothing.
    return both ? { ...outcome, ...both } : await plain(post);
  });
}

function answer(
  options: OpenAiInferenceOptions,
  frames: readonly Uint8Array[],
  question: string,
  { history, signal }: AskContext,
): Promise<AnswerOutcome> {
  const messages = [about(frames, question, history)];
  const measure = stopwatch(options);
  return conversing(options, signal, async (post) => {
    const said = await post({ messages, maxTokens: MAX_ANSWER_TOKENS });
    return answerOf(said, measure());
  });
}

/**
 * JSON is asked for in words and by `response_format`: servers that know the latter let the model say
 * nothing else, with the others it has one attempt more, as the classes on Modal give it (SPEC M9).
 */
function generate<T>(
  options: OpenAiInferenceOptions,
  request: GenerateRequest<T>,
  signal: AbortSignal,
): Promise<GenerateOutcome<T>> {
  const { schema } = request;
  const maxTokens = request.maxTokens ?? MAX_ANSWER_TOKENS;
  const measure = stopwatch(options);
  return conversing(options, signal, async (post): Promise<GenerateOutcome<T>> => {
    const write = async (messages: readonly Message[], format = {}) => {
      return answerOf(await post({ messages, maxTokens, ...format }), measure());
    };
    if (!schema) {
      const said = await write(request.messages);
      return said.kind === "failed" ? said : generatedOf(said.text, request, measure());
    }
    const jsonSchema = jsonSchemaOf(schema);
    const messages = jsonRequest(request.messages, jsonSchema);
    const first = await write(messages, { jsonSchema });
    if (first.kind === "failed") return first;
    const outcome = generatedOf(jsonIn(first.text), request, measure());
    if (outcome.kind === "generated") return outcome;
    const repair = repairRequest(first.text, outcome.reason);
    const second = await write([...messages, ...repair], { jsonSchema });
    return second.kind === "failed" ? second : generatedOf(jsonIn(second.text), request, measure());
  });
}

/** Milliseconds from now until it is called. */
function stopwatch({ clock }: OpenAiInferenceOptions): () => number {
  const startedAtMs = clock.monotonicMs();
  return () => clock.monotonicMs() - startedAtMs;
}

function captionOf(
  said: unknown,
  chunk: Chunk,
  latencyMs: number,
): CaptionOutcome | FailedOutcome {
  const parsed = completionSchema.safeParse(said);
  if (!parsed.success) return unreadable(parsed.error);
  const { model, choices, usage } = parsed.data;
  return {
    kind: "captioned",
    caption: choices[0]!.message.content.trim(),
    chunkStartS: chunk.startS,
    chunkEndS: chunk.endS,
    latencyMs,
    tokensGenerated: usage?.completion_tokens ?? null,
    model: model ?? null,
    answers: [],
  };
}

function answerOf(said: unknown, latencyMs: number): AnswerOutcome {
  const parsed = answerSchema.safeParse(said);
  if (!parsed.success) return unreadable(parsed.error);
  return { kind: "answered", text: parsed.data.choices[0]!.message.content, latencyMs };
}
