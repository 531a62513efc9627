/**
 * The vision-language port over any server that speaks OpenAI's chat completions with images: vLLM,
 * Ollama, LM Studio, OpenRouter and OpenAI itself.
 *
 * The wire, https://platform.openai.com/docs/api-reference/chat/create: `POST /chat/completions`,
 * frames as `image_url` parts with data URLs, `Authorization: Bearer`.
 *
 * @module
 */
import { z } from "zod";
import { type Clock, DeadlineError, withDeadline } from "../clock.ts";
import { MAX_CAPTION_CHARS } from "../kv/keys.ts";
import { reasonOf } from "../log.ts";
import { createRedactor } from "../redact.ts";
import { answerTextSchema } from "./_answer.ts";
import type {
  AnswerOutcome,
  AskContext,
  CaptionOutcome,
  Chunk,
  FailedOutcome,
  InferContext,
  InferOutcome,
  VisionInferenceClient,
  VisionInferenceSession,
} from "./client.ts";

/** A caption is a sentence or two. */
const MAX_CAPTION_TOKENS = 128;
/** As many as the classes on Modal give an answer (`modal/serving/settings.py`). */
const MAX_ANSWER_TOKENS = 256;
/** Of what a server says about a failure, no more is passed on. */
const MAX_REASON_LENGTH = 300;
const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47];

/** The server did not take these frames; it may take others. Any other status is its own trouble. */
const CHUNK_STATUS = new Set([400, 413, 415, 422]);

/** What the adapter is made of. */
export interface OpenAiInferenceOptions {
  /** Up to and without `/chat/completions`, such as `http://localhost:8000/v1`. */
  readonly baseUrl: string;
  /** Null for servers that ask for none. */
  readonly apiKey: string | null;
  readonly model: string;
  /** Deadline of one inference in milliseconds; 0 means none. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
}

const choicesOf = (content: z.ZodType<string>) =>
  z.array(z.object({ message: z.object({ content }) })).min(1);

const completionSchema = z.object({
  model: z.string().nullish(),
  choices: choicesOf(z.string().max(MAX_CAPTION_CHARS)),
  usage: z.object({ completion_tokens: z.number().int().nonnegative().nullish() }).nullish(),
});

const answerSchema = z.object({ choices: choicesOf(answerTextSchema) });

const refusalSchema = z.object({
  error: z.union([z.string(), z.object({ message: z.string() }).transform((e) => e.message)]),
});

/** Opens sessions on one server with one model. It takes no identity: the key is the process's. */
export function createOpenAiInference(options: OpenAiInferenceOptions): VisionInferenceClient {
  const session: VisionInferenceSession = {
    inferChunk: (chunk, context) => inferChunk(options, chunk, context),
    answer: (frames, question, context) => answer(options, frames, question, context),
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
  { prompt, history, signal }: InferContext,
): Promise<InferOutcome> {
  const frames = chunk.frames.map(({ bytes }) => bytes);
  const asked = { frames, text: prompt, history, maxTokens: MAX_CAPTION_TOKENS };
  return complete(options, asked, signal, (said, latencyMs) => captionOf(said, chunk, latencyMs));
}

function answer(
  options: OpenAiInferenceOptions,
  frames: readonly Uint8Array[],
  question: string,
  { history, signal }: AskContext,
): Promise<AnswerOutcome> {
  const asked = { frames, text: question, history, maxTokens: MAX_ANSWER_TOKENS };
  return complete(options, asked, signal, answerOf);
}

/** What a completion is to be about. */
interface Asked {
  readonly frames: readonly Uint8Array[];
  readonly text: string;
  readonly history: readonly string[];
  readonly maxTokens: number;
}

/** One completion within its deadline, and what became of it. */
async function complete<T>(
  options: OpenAiInferenceOptions,
  asked: Asked,
  outer: AbortSignal,
  read: (said: unknown, latencyMs: number) => T,
): Promise<T | FailedOutcome> {
  const { clock, timeoutMs, apiKey } = options;
  const startedAtMs = clock.monotonicMs();
  const redactor = createRedactor(apiKey ?? "");
  try {
    return await withDeadline(clock, timeoutMs, outer, async (signal) => {
      const response = await post(options, asked, signal);
      if (!response.ok) return failed(await refusalOf(response), redactor, response.status);
      return read(await response.json(), clock.monotonicMs() - startedAtMs);
    });
  } catch (error) {
    return failed(reasonOfThrown(error, outer), redactor);
  }
}

function post(
  { baseUrl, apiKey, model, fetch }: OpenAiInferenceOptions,
  { frames, text: prompt, history, maxTokens }: Asked,
  signal: AbortSignal,
): Promise<Response> {
  const text = history.length === 0
    ? prompt
    : `${prompt}\n\nEarlier captions, oldest first; they may be out of date:\n${
      history.join("\n")
    }`;
  const images = frames.map((bytes) => ({
    type: "image_url",
    image_url: { url: `data:${mediaTypeOf(bytes)};base64,${bytes.toBase64()}` },
  }));
  const content = [{ type: "text", text }, ...images];
  return fetch(`${baseUrl.replace(/\/$/, "")}/chat/completions`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...apiKey && { authorization: `Bearer ${apiKey}` },
    },
    body: JSON.stringify({ model, messages: [{ role: "user", content }], max_tokens: maxTokens }),
    // A redirect would carry the key, and the pictures, to another host.
    redirect: "error",
    signal,
  });
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
  };
}

function answerOf(said: unknown, latencyMs: number): AnswerOutcome {
  const parsed = answerSchema.safeParse(said);
  if (!parsed.success) return unreadable(parsed.error);
  return { kind: "answered", text: parsed.data.choices[0]!.message.content, latencyMs };
}

function unreadable({ issues: [issue] }: z.ZodError): FailedOutcome {
  const reason = `Cannot read the model's answer: ${issue?.path.join(".")} ${issue?.message}`;
  return { kind: "failed", scope: "chunk", reason };
}

function failed(
  reason: string,
  redactor: { text(text: string): string },
  status = 0,
): FailedOutcome {
  return {
    kind: "failed",
    scope: CHUNK_STATUS.has(status) ? "chunk" : "service",
    reason: redactor.text(reason).slice(0, MAX_REASON_LENGTH),
  };
}

async function refusalOf(response: Response): Promise<string> {
  const text = await response.text();
  let said = "";
  try {
    said = refusalSchema.parse(JSON.parse(text)).error;
  } catch {
    // A proxy's page of HTML tells a phone nothing that the status does not.
  }
  return `The model server answered ${response.status}${said && `: ${said}`}`;
}

function reasonOfThrown(error: unknown, outer: AbortSignal): string {
  if (outer.aborted) return reasonOf(outer.reason);
  if (error instanceof DeadlineError) {
    return `The model server did not answer within ${error.timeoutMs / 1000} s`;
  }
  return error instanceof SyntaxError
    ? "The model server answered with what is no JSON"
    : "The model server cannot be reached";
}

/** Frames are not inspected at the edge; their first bytes say what they are. */
function mediaTypeOf(bytes: Uint8Array): string {
  return PNG_SIGNATURE.every((byte, at) => bytes[at] === byte) ? "image/png" : "image/jpeg";
}
