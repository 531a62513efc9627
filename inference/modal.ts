/**
 * The vision-language port over a class deployed on Modal, called through `npm:modal`.
 *
 * The SDK is loaded when the first stream needs it. It makes the calls; how they travel, when they
 * give up and what is shared between streams is decided here: one lookup of the class for all
 * streams of the same identity, one connection for all calls, a deadline for each.
 *
 * @module
 */
import type { ClsInstance, Function_, ModalClient } from "modal";
import { withDeadline } from "../clock.ts";
import type {
  AnswerOutcome,
  AskContext,
  Chunk,
  FailedOutcome,
  GenerateOutcome,
  GenerateRequest,
  InferContext,
  InferOutcome,
  ModelIdentity,
  OpenOutcome,
  VisionInferenceClient,
} from "./client.ts";
import { answerOf, outcomeOf } from "./_answer.ts";
import { generatedOf, jsonSchemaOf } from "./_generated.ts";
import { callWithin, type RpcClient, scoped } from "./_call_scope.ts";
import {
  CANNOT_BE_ASKED,
  CANNOT_WRITE,
  failureOf,
  isNotFound,
  MissingMethodError,
  needsLookup,
  refusedKeyword,
  refusesQuestions,
} from "./_failure.ts";
import { ModalTransport, type ModalTransportOptions } from "./_modal_transport.ts";
import { noopInference } from "./noop.ts";
import { toSend } from "./_questions.ts";
import { SharedLookups } from "./_shared_lookups.ts";

const LOOKUP_TIMEOUT_MS = 15_000;

/** What the adapter is made of. */
export interface ModalInferenceOptions extends ModalTransportOptions {
  readonly environment: string;
  readonly transport: "fetch" | "grpc";
  /** Deadline of one inference in milliseconds; 0 means none. */
  readonly timeoutMs: number;
}

/** What the SDK would log may carry what does not belong in logs; failures reach us as errors. */
const SILENT_SDK = { debug() {}, info() {}, warn() {}, error() {} };

/** A class as it stands on Modal, shared by all streams of one identity. */
interface DeployedClass {
  readonly inferChunk: Function_;
  /** Null: it was deployed without, and is not asked until it is looked up again. */
  readonly answer: Function_ | null;
  /** Null likewise. */
  readonly generate: Function_ | null;
  /** What it takes by keyword; older classes take less (WIRE M1). */
  takes: Keywords;
}

/** By keyword go: `history`, `session_id` and `questions`; all but the questions; nothing. */
type Keywords = "all" | "context" | "none";

/** Opens sessions on classes deployed on Modal. */
export function createModalInference(options: ModalInferenceOptions): VisionInferenceClient {
  const transport = new ModalTransport(options);
  const classes = new SharedLookups<DeployedClass>(options.clock);
  const find = (identity: ModelIdentity, signal: AbortSignal) =>
    callWithin(
      signal,
      () => classes.get(keyOf(identity), () => lookUp(options, transport, identity)),
    );
  const forget = (identity: ModelIdentity) => classes.forget(keyOf(identity));
  return {
    serves: (identity) => identity !== null,
    openSession: (identity, signal) => openSession({ options, find, forget }, identity, signal),
    prepare: async () => void await import("modal"),
    close: () => transport.close(),
  };
}

interface Adapter {
  readonly options: ModalInferenceOptions;
  readonly find: (identity: ModelIdentity, signal: AbortSignal) => Promise<DeployedClass>;
  readonly forget: (identity: ModelIdentity) => void;
}

async function openSession(
  adapter: Adapter,
  identity: ModelIdentity | null,
  signal: AbortSignal,
): Promise<OpenOutcome> {
  if (!identity) return await noopInference.openSession(identity, signal);
  try {
    await adapter.find(identity, signal);
  } catch (error) {
    return { kind: "unavailable", reason: failureOf(error, identity).reason };
  }
  return {
    kind: "opened",
    session: {
      inferChunk: (chunk, context) => inferChunk(adapter, identity, chunk, context),
      answer: (frames, question, context) => answer(adapter, identity, frames, question, context),
      generate: (request, signal) => generate(adapter, identity, request, signal),
      close() {},
    },
  };
}

function inferChunk(
  adapter: Adapter,
  identity: ModelIdentity,
  chunk: Chunk,
  context: InferContext,
): Promise<InferOutcome> {
  return callClass(
    adapter,
    identity,
    context.signal,
    (deployed) => callInferChunk(deployed, chunk, context),
    (answer, measuredMs) => outcomeOf(answer, chunk, context.questions, measuredMs),
  );
}

function answer(
  adapter: Adapter,
  identity: ModelIdentity,
  frames: readonly Uint8Array[],
  question: string,
  { history, signal }: AskContext,
): Promise<AnswerOutcome> {
  const ask = async ({ answer }: DeployedClass): Promise<unknown> => {
    if (!answer) throw new MissingMethodError(CANNOT_BE_ASKED);
    return await answer.remote([[...frames], question], { history: [...history] });
  };
  return callClass(adapter, identity, signal, ask, answerOf);
}

/** The messages by position, the rest by keyword, and only where it is wished for (SPEC M9). */
function generate<T>(
  adapter: Adapter,
  identity: ModelIdentity,
  request: GenerateRequest<T>,
  signal: AbortSignal,
): Promise<GenerateOutcome<T>> {
  const { messages, schema, maxTokens } = request;
  const write = async ({ generate }: DeployedClass): Promise<unknown> => {
    if (!generate) throw new MissingMethodError(CANNOT_WRITE);
    return await generate.remote([messages.map((message) => ({ ...message }))], {
      ...schema && { schema: jsonSchemaOf(schema) },
      ...maxTokens !== null && { max_tokens: maxTokens },
    });
  };
  return callClass(adapter, identity, signal, write, (said, measuredMs) => {
    return generatedOf(said, request, measuredMs);
  });
}

/** One call within its deadline, and what became of it. */
async function callClass<T>(
  { options: { clock, timeoutMs }, find, forget }: Adapter,
  identity: ModelIdentity,
  signal: AbortSignal,
  call: (deployed: DeployedClass) => Promise<unknown>,
  read: (answer: unknown, measuredMs: number) => T,
): Promise<T | FailedOutcome> {
  const startedAtMs = clock.monotonicMs();
  try {
    const answer = await withDeadline(clock, timeoutMs, signal, async (within) => {
      const deployed = await find(identity, within);
      return await callWithin(within, () => call(deployed));
    });
    return read(answer, clock.monotonicMs() - startedAtMs);
  } catch (error) {
    if (needsLookup(error)) forget(identity);
    return failureOf(error, identity);
  }
}

/**
 * The first four by position, what was added later by keyword; where the class does not take that, or
 * not these questions, without (WIRE M1, SPEC M10).
 */
async function callInferChunk(
  deployed: DeployedClass,
  chunk: Chunk,
  context: InferContext,
): Promise<unknown> {
  const { prompt } = context;
  const args = [chunk.frames.map((frame) => frame.bytes), chunk.startS, chunk.endS, prompt];
  const keywords = keywordsFor(deployed.takes, context);
  if (!keywords) return await deployed.inferChunk.remote(args);
  try {
    return await deployed.inferChunk.remote(args, keywords);
  } catch (error) {
    const refused = refusedKeyword(error);
    if (refused) deployed.takes = refused === "questions" ? "context" : "none";
    else if (!("questions" in keywords) || !refusesQuestions(error)) throw error;
    return await callInferChunk(deployed, chunk, { ...context, questions: [] });
  }
}

function keywordsFor(
  takes: Keywords,
  { history, sessionId, questions }: InferContext,
): Record<string, unknown> | null {
  if (takes === "none") return null;
  return {
    history: [...history],
    session_id: sessionId,
    ...takes === "all" && questions.length > 0 && { questions: toSend(questions) },
  };
}

/** One for all who ask for the same, so nobody's cancellation ends it: it has its own deadline. */
function lookUp(
  options: ModalInferenceOptions,
  transport: ModalTransport,
  identity: ModelIdentity,
): Promise<DeployedClass> {
  const find = async (): Promise<DeployedClass> => {
    const client = await connect(options, transport, identity);
    const deployed = await client.cls.fromName(identity.appName, identity.className);
    const instance = await deployed.instance();
    return {
      inferChunk: instance.method("infer_chunk"),
      answer: methodIn(instance, "answer"),
      generate: methodIn(instance, "generate"),
      takes: "all",
    };
  };
  const found = withDeadline(
    options.clock,
    LOOKUP_TIMEOUT_MS,
    transport.closing,
    (within) => callWithin(within, find),
  );
  transport.lingers(found.catch(() => {}));
  return found;
}

/** The method, if the class was deployed with it. */
function methodIn(instance: ClsInstance, name: string): Function_ | null {
  try {
    return instance.method(name);
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

/** An SDK client whose calls travel as configured and obey {@link callWithin}, on both planes. */
async function connect(
  options: ModalInferenceOptions,
  transport: ModalTransport,
  identity: ModelIdentity,
): Promise<ModalClient> {
  // Only then: it brings node:http2, 3 MB that nothing else here needs.
  if (options.transport === "grpc") (await import("./_goaway_guard.ts")).installGoawayGuard();
  const { ModalClient } = await import("modal");
  const client = new ModalClient({
    tokenId: identity.tokenId,
    tokenSecret: identity.tokenSecret,
    environment: options.environment,
    logger: SILENT_SDK,
    cpClient: {} as ModalClient["cpClient"], // replaced below, once the client is there to dial with
  });
  const dial = options.transport === "grpc"
    ? client.ipClient.bind(client) as unknown as (url: string) => RpcClient
    : transport.fetchDialer(identity, client.version());
  const planes = new Map<string, RpcClient>();
  const plane = (url: string) => {
    if (!planes.has(url)) planes.set(url, scoped(dial(url), options.clock, transport.lingers));
    return planes.get(url)!;
  };
  return Object.assign(client, { ipClient: plane, cpClient: plane(options.serverUrl) } as object);
}

function keyOf(identity: ModelIdentity): string {
  const { tokenId, tokenSecret, appName, className } = identity;
  return JSON.stringify([tokenId, tokenSecret, appName, className]);
}
