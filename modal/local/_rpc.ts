/**
 * From a gRPC request to a handler and back: counting, faults, logins, repeated keys, protobuf.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { MODAL_CODECS, type ModalMethod } from "../../inference/modal_messages.ts";
import { AnswerMemo } from "./_answer_memo.ts";
import type { FaultPlan, RpcFault } from "./_faults.ts";
import { GRPC_STATUS, GrpcStatusError } from "./_grpc_status.ts";
import type { GrpcAnswer, GrpcHandler, GrpcRequest } from "./_grpc_stream.ts";
import type { RpcContext, RpcHandlers } from "./_rpc_types.ts";
import type { SeenLog } from "./_seen.ts";
import type { TokenDesk } from "./_tokens.ts";
import { aborted, waitMs } from "./_wait.ts";

/** RPCs that change something: a key that was seen before gets the same answer again. */
const KEYED_METHODS: ReadonlySet<ModalMethod> = new Set(
  ["functionMap", "functionRetryInputs", "blobCreate", "attemptStart", "attemptRetry"] as const,
);

/** What no gRPC client can take for a message: the prefix announces more than there is. */
const GARBAGE = new Uint8Array([0, 0xff, 0xff, 0xff, 0xff, 0x2a]);

/** What stands between the wire and the handlers. */
export interface RpcOptions {
  readonly clock: Clock;
  readonly tokens: TokenDesk;
  readonly faults: FaultPlan<RpcFault>;
  readonly seen: SeenLog;
}

type AnyHandler = (request: unknown, context: RpcContext) => unknown;

interface Route {
  readonly method: ModalMethod;
  readonly handler: AnyHandler;
}

/** Serves `handlers`; any other RPC is unimplemented. */
export function rpcServer<Methods extends ModalMethod>(
  handlers: RpcHandlers<Methods>,
  options: RpcOptions,
): GrpcHandler {
  const routes = new Map<string, Route>();
  for (const [method, handler] of Object.entries(handlers) as [ModalMethod, AnyHandler][]) {
    routes.set(MODAL_CODECS[method].path, { method, handler });
  }
  const memo = new AnswerMemo<Uint8Array>();
  return async (request) => {
    const route = routes.get(request.path);
    if (!route) {
      throw new GrpcStatusError(GRPC_STATUS.unimplemented, `Unknown method ${request.path}`);
    }
    options.seen.rpcs[route.method]++;
    const fault = options.faults.take(route.method);
    const early = await applyFault(fault, options.clock, request.signal);
    if (early) return early;
    const bytes = await answerTo(request, route, memo, options.tokens);
    if (fault?.kind !== "answerLost") return { kind: "message", bytes };
    throw new GrpcStatusError(GRPC_STATUS.unavailable, "The answer was lost");
  };
}

function answerTo(
  request: GrpcRequest,
  route: Route,
  memo: AnswerMemo<Uint8Array>,
  tokens: TokenDesk,
): Promise<Uint8Array> {
  const tokenId = tokens.checkPair(request);
  if (route.method !== "authTokenGet") tokens.checkJwt(request, tokenId);
  const handle = () => handled(request, route, tokenId);
  const key = request.metadata("x-idempotency-key");
  if (!key || !KEYED_METHODS.has(route.method)) return handle();
  return memo.once(JSON.stringify([tokenId, route.method, key]), handle);
}

async function handled(request: GrpcRequest, route: Route, tokenId: string): Promise<Uint8Array> {
  const codec = MODAL_CODECS[route.method];
  const answer = await route.handler(decoded(request, route), { tokenId, signal: request.signal });
  return codec.response.encode(answer as Record<string, unknown>);
}

function decoded(request: GrpcRequest, route: Route): Record<string, unknown> {
  try {
    return MODAL_CODECS[route.method].request.decode(request.message);
  } catch {
    throw new GrpcStatusError(GRPC_STATUS.internal, "Cannot read the request as protobuf");
  }
}

/** The answer that stands in for the handler's; null to go on with handling. */
async function applyFault(
  fault: RpcFault | null,
  clock: Clock,
  signal: AbortSignal,
): Promise<GrpcAnswer | null> {
  switch (fault?.kind) {
    case undefined:
    case "answerLost":
      return null;
    case "status":
      throw new GrpcStatusError(fault.code, fault.message ?? "Fault on request");
    case "delay":
      await waitMs(clock, fault.delayMs, signal);
      return null;
    case "hang":
      await aborted(signal);
      throw new GrpcStatusError(GRPC_STATUS.cancelled, "The client has given up");
    case "garbage":
      return { kind: "raw", bytes: GARBAGE };
  }
}
