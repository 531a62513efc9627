/**
 * One send on behalf of a caller who waits: rationed, and at most once for an `Idempotency-Key`
 * (WIRE P5).
 *
 * @module
 */
import type { Claim, IdempotencyStore, KeptAnswer } from "../kv/idempotency.ts";
import type { RateLimiter } from "../kv/rate_limits.ts";
import { reasonOf } from "../log.ts";
import type { DeliveryOutcome } from "./channel.ts";

const WINDOW_MS = 60 * 60 * 1000;
/** Longer than the channel's own time-out, so that a lease that ran out means a process that died. */
const LEASE_MS = 20_000;

/** One way out for somebody who waits for the outcome. */
export interface WaitedChannel {
  /** Resolves always. `unavailable`: nothing was sent, as KV does not take what is sent. */
  deliver(
    message: { readonly wearer: string; readonly text: string },
    credentials: { readonly key: string },
  ): Promise<DeliveryOutcome | { readonly kind: "unavailable"; readonly reason: string }>;
}

/** What a sender is made of. */
export interface SenderDeps {
  readonly channel: WaitedChannel;
  readonly rateLimiter: RateLimiter;
  readonly idempotency: IdempotencyStore;
  /** Sends per hour for one wearer and key; 0: no limit. */
  readonly sendsPerHour: number;
  /** Hears that KV did not take an answer which the caller got all the same. */
  readonly answerNotKept: (reason: string) => void;
  /** How an outcome is told to the caller, who gets the same again when repeating the request. */
  readonly answerTo: (
    outcome: DeliveryOutcome,
  ) => { readonly status: number; readonly body: string };
}

/** One request to send. */
export interface SendRequest {
  readonly wearer: string;
  readonly text: string;
  /** The channel's key: says who receives. */
  readonly key: string;
  /** The client's `Idempotency-Key`; null: send in any case. */
  readonly idempotencyKey: string | null;
}

/** What became of the request. */
export type SendOutcome =
  | ({ readonly kind: "answered"; readonly isReplay: boolean } & KeptAnswer)
  | { readonly kind: "limited"; readonly retryAfterMs: number }
  /** The same request is being sent right now. */
  | { readonly kind: "in_flight" }
  /** The key was used for another message. */
  | { readonly kind: "conflict" }
  /** An earlier attempt may have arrived; it is not repeated. */
  | { readonly kind: "unknown" }
  /** KV cannot say whether sending is allowed. Nothing was sent. */
  | { readonly kind: "unavailable"; readonly reason: string };

/** Sends, or says why not. Resolves always. */
export async function sendOnce(deps: SenderDeps, request: SendRequest): Promise<SendOutcome> {
  const { wearer, text, key, idempotencyKey } = request;
  if (idempotencyKey === null) return await send(deps, request, null);
  try {
    const claimed = await deps.idempotency.claim({
      wearer,
      key: idempotencyKey,
      body: JSON.stringify([text, key]),
      leaseMs: LEASE_MS,
      waitMs: LEASE_MS,
    });
    if (claimed.kind === "claimed") return await send(deps, request, claimed.claim);
    if (claimed.kind !== "replay") return claimed;
    return { kind: "answered", isReplay: true, status: claimed.status, body: claimed.body };
  } catch (error) {
    return { kind: "unavailable", reason: reasonOf(error) };
  }
}

async function send(
  deps: SenderDeps,
  { wearer, text, key }: SendRequest,
  claim: Claim | null,
): Promise<SendOutcome> {
  const taken = await deps.rateLimiter.take({
    wearer,
    scope: "poke",
    identity: key,
    limit: deps.sendsPerHour,
    windowMs: WINDOW_MS,
  });
  if (taken.kind !== "allowed") {
    if (claim) await deps.idempotency.release(claim);
    return taken;
  }
  const outcome = await deps.channel.deliver({ wearer, text }, { key });
  if (outcome.kind === "unavailable") {
    if (claim) await deps.idempotency.release(claim);
    return outcome;
  }
  const answer = deps.answerTo(outcome);
  if (claim) await conclude(deps, claim, outcome, answer);
  return { kind: "answered", isReplay: false, ...answer };
}

/**
 * What certainly did not arrive may be tried again under the same key; anything else may not.
 *
 * The answer is the caller's even if KV does not take it: the claim then lapses into "unknown",
 * which never sends again.
 */
async function conclude(
  { idempotency, answerNotKept }: SenderDeps,
  claim: Claim,
  outcome: DeliveryOutcome,
  answer: { readonly status: number; readonly body: string },
): Promise<void> {
  const concluded = outcome.kind === "failed"
    ? idempotency.release(claim)
    : idempotency.finish(claim, answer);
  await concluded.catch((error) => answerNotKept(reasonOf(error)));
}
