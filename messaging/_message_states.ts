/**
 * What becomes of a message, as plain functions: from where it stands, and what happened, to where
 * it stands next.
 *
 * ```
 *            ┌──────── later, may be tried again ────────┐
 *            ▼                                           │
 *  added ▶ queued ─▶ claimed: asking ─▶ claimed: sending ─┼▶ delivered
 *                        │    ▲               │           ├▶ dead        (certainly did not arrive)
 *                        │    └─ lease over ──┘ (*)       └▶ uncertain   (may have arrived)
 *                        └▶ dropped           (*) only where a repeat does no harm; else uncertain
 * ```
 *
 * @module
 */
import { MAX_SHORT_CHARS, type MessageFacts, type MessageState } from "../kv/outbox_keys.ts";
import type { DeliveryOutcome } from "./channel.ts";

/** So often a message is sent at most. */
export const MAX_ATTEMPTS = 20;
/** Pauses between attempts: 5 s, doubling, up to a quarter of an hour. */
const FIRST_PAUSE_MS = 5_000;
/** Whoever says `later` is asked again no sooner. */
const MIN_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 15 * 60 * 1000;
/** However long a receiver asks to be left alone. */
const MAX_RETRY_AFTER_MS = 60 * 60 * 1000;
/**
 * Longer than the longest chain of channels takes (three of ten seconds each), so that a lease that
 * ran out means a process that died. Processes' clocks may differ by the rest.
 */
export const LEASE_MS = 60_000;

const DIED = "The process that sent it died before it had an answer; the message may have arrived";
const TOO_OLD = "its time was over before it could be sent";

/** What is known beside the message. */
export interface Circumstances {
  readonly nowMs: number;
  /** Whether a repeat does no harm, or less than a message that is lost. */
  readonly isRepeatable: boolean;
  /** 0 to 1. */
  readonly random: number;
}

/** Whether a message is still wanted, asked just before it is sent. */
export type Wanted =
  | { readonly kind: "yes" }
  | { readonly kind: "no"; readonly reason: string }
  | { readonly kind: "later"; readonly untilMs: number };

/** What changes of a message. */
export type Change = Pick<MessageFacts, "state"> & Partial<MessageFacts>;

/** Whether the message is in the hands of that claim. */
export function isHeldBy({ state }: MessageFacts, claimId: string): boolean {
  return state.kind === "claimed" && state.claimId === claimId;
}

/** Somebody looks at the message because it is due. Null: it is somebody else's, or over. */
export function whenDue(
  message: MessageFacts,
  claimId: string,
  { nowMs, isRepeatable }: Omit<Circumstances, "random">,
): Change | null {
  const { state } = message;
  switch (state.kind) {
    case "queued":
      return state.dueMs > nowMs ? null : claimed(message, claimId, nowMs);
    case "claimed": {
      if (state.leaseUntilMs > nowMs) return null;
      // Before the mark nothing had left: it is as if nobody had ever had it in hand.
      if (state.phase === "asking") return claimed(message, claimId, nowMs);
      const doubtful = { ...message, mayHaveArrived: true, lastCause: DIED };
      const { mayHaveArrived, lastCause } = doubtful;
      const mayRepeat = isRepeatable && message.text !== null && message.attempts < MAX_ATTEMPTS;
      const change = mayRepeat
        ? claimed(doubtful, claimId, nowMs)
        : { state: ended(doubtful, nowMs) };
      return { mayHaveArrived, lastCause, ...change };
    }
    default:
      return null;
  }
}

/** It was asked whether the message is wanted. Null: it is, and may be sent. */
export function whenAnswered(
  { giveUpAtMs }: MessageFacts,
  wanted: Wanted,
  nowMs: number,
): Change | null {
  switch (wanted.kind) {
    case "yes":
      return null;
    case "no":
      return { state: { kind: "dropped", atMs: nowMs, reason: shortened(wanted.reason) } };
    case "later": {
      // Looked at again when it is too late, so that it does not stay for ever.
      const dueMs = Math.max(nowMs + MIN_PAUSE_MS, Math.min(wanted.untilMs, giveUpAtMs));
      return { state: { kind: "queued", dueMs } };
    }
  }
}

/** It is about to leave: from here on it may have arrived. */
export function whenSent({ attempts }: MessageFacts, claimId: string, nowMs: number): Change {
  const leaseUntilMs = nowMs + LEASE_MS;
  const state = { kind: "claimed", phase: "sending", claimId, leaseUntilMs } as const;
  return { state, attempts: attempts + 1 };
}

/** The channel has said what became of it. */
export function whenTold(
  message: MessageFacts,
  outcome: DeliveryOutcome,
  { nowMs, isRepeatable, random }: Circumstances,
): Change {
  if (outcome.kind === "delivered") {
    return { state: { kind: "delivered", atMs: nowMs, answer: answerOf(message, outcome.answer) } };
  }
  const { attempts } = message;
  const lastCause = shortened(outcome.cause);
  const mayHaveArrived = message.mayHaveArrived || outcome.kind === "uncertain";
  const told = { ...message, lastCause, mayHaveArrived };
  const mayRepeat = outcome.kind === "failed" ? outcome.retryable : isRepeatable;
  const askedMs = outcome.kind === "failed" ? outcome.retryAfterMs ?? 0 : 0;
  const dueMs = nowMs + pauseMs(attempts, askedMs, random);
  const goesOn = mayRepeat && message.text !== null && attempts < MAX_ATTEMPTS &&
    dueMs < message.giveUpAtMs;
  const state = goesOn ? { kind: "queued", dueMs } as const : ended(told, nowMs);
  return { lastCause, mayHaveArrived, state };
}

/** A person asks for a message again that is over. */
export function whenResent(message: MessageFacts, nowMs: number, goodForMs: number): Change {
  const state = { kind: "queued", dueMs: nowMs } as const;
  const giveUpAtMs = Math.max(message.giveUpAtMs, nowMs + goodForMs);
  return { state, attempts: 0, giveUpAtMs, isResent: true };
}

function claimed(message: MessageFacts, claimId: string, nowMs: number): Change {
  if (nowMs >= message.giveUpAtMs) return { state: ended(message, nowMs) };
  const leaseUntilMs = nowMs + LEASE_MS;
  return { state: { kind: "claimed", phase: "asking", claimId, leaseUntilMs } };
}

/** Nothing more is tried. */
function ended(
  { attempts, mayHaveArrived, lastCause }: MessageFacts,
  atMs: number,
): MessageState {
  const cause = lastCause ?? TOO_OLD;
  if (mayHaveArrived) return { kind: "uncertain", atMs, cause };
  return attempts === 0 ? { kind: "dropped", atMs, reason: cause } : { kind: "dead", atMs, cause };
}

/**
 * Half of the pause is by chance, so that what failed together does not come back together.
 *
 * @param askedMs how long the receiver asks to be left alone
 */
function pauseMs(attempts: number, askedMs: number, random: number): number {
  const longestMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempts - 1));
  const ownMs = longestMs * (0.5 + random / 2);
  const spreadMs = ownMs - longestMs / 2;
  return Math.ceil(Math.max(ownMs, Math.min(askedMs, MAX_RETRY_AFTER_MS) + spreadMs));
}

/** Of a text that is not kept the receiver's answer is not kept either: it may repeat it. */
function answerOf({ text }: MessageFacts, answer: unknown): string | null {
  if (text === null || answer === null || answer === undefined) return null;
  return shortened(JSON.stringify(answer));
}

/** The text, or its beginning. */
export function shortened(text: string): string {
  if (text.length <= MAX_SHORT_CHARS) return text;
  return `${text.slice(0, MAX_SHORT_CHARS - 1).toWellFormed()}…`;
}
