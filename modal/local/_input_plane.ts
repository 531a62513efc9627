/**
 * The RPCs of Modal's input plane: the same calls, without the detour by the control plane.
 *
 * @module
 */
import { GRPC_STATUS, GrpcStatusError } from "./_grpc_status.ts";
import { outputOf, type PlaneParts, startCall } from "./_control_plane.ts";
import type { ModalMethod } from "../../inference/modal_messages.ts";
import type { RpcHandlers } from "./_rpc_types.ts";

/** The RPCs that the input plane answers. */
export type InputPlaneMethod = Extract<ModalMethod, `attempt${string}`>;

/** The handlers of the input plane. An attempt token is the id of the call behind it. */
export function inputPlaneHandlers(parts: PlaneParts): RpcHandlers<InputPlaneMethod> {
  const { calls, clock } = parts;
  return {
    attemptStart({ functionId, input }, { tokenId }) {
      if (!input?.input) {
        throw new GrpcStatusError(GRPC_STATUS.invalidArgument, "Cannot start an attempt: no input");
      }
      return { attemptToken: startCall(parts, functionId, input.input, tokenId).id };
    },
    async attemptAwait({ attemptToken, timeoutSecs }, { signal }) {
      const output = await outputOf(calls.get(attemptToken), timeoutSecs, signal, clock);
      return output ? { output } : {};
    },
    // The input that comes with it is the same; its blob is gone by now.
    attemptRetry: ({ attemptToken }) => ({
      attemptToken: calls.startAgain(calls.get(attemptToken)).id,
    }),
  };
}
