/**
 * All calls of one stand-in: accepting, running, cancelling and forgetting them.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import type { BlobStore } from "./_blobs.ts";
import { Call, type CallRequest, type RunOutput } from "./_call.ts";
import { GRPC_STATUS, GrpcStatusError } from "./_grpc_status.ts";
import { type RunContext, runMethod } from "./_run.ts";
import type { SeenLog } from "./_seen.ts";

/** Outputs can be asked for again until so many later calls have come. */
const MAX_KEPT_CALLS = 256;

/** What calls need around them. */
export interface CallsOptions {
  readonly clock: Clock;
  readonly blobs: BlobStore;
  readonly seen: SeenLog;
  /** Results larger than this go as a blob. */
  readonly maxObjectSizeBytes: number;
  readonly takeFault: RunContext["takeFault"];
}

/** The calls, by id. */
export class Calls {
  readonly #byId = new Map<string, Call>();
  readonly #options: CallsOptions;
  readonly #runContext: RunContext;

  constructor(options: CallsOptions) {
    this.#options = options;
    const { clock, seen, takeFault } = options;
    this.#runContext = { clock, takeFault, called: (call) => seen.runCalled(call) };
  }

  /**
   * Accepts a call; it runs when its turn comes.
   *
   * @param payload CBOR of `[args, kwargs]`
   */
  start(request: CallRequest, payload: Uint8Array): Call {
    const call = new Call(request, payload);
    this.#byId.set(call.id, call);
    this.#forgetOldest();
    this.#enqueue(call);
    return call;
  }

  /** Runs a call once more that ended with an internal failure; any other stays as it is. */
  rerun(call: Call): void {
    if (call.isSettled && call.payload) this.#enqueue(call);
  }

  /**
   * A new call with the input of one that ended with an internal failure.
   *
   * @throws {GrpcStatusError} failed precondition after any other end
   */
  startAgain(call: Call): Call {
    if (call.payload) return this.start(call.request, call.payload);
    const text = "Cannot retry a call that did not end with an internal failure";
    throw new GrpcStatusError(GRPC_STATUS.failedPrecondition, text);
  }

  /**
   * The call of that id.
   *
   * @throws {GrpcStatusError} not found
   */
  get(callId: string): Call {
    const call = this.#byId.get(callId);
    if (call) return call;
    throw new GrpcStatusError(GRPC_STATUS.notFound, `Function call ${callId} not found`);
  }

  /** Ends a call that waits or runs. One that has settled stays as it is. */
  cancel(call: Call): void {
    const state = call.state;
    switch (state.kind) {
      case "queued":
        state.leaveQueue();
        break;
      case "running":
        break;
      case "finished":
      case "cancelled":
        return;
    }
    this.#options.seen.cancelledCalls++;
    call.move({ kind: "cancelled" });
    if (state.kind === "running") state.abort.abort();
  }

  /** Ends every call. */
  close(): void {
    for (const call of this.#byId.values()) this.cancel(call);
    this.#byId.clear();
  }

  #enqueue(call: Call): void {
    // A free container takes the job at once, from inside `enqueue`: the state must be set before.
    let leaveQueue = () => {};
    call.move({ kind: "queued", leaveQueue: () => leaveQueue() });
    leaveQueue = call.request.deployment.containers.enqueue(() => this.#run(call));
  }

  async #run(call: Call): Promise<void> {
    const { clock, seen } = this.#options;
    const { timeoutMs } = call.request.deployment;
    const abort = new AbortController();
    call.move({ kind: "running", abort });
    seen.runBegan();
    const stopTimer = clock.after(timeoutMs, () => abort.abort());
    const output = await Promise.race([
      // First, so that it wins over a method that throws because of the same signal.
      timedOut(abort.signal, call, timeoutMs),
      runMethod(call, this.#runContext, abort.signal),
    ]);
    stopTimer();
    seen.runEnded();
    // A cancelled call has left this run behind.
    if (call.state.kind === "running" && call.state.abort === abort) this.#finish(call, output);
  }

  #finish(call: Call, output: RunOutput): void {
    const isLarge = output.kind === "success" &&
      output.data.byteLength > this.#options.maxObjectSizeBytes;
    const dataBlobId = isLarge ? this.#options.blobs.put(output.data) : null;
    call.move({ kind: "finished", output, dataBlobId });
  }

  #forgetOldest(): void {
    if (this.#byId.size <= MAX_KEPT_CALLS) return;
    for (const [callId, call] of this.#byId) {
      if (!call.isSettled) continue;
      this.#byId.delete(callId);
      return;
    }
  }
}

/** Modal's text for a run whose time is up. Never resolves for a run that ends in time. */
function timedOut(signal: AbortSignal, call: Call, timeoutMs: number): Promise<RunOutput> {
  const exception = `Task's current input ${call.inputId} hit its timeout of ${timeoutMs / 1000}s`;
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve({ kind: "timeout", exception }), { once: true });
  });
}
