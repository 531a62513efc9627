/**
 * What the RPCs' requests look like once decoded: the fields that the stand-in reads.
 *
 * @module
 */
import type { ModalMethod } from "../../inference/modal_messages.ts";

/** One input of a call. Of the two `args` fields one is there. */
export interface FunctionInput {
  readonly args?: Uint8Array;
  readonly argsBlobId?: string;
  readonly dataFormat: number;
  readonly methodName?: string;
}

interface PutInputsItem {
  readonly idx: number;
  readonly input?: FunctionInput;
}

/** The request of each RPC. */
export interface RpcRequests {
  authTokenGet: Record<never, never>;
  functionGet: { appName: string; objectTag: string; environmentName: string };
  functionMap: { functionId: string; pipelinedInputs: readonly PutInputsItem[] };
  functionGetOutputs: { functionCallId: string; timeout: number };
  functionRetryInputs: { functionCallJwt: string; inputs: readonly unknown[] };
  functionCallCancel: { functionCallId: string };
  blobCreate: { contentMd5: string; contentLength: number };
  blobGet: { blobId: string };
  attemptStart: { functionId: string; input?: PutInputsItem };
  attemptAwait: { attemptToken: string; timeoutSecs: number };
  attemptRetry: { attemptToken: string };
}

/** Who asks, and for how long. */
export interface RpcContext {
  readonly tokenId: string;
  /** Aborted when the client has given up. */
  readonly signal: AbortSignal;
}

/** One handler for each of `Methods`; the answer is a message in protobuf's camelCase fields. */
export type RpcHandlers<Methods extends ModalMethod> = {
  readonly [M in Methods]: (
    request: RpcRequests[M],
    context: RpcContext,
  ) => Record<string, unknown> | Promise<Record<string, unknown>>;
};
