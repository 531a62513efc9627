/**
 * The vision-language port over the HTTPS endpoint of a class deployed on Modal (SPEC M5 to M7): for
 * where Modal's gRPC cannot go. Plain `fetch`, arguments and answers in CBOR, no SDK.
 *
 * The endpoint is the operator's, and so is the proxy token that opens it
 * (https://modal.com/docs/guide/webhook-proxy-auth): what a stream brings as its own identity is for
 * Modal's control plane and is not sent here (SPEC V10).
 *
 * @module
 */
import { type Clock, DeadlineError, withDeadline } from "../clock.ts";
import { reasonOf } from "../log.ts";
import { createRedactor } from "../redact.ts";
import { answerOf, outcomeOf } from "./_answer.ts";
import { readAtMost } from "./_bounded_body.ts";
import { CANNOT_BE_ASKED, CANNOT_WRITE, isAboutQuestions, unexpectedKeyword } from "./_failure.ts";
import { generatedOf, jsonSchemaOf } from "./_generated.ts";
import type {
  AnswerOutcome,
  AskContext,
  Chunk,
  FailedOutcome,
  GenerateOutcome,
  GenerateRequest,
  InferContext,
  InferOutcome,
  VisionInferenceClient,
  VisionInferenceSession,
} from "./client.ts";
import { noopInference } from "./noop.ts";
import { toSend } from "./_questions.ts";

const CBOR = "application/cbor";
/** As Modal's SDK writes it (its `src/serialization.ts`, 0.11.1), so that Python sees the same values. */
const CBOR_OPTIONS = { mapsAsObjects: true, useRecords: false, tagUint8Array: false };
/** A caption or an answer is a few sentences. */
const MAX_ANSWER_BYTES = 256 * 1024;
/** Of what the endpoint says about a failure, no more is passed on. */
const MAX_REASON_LENGTH = 500;

/** The class answered, but not for these frames; it may for others. All else is trouble of its own. */
const CHUNK_STATUS = new Set([413, 422, 500]);

/** What the adapter is made of. */
export interface ModalEndpointOptions {
  /** Up to and without `/infer_chunk`, `/answer` and `/generate`. */
  readonly url: string;
  /** Without id and secret nothing is captioned. */
  readonly proxyTokenId: string;
  readonly proxyTokenSecret: string;
  /** Deadline of one inference in milliseconds; 0 means none. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
}

/** Opens sessions on one endpoint, with one token, whoever streams. */
export function createModalEndpointInference(options: ModalEndpointOptions): VisionInferenceClient {
  if (!options.proxyTokenId || !options.proxyTokenSecret) return noopInference;
  const session: VisionInferenceSession = {
    inferChunk: (chunk, context) => inferChunk(options, chunk, context),
    answer: (frames, question, context) => answer(options, frames, question, context),
    generate: (request, signal) => generate(options, request, signal),
    close() {},
  };
  return {
    serves: () => true,
    openSession: () => Promise.resolve({ kind: "opened", session }),
    prepare: async () => void await cbor(),
    close: () => Promise.resolve(),
  };
}

/** Where the class takes no questions, or not these, it is asked without (SPEC M10). */
async function inferChunk(
  options: ModalEndpointOptions,
  chunk: Chunk,
  context: InferContext,
): Promise<InferOutcome> {
  const { prompt, history, sessionId, questions, signal } = context;
  const args = {
    frames: chunk.frames.map((frame) => frame.bytes),
    start_ts_s: chunk.startS,
    end_ts_s: chunk.endS,
    prompt,
    history: [...history],
    session_id: sessionId,
    ...questions.length > 0 && { questions: toSend(questions) },
  };
  const outcome = await call(options, "infer_chunk", args, signal, (answer, measuredMs) => {
    return outcomeOf(answer, chunk, questions, measuredMs);
  });
  return questions.length > 0 && refusesQuestions(outcome)
    ? await inferChunk(options, chunk, { ...context, questions: [] })
    : outcome;
}

function refusesQuestions(outcome: InferOutcome): boolean {
  if (outcome.kind !== "failed" || outcome.scope !== "chunk") return false;
  const { reason } = outcome;
  return isAboutQuestions(reason) || unexpectedKeyword(reason) === "questions";
}

function answer(
  options: ModalEndpointOptions,
  frames: readonly Uint8Array[],
  question: string,
  { history, signal }: AskContext,
): Promise<AnswerOutcome> {
  const args = { frames: [...frames], question, history: [...history] };
  return call(options, "answer", args, signal, answerOf);
}

function generate<T>(
  options: ModalEndpointOptions,
  request: GenerateRequest<T>,
  signal: AbortSignal,
): Promise<GenerateOutcome<T>> {
  const { messages, schema, maxTokens } = request;
  const args = {
    messages: messages.map((message) => ({ ...message })),
    ...schema && { schema: jsonSchemaOf(schema) },
    ...maxTokens !== null && { max_tokens: maxTokens },
  };
  return call(options, "generate", args, signal, (said, measuredMs) => {
    return generatedOf(said, request, measuredMs);
  });
}

/** A method of the class, by what it is called there. */
type Method = "infer_chunk" | "answer" | "generate";

/** What is said of a class that was deployed before it had the method: it captions as ever. */
const WITHOUT: Readonly<Partial<Record<Method, string>>> = {
  answer: CANNOT_BE_ASKED,
  generate: CANNOT_WRITE,
};

/** One call within its deadline, and what became of it. */
async function call<T extends { readonly kind: string }>(
  options: ModalEndpointOptions,
  method: Method,
  args: Readonly<Record<string, unknown>>,
  outer: AbortSignal,
  read: (answer: unknown, measuredMs: number) => T | FailedOutcome,
): Promise<T | FailedOutcome> {
  const { clock, timeoutMs, proxyTokenId, proxyTokenSecret } = options;
  const startedAtMs = clock.monotonicMs();
  const outcome = await withDeadline(clock, timeoutMs, outer, async (signal) => {
    const response = await post(options, method, args, signal);
    const answer = await readAnswer(response);
    if (!response.ok) return refusalOf(response.status, answer, method);
    if (answer === undefined) return failed("The model's endpoint answered with what is no CBOR");
    return read(answer, clock.monotonicMs() - startedAtMs);
  }).catch((error) => failed(reasonOfThrown(error, outer)));
  if (!("reason" in outcome)) return outcome;
  const redactor = createRedactor(proxyTokenSecret, proxyTokenId);
  return { ...outcome, reason: redactor.text(outcome.reason).slice(0, MAX_REASON_LENGTH) };
}

async function post(
  { url, proxyTokenId, proxyTokenSecret, fetch }: ModalEndpointOptions,
  method: Method,
  args: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<Response> {
  const { encoder } = await cbor();
  return await fetch(`${url.replace(/\/$/, "")}/${method}`, {
    method: "POST",
    headers: {
      "content-type": CBOR,
      "modal-key": proxyTokenId,
      "modal-secret": proxyTokenSecret,
    },
    body: encoder.encode(args) as Uint8Array<ArrayBuffer>,
    // It would carry the token elsewhere. Modal itself sends one after 150 s, when nobody waits.
    redirect: "manual",
    signal,
  });
}

/** What came as CBOR; undefined for all else, such as a proxy's page of HTML. */
async function readAnswer(response: Response): Promise<unknown> {
  if (response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() !== CBOR) {
    await response.body?.cancel();
    return undefined;
  }
  const bytes = await readAtMost(response, MAX_ANSWER_BYTES);
  if (bytes === null) return undefined;
  const { decoder } = await cbor();
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The class says in CBOR why; whatever says it otherwise stands before the class (SPEC M6). */
function refusalOf(status: number, answer: unknown, method: Method): FailedOutcome {
  const said = errorIn(answer);
  if (said !== null) {
    const without = WITHOUT[method];
    if (status === 404 && without) return failed(without, "chunk");
    return failed(said, CHUNK_STATUS.has(status) ? "chunk" : "service");
  }
  if (status === 401) return failed("Modal refused the proxy token");
  if (status === 404) return failed("There is no model at the endpoint's address");
  if (status >= 300 && status < 400) return failed("The model's endpoint sends elsewhere");
  return failed(`The model's endpoint answered ${status}`);
}

function errorIn(answer: unknown): string | null {
  const { error } = Object(answer) as { error?: { name?: unknown; message?: unknown } };
  if (typeof error?.name !== "string" || typeof error.message !== "string") return null;
  return `${error.name}: ${error.message}`;
}

function failed(reason: string, scope: FailedOutcome["scope"] = "service"): FailedOutcome {
  return { kind: "failed", scope, reason };
}

function reasonOfThrown(error: unknown, outer: AbortSignal): string {
  if (outer.aborted) return reasonOf(outer.reason);
  return error instanceof DeadlineError
    ? `The model's endpoint did not answer within ${error.timeoutMs / 1000} s`
    : "The model's endpoint cannot be reached";
}

let loading: ReturnType<typeof loadCbor> | null = null;

/** Loaded when the first stream needs it: 35 ms that other transports need not spend. */
function cbor(): ReturnType<typeof loadCbor> {
  return loading ??= loadCbor();
}

async function loadCbor() {
  const { Decoder, Encoder } = await import("cbor-x");
  return { encoder: new Encoder(CBOR_OPTIONS), decoder: new Decoder(CBOR_OPTIONS) };
}
