/**
 * The vision-language port over a class deployed on Modal, called through `npm:modal`.
 *
 * The SDK is loaded when the first stream needs it. It makes the calls; how they travel, when they
 * give up and what is shared between streams is decided here: one lookup of the class for all
 * streams of the same identity, one connection for all calls, a deadline for each.
 *
 * @module
 */
import type { Function_, ModalClient } from "modal";
import { withDeadline } from "../clock.ts";
import type {
  Chunk,
  InferContext,
  InferOutcome,
  ModelIdentity,
  OpenOutcome,
  VisionInferenceClient,
} from "./client.ts";
import { outcomeOf } from "./_answer.ts";
import { callWithin, type RpcClient, scoped } from "./_call_scope.ts";
import { failureOf, needsLookup, refusesContext } from "./_failure.ts";
import { ModalTransport, type ModalTransportOptions } from "./_modal_transport.ts";
import { noopInference } from "./noop.ts";
import { SharedLookups } from "./_shared_lookups.ts";

const METHOD = "infer_chunk";
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
  readonly method: Function_;
  /** Whether it takes `history` and what else goes by keyword; older classes do not (WIRE M1). */
  takesContext: boolean;
}

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
      close() {},
    },
  };
}

async function inferChunk(
  { options: { clock, timeoutMs }, find, forget }: Adapter,
  identity: ModelIdentity,
  chunk: Chunk,
  context: InferContext,
): Promise<InferOutcome> {
  const startedAtMs = clock.monotonicMs();
  try {
    const answer = await withDeadline(clock, timeoutMs, context.signal, async (within) => {
      const deployed = await find(identity, within);
      return await callWithin(within, () => callClass(deployed, chunk, context));
    });
    return outcomeOf(answer, chunk, clock.monotonicMs() - startedAtMs);
  } catch (error) {
    if (needsLookup(error)) forget(identity);
    return failureOf(error, identity);
  }
}

/** The first four by position, what was added later by keyword (WIRE M1). */
async function callClass(
  deployed: DeployedClass,
  chunk: Chunk,
  { prompt, history, sessionId }: InferContext,
): Promise<unknown> {
  const args = [chunk.frames.map((frame) => frame.bytes), chunk.startS, chunk.endS, prompt];
  if (!deployed.takesContext) return await deployed.method.remote(args);
  try {
    return await deployed.method.remote(args, { history: [...history], session_id: sessionId });
  } catch (error) {
    if (!refusesContext(error)) throw error;
    deployed.takesContext = false;
    return await deployed.method.remote(args);
  }
}

/** One for all who ask for the same, so nobody's cancellation ends it: it has its own deadline. */
function lookUp(
  options: ModalInferenceOptions,
  transport: ModalTransport,
  identity: ModelIdentity,
): Promise<DeployedClass> {
  const find = async () => {
    const client = await connect(options, transport, identity);
    const deployed = await client.cls.fromName(identity.appName, identity.className);
    const instance = await deployed.instance();
    return { method: instance.method(METHOD), takesContext: true };
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
