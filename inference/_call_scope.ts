/**
 * A deadline and a cancellation for calls of Modal's SDK, which takes neither (`.remote()` has no
 * deadline and no AbortSignal; see its `src/function.ts`, 0.11.1).
 *
 * The SDK speaks through a client object that we supply. A call runs inside a scope; the object
 * finds the scope of whoever called, hands its signal to the transport, and remembers the call's
 * id, so that giving up also stops the work on the GPU.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** One method of Modal's control plane: plain messages, camelCase fields. */
export type Rpc = (
  request: Record<string, unknown>,
  options?: { readonly signal?: AbortSignal },
) => Promise<Record<string, unknown>>;

/** The object that the SDK calls: one function an RPC. */
export type RpcClient = Readonly<Record<string, Rpc>>;

interface CallScope {
  readonly signal: AbortSignal;
  /** Tells Modal to stop; set once the call has an id there. */
  cancelRemote: () => void;
}

const scopes = new AsyncLocalStorage<CallScope>();

/** Shared by all callers: one caller's giving up must not fail the others. */
const SHARED_METHODS = new Set(["authTokenGet"]);

/** Runs `call` so that its RPCs end when `signal` aborts; rejects with the signal's reason then. */
export async function callWithin<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const scope: CallScope = { signal, cancelRemote() {} };
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const giveUp = () => {
    scope.cancelRemote();
    reject(signal.reason);
  };
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    // The race is for transports that never call back (denoland/deno#33709).
    return await Promise.race([scopes.run(scope, call), aborted]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

/** The same client, obeying the scope that each call is made in. */
export function scoped(client: RpcClient): RpcClient {
  const methods = new Map<string, Rpc>();
  return new Proxy(client, {
    get(target, name) {
      if (typeof name !== "string" || typeof target[name] !== "function") return undefined;
      let method = methods.get(name);
      if (!method) methods.set(name, method = scopedRpc(target, name));
      return method;
    },
  });
}

function scopedRpc(client: RpcClient, name: string): Rpc {
  return async (request, options) => {
    const scope = scopes.getStore();
    if (!scope || SHARED_METHODS.has(name)) return await client[name]!(request, options);
    const response = await client[name]!(request, { ...options, signal: scope.signal });
    const functionCallId = response.functionCallId;
    if (name === "functionMap" && typeof functionCallId === "string") {
      scope.cancelRemote = () => cancelQuietly(client, functionCallId);
      if (scope.signal.aborted) scope.cancelRemote();
    }
    return response;
  };
}

/** Best effort: where it fails, the class's own time-out ends the call. */
function cancelQuietly(client: RpcClient, functionCallId: string): void {
  scopes.exit(() => client.functionCallCancel!({ functionCallId }).catch(() => {}));
}
