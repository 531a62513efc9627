/**
 * One call of a method, from being accepted to its output.
 *
 * @module
 */
import type { Cancel, Clock } from "../../clock.ts";
import { RESULT_STATUS } from "../../inference/modal_messages.ts";
import type { Deployment } from "./_deployments.ts";
import { newId } from "./_ids.ts";
import type { LocalMethod } from "./classes.ts";

/** How a run ended. */
export type RunOutput =
  /** `data` is CBOR. */
  | { readonly kind: "success"; readonly data: Uint8Array }
  | { readonly kind: "failure"; readonly exception: string }
  | { readonly kind: "timeout"; readonly exception: string }
  | { readonly kind: "internalFailure"; readonly exception: string };

/** Where a call stands. */
export type CallState =
  | { readonly kind: "queued"; readonly leaveQueue: Cancel }
  | { readonly kind: "running"; readonly abort: AbortController }
  | { readonly kind: "finished"; readonly output: RunOutput; readonly dataBlobId: string | null }
  | { readonly kind: "cancelled" };

/** What a call is about. */
export interface CallRequest {
  readonly deployment: Deployment;
  readonly methodName: string;
  readonly method: LocalMethod;
  readonly tokenId: string;
}

/** One call. Its state is moved by `Calls` alone. */
export class Call {
  readonly id = newId("fc");
  readonly inputId = newId("in");
  readonly taskId = newId("ta");
  readonly request: CallRequest;
  #payload: Uint8Array | null;
  #state: CallState = { kind: "queued", leaveQueue: () => {} };
  readonly #settledListeners = new Set<() => void>();

  /** @param payload CBOR of `[args, kwargs]` */
  constructor(request: CallRequest, payload: Uint8Array) {
    this.request = request;
    this.#payload = payload;
  }

  /** CBOR of `[args, kwargs]`; null once the call needs no other run. */
  get payload(): Uint8Array | null {
    return this.#payload;
  }

  get state(): CallState {
    return this.#state;
  }

  /** Whether there is an output to be had. */
  get isSettled(): boolean {
    return this.#state.kind === "finished" || this.#state.kind === "cancelled";
  }

  /** Enters a state; who waits for the output is told. */
  move(state: CallState): void {
    this.#state = state;
    if (!this.isSettled) return;
    if (!mayRunAgain(state)) this.#payload = null;
    for (const tell of [...this.#settledListeners]) tell();
  }

  /** Resolves when the call has settled, `timeoutMs` have passed, or `signal` is aborted. */
  settled(timeoutMs: number, signal: AbortSignal, clock: Clock): Promise<void> {
    return new Promise((resolve) => {
      if (this.isSettled || signal.aborted) return resolve();
      const done = () => {
        cancelTimer();
        this.#settledListeners.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const cancelTimer = clock.after(timeoutMs, done);
      this.#settledListeners.add(done);
      signal.addEventListener("abort", done);
    });
  }

  /** `GenericResult` of a settled call; null of one that has not settled. */
  result(): Record<string, unknown> | null {
    const state = this.#state;
    switch (state.kind) {
      case "queued":
      case "running":
        return null;
      case "cancelled":
        return { status: RESULT_STATUS.terminated, exception: "Input was cancelled by user" };
      case "finished":
        return resultOf(state.output, state.dataBlobId);
    }
  }
}

/** Modal's clients ask for another run after an internal failure alone. */
function mayRunAgain(state: CallState): boolean {
  return state.kind === "finished" && state.output.kind === "internalFailure";
}

function resultOf(output: RunOutput, dataBlobId: string | null): Record<string, unknown> {
  const status = RESULT_STATUS[output.kind];
  if (output.kind !== "success") return { status, exception: output.exception };
  return dataBlobId === null ? { status, data: output.data } : { status, dataBlobId };
}
