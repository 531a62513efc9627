/**
 * Failures on request. Each request names what shall go wrong and how often; what was asked for
 * first happens first.
 *
 * @module
 */
import type { ModalMethod } from "../../inference/modal_messages.ts";

/** What may go wrong with a run of a method. */
export type CallFault =
  /** The method raises; `exception` is its Python `repr`. */
  | { readonly kind: "error"; readonly exception: string }
  /** The run's time is up. */
  | { readonly kind: "timeout" }
  /** The container dies; Modal's clients ask for the call to be run again. */
  | { readonly kind: "internalFailure" }
  /** The run begins late, by that many milliseconds. */
  | { readonly kind: "delay"; readonly delayMs: number }
  /** The run never ends unless it is cancelled or its time is up. */
  | { readonly kind: "hang" };

/** What may go wrong with an RPC. */
export type RpcFault =
  /** Ends with this gRPC status instead of being handled. */
  | { readonly kind: "status"; readonly code: number; readonly message?: string }
  /** Is handled, but the answer is lost: the client sees UNAVAILABLE. */
  | { readonly kind: "answerLost" }
  /** Is handled late, by that many milliseconds. */
  | { readonly kind: "delay"; readonly delayMs: number }
  /** Is never answered; the client must give up by itself. */
  | { readonly kind: "hang" }
  /** Is answered with bytes that are no gRPC message. */
  | { readonly kind: "garbage" };

/** How a test makes the stand-in misbehave. */
export interface Faults {
  /** The next `times` runs (default 1), of any class's method of that name where one is given. */
  calls(fault: CallFault, options?: { times?: number; method?: string }): void;
  /** The next `times` requests (default 1) of one RPC. */
  rpcs(rpc: ModalMethod, fault: RpcFault, options?: { times?: number }): void;
  /** While refused, `AuthTokenGet` ends as UNAUTHENTICATED. JWTs issued before stay good. */
  refuseLogins(refused: boolean): void;
  /** Makes every JWT issued so far invalid; a new login is good again. */
  revokeLogins(): void;
  /** Forgets what was asked for and has not happened yet; logins are accepted again. */
  clear(): void;
}

interface Planned<Fault> {
  readonly fault: Fault;
  readonly target: string | null;
  timesLeft: number;
}

/** Faults of one sort that are still to happen. */
export class FaultPlan<Fault> {
  #planned: Planned<Fault>[] = [];

  /** @param target whom it shall hit; null for anyone */
  add(fault: Fault, target: string | null, times: number): void {
    this.#planned.push({ fault, target, timesLeft: times });
  }

  /** The fault that hits `target` this time. */
  take(target: string): Fault | null {
    const next = this.#planned.find((p) => p.target === null || p.target === target);
    if (!next) return null;
    next.timesLeft--;
    if (next.timesLeft <= 0) this.#planned = this.#planned.filter((p) => p !== next);
    return next.fault;
  }

  /** Forgets all of them. */
  clear(): void {
    this.#planned = [];
  }
}
