/**
 * The RPCs of Modal's control plane.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { DATA_FORMAT_CBOR, type ModalMethod } from "../../inference/modal_messages.ts";
import type { BlobStore } from "./_blobs.ts";
import type { Call } from "./_call.ts";
import type { Calls } from "./_calls.ts";
import { type Deployments, handleMetadataOf } from "./_deployments.ts";
import { GRPC_STATUS, GrpcStatusError } from "./_grpc_status.ts";
import type { FunctionInput, RpcContext, RpcHandlers } from "./_rpc_types.ts";
import type { TokenDesk } from "./_tokens.ts";

/** What both planes work on. */
export interface PlaneParts {
  readonly clock: Clock;
  readonly tokens: TokenDesk;
  readonly deployments: Deployments;
  readonly calls: Calls;
  readonly blobs: BlobStore;
  /** Larger arguments and results go as blobs. */
  readonly maxObjectSizeBytes: number;
}

/** The RPCs that the control plane answers. */
export type ControlPlaneMethod = Exclude<ModalMethod, `attempt${string}`>;

/** No poll waits longer, whatever the client asks for. */
const MAX_POLL_S = 60;

/** A call's JWT names the call; nobody but this server reads it. */
const CALL_JWT_PREFIX = "call.";

/**
 * The handlers of the control plane.
 *
 * @param inputPlaneUrl asked at each look-up: that plane's port is known only once it listens
 */
export function controlPlaneHandlers(
  parts: PlaneParts,
  inputPlaneUrl: () => string | null,
): RpcHandlers<ControlPlaneMethod> {
  const { blobs, deployments, maxObjectSizeBytes, tokens } = parts;
  return {
    ...callHandlers(parts),
    authTokenGet: (_request, { tokenId }) => ({ token: tokens.issue(tokenId) }),
    functionGet({ appName, objectTag, environmentName }) {
      const deployment = deployments.find(appName, objectTag, environmentName);
      const options = { inputPlaneUrl: inputPlaneUrl(), maxObjectSizeBytes };
      return {
        functionId: deployment.functionId,
        handleMetadata: handleMetadataOf(deployment, options),
      };
    },
    blobCreate: (request) => blobs.create(request.contentMd5, request.contentLength),
    blobGet: (request) => ({ downloadUrl: blobs.downloadUrl(request.blobId) }),
  };
}

type CallMethod =
  | "functionMap"
  | "functionGetOutputs"
  | "functionRetryInputs"
  | "functionCallCancel";

function callHandlers(parts: PlaneParts): RpcHandlers<CallMethod> {
  const { calls, clock } = parts;
  return {
    functionMap({ functionId, pipelinedInputs: [item, ...others] }, { tokenId }) {
      if (!item?.input || others.length > 0) {
        throw invalid("Cannot map as pipelined_inputs must be one input");
      }
      const call = startCall(parts, functionId, item.input, tokenId);
      return {
        functionCallId: call.id,
        pipelinedInputs: [{ idx: item.idx, inputId: call.inputId, inputJwt: call.inputId }],
        functionCallJwt: `${CALL_JWT_PREFIX}${call.id}`,
      };
    },
    async functionGetOutputs({ functionCallId, timeout }, { signal }) {
      const output = await outputOf(calls.get(functionCallId), timeout, signal, clock);
      return output
        ? { outputs: [output], lastEntryId: "0-1" }
        : { outputs: [], lastEntryId: "0-0", numUnfinishedInputs: 1 };
    },
    functionRetryInputs({ functionCallJwt, inputs }) {
      if (!functionCallJwt.startsWith(CALL_JWT_PREFIX)) {
        throw invalid("Cannot retry as function_call_jwt must be one that FunctionMap gave");
      }
      const call = calls.get(functionCallJwt.slice(CALL_JWT_PREFIX.length));
      calls.rerun(call);
      return { inputJwts: inputs.map(() => call.inputId) };
    },
    functionCallCancel({ functionCallId }) {
      calls.cancel(calls.get(functionCallId));
      return {};
    },
  };
}

/**
 * Accepts one input. Its blob is used up with that: a retry runs the same call again.
 *
 * @throws {GrpcStatusError} not found, invalid argument
 */
export function startCall(
  parts: PlaneParts,
  functionId: string,
  input: FunctionInput,
  tokenId: RpcContext["tokenId"],
): Call {
  const methodName = input.methodName ?? "";
  const [deployment, method] = parts.deployments.method(functionId, methodName);
  if (input.dataFormat !== DATA_FORMAT_CBOR) {
    throw invalid(
      `Cannot read input as data_format must be 4: current value is ${input.dataFormat}`,
    );
  }
  const payload = input.argsBlobId ? parts.blobs.take(input.argsBlobId) : input.args;
  if (!payload) throw invalid("Cannot read input as it must have args or args_blob_id");
  return parts.calls.start({ deployment, methodName, method, tokenId }, payload);
}

/** `FunctionGetOutputsItem` as soon as there is one; null when `timeoutS` pass before. */
export async function outputOf(
  call: Call,
  timeoutS: number,
  signal: AbortSignal,
  clock: Clock,
): Promise<Record<string, unknown> | null> {
  await call.settled(Math.min(timeoutS, MAX_POLL_S) * 1000, signal, clock);
  const result = call.result();
  if (!result) return null;
  return {
    result,
    idx: 0,
    inputId: call.inputId,
    dataFormat: DATA_FORMAT_CBOR,
    taskId: call.taskId,
  };
}

function invalid(message: string): GrpcStatusError {
  return new GrpcStatusError(GRPC_STATUS.invalidArgument, message);
}
