/**
 * One call of the model that writes: in turn with everybody's chunks, out of the wearer's budget.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type {
  FailedOutcome,
  GenerateOutcome,
  GenerateRequest,
  ModelIdentity,
  VisionInferenceClient,
  VisionInferenceSession,
} from "./client.ts";
import type { InferenceSlots, Release } from "./slots.ts";
import { type BudgetAccount, usedUpText } from "../kv/budgets.ts";

/** A call that comes free so soon is waited for. */
const MAX_QUIET_WAIT_MS = 5_000;

/** What a call takes. */
export interface ModelLineOptions {
  readonly clock: Clock;
  readonly inference: VisionInferenceClient;
  readonly slots: InferenceSlots;
  /** The wearer's. */
  readonly account: BudgetAccount;
}

/**
 * Has the model write. Nothing of the budget is spent where there is none to be reached.
 *
 * Rejects with the signal's reason once that aborts, and with nothing else.
 */
export async function askModel<T>(
  options: ModelLineOptions,
  identity: ModelIdentity | null,
  request: GenerateRequest<T>,
  signal: AbortSignal,
): Promise<GenerateOutcome<T>> {
  const opened = await options.inference.openSession(identity, signal);
  try {
    signal.throwIfAborted();
    if (opened.kind === "disabled") return failed("There is no model that could answer");
    if (opened.kind === "unavailable") return failed(opened.reason);
    return await inTurn(options, opened.session, request, signal);
  } finally {
    if (opened.kind === "opened") opened.session.close();
  }
}

async function inTurn<T>(
  { clock, slots, account }: ModelLineOptions,
  session: VisionInferenceSession,
  request: GenerateRequest<T>,
  signal: AbortSignal,
): Promise<GenerateOutcome<T>> {
  const release = await slotIn(slots, signal);
  try {
    const refusal = await takeCall(account, signal);
    if (refusal !== null) return failed(refusal);
    const askedAtMs = clock.monotonicMs();
    const outcome = await session.generate(request, signal);
    account.spent((clock.monotonicMs() - askedAtMs) / 1000);
    signal.throwIfAborted();
    return outcome;
  } finally {
    release();
  }
}

/** Waits in the queue of all who call the model. */
async function slotIn(slots: InferenceSlots, signal: AbortSignal): Promise<Release> {
  const turn = Promise.withResolvers<Release>();
  const leave = slots.request(turn.resolve);
  return await unlessAborted(signal, turn.promise, leave);
}

/** Takes a call out of the budget; null: it was granted, else why it was not. */
async function takeCall(account: BudgetAccount, signal: AbortSignal): Promise<string | null> {
  for (;;) {
    const call = account.takeCall();
    if (call.kind === "granted") return null;
    if (call.kind === "exhausted" && call.retryAfterMs > MAX_QUIET_WAIT_MS) return usedUpText(call);
    const ready = Promise.withResolvers<void>();
    const leave = account.whenReady(ready.resolve);
    await unlessAborted(signal, ready.promise, leave);
  }
}

function failed(reason: string): FailedOutcome {
  return { kind: "failed", scope: "service", reason };
}

/** What `waiting` brings; once the signal aborts its reason, after `leave`. */
export async function unlessAborted<T>(
  signal: AbortSignal,
  waiting: Promise<T>,
  leave: () => void = () => {},
): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const giveUp = () => {
    leave();
    aborted.reject(signal.reason);
  };
  if (signal.aborted) giveUp();
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    return await Promise.race([waiting, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}
