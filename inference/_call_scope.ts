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
import { type Cancel, type Clock, withDeadline } from "../clock.ts";

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

/** How long the start or the end of a call that nobody waits for may still take. */
const START_GRACE_MS = 5000;

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

/**
 * The same client, obeying the scope that each call is made in.
 *
 * @param lingers hears of calls that go on when nobody waits for them any more
 */
export function scoped(
  client: RpcClient,
  clock: Clock,
  lingers: (call: Promise<unknown>) => void,
): RpcClient {
  const methods = new Map<string, Rpc>();
  return new Proxy(client, {
    get(target, name) {
      if (typeof name !== "string" || typeof target[name] !== "function") return undefined;
      let method = methods.get(name);
      if (!method) methods.set(name, method = scopedRpc(target, name, clock, lingers));
      return method;
    },
  });
}

function scopedRpc(
  client: RpcClient,
  name: string,
  clock: Clock,
  lingers: (call: Promise<unknown>) => void,
): Rpc {
  const call: Rpc = (request, options) => client[name]!(request, options);
  if (SHARED_METHODS.has(name)) return call;
  return async (request, options) => {
    const scope = scopes.getStore();
    if (!scope) return await call(request, options);
    // The SDK may have waited for what takes no signal (a blob's upload) while its caller gave up.
    scope.signal.throwIfAborted();
    if (name === "functionMap") {
      const cancel = (functionCallId: unknown) =>
        lingers(cancelQuietly(client, functionCallId, clock));
      const start = startRemote(call, request, scope, clock, cancel);
      lingers(start.catch(() => {}));
      return await start;
    }
    return await call(request, { ...options, signal: scope.signal });
  };
}

/**
 * Starts the work on Modal. It outlives its caller for a moment: only who knows the call's id can
 * stop it, and the id comes with the answer.
 */
async function startRemote(
  call: Rpc,
  request: Record<string, unknown>,
  scope: CallScope,
  clock: Clock,
  cancel: (functionCallId: unknown) => void,
): Promise<Record<string, unknown>> {
  const late = new AbortController();
  let cancelTimer: Cancel = () => {};
  const giveUpLater = () =>
    cancelTimer = clock.after(START_GRACE_MS, () => late.abort(scope.signal.reason));
  scope.signal.addEventListener("abort", giveUpLater, { once: true });
  try {
    const response = await call(request, { signal: late.signal });
    scope.cancelRemote = () => cancel(response.functionCallId);
    if (scope.signal.aborted) scope.cancelRemote();
    return response;
  } finally {
    cancelTimer();
    scope.signal.removeEventListener("abort", giveUpLater);
  }
}

/** Best effort: where it fails, the class's own time-out ends the call. */
async function cancelQuietly(client: RpcClient, functionCallId: unknown, clock: Clock) {
  const cancel = (signal: AbortSignal) =>
    client.functionCallCancel!({ functionCallId }, { signal });
  await scopes.exit(() => withDeadline(clock, START_GRACE_MS, null, cancel)).catch(() => {});
}
