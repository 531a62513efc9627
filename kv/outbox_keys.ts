/**
 * The part of the data model (`keys.ts`) that is on its way out: messages, when somebody must look
 * at them next, and for whom any wait at all.
 *
 * @module
 */
import { type Stored, wearerPrefix } from "./keys.ts";

/** Text limits, in UTF-16 units. */
export const MAX_MESSAGE_CHARS = 4_000;
export const MAX_TO_CHARS = 2_048;
export const MAX_SHORT_CHARS = 500;

/** Why there is a message: what asked for it, and which one of these. */
export interface MessageCause {
  /** `rule`, `poke_send` ... */
  readonly kind: string;
  readonly id: string | null;
}

/** A message that somebody has in hand. Its lease is by wall clock. */
export interface ClaimedState {
  readonly kind: "claimed";
  /** Who: a random id, new with each claim. */
  readonly claimId: string;
  /** From this moment whoever had it is taken to be dead. */
  readonly leaseUntilMs: number;
  /** `asking`: nothing has left. `sending`: from here on it may have arrived. */
  readonly phase: "asking" | "sending";
}

/** Where a message stands. */
export type MessageState =
  | { readonly kind: "queued"; readonly dueMs: number }
  | ClaimedState
  | {
    readonly kind: "delivered";
    readonly atMs: number;
    /** The beginning of what the receiver said; null: nothing, or it is not kept. */
    readonly answer: string | null;
  }
  /** Certainly did not arrive, and is not tried again. */
  | { readonly kind: "dead"; readonly atMs: number; readonly cause: string }
  /** May have arrived, and is not tried again. */
  | { readonly kind: "uncertain"; readonly atMs: number; readonly cause: string }
  /** Was not wanted any more when its time came. */
  | { readonly kind: "dropped"; readonly atMs: number; readonly reason: string };

/** What {@link MessageState} may be. */
export const MESSAGE_STATES = [
  "queued",
  "claimed",
  "delivered",
  "dead",
  "uncertain",
  "dropped",
] as const satisfies readonly MessageState["kind"][];

/** One message. */
export interface MessageFacts {
  /** Sorts by `createdAtMs`; the receiver gets it as the idempotency key. */
  readonly id: string;
  readonly wearer: string;
  /** Name of the way out. */
  readonly channel: string;
  /** Where the channel leads, if that is not clear from the channel: an address. No secret. */
  readonly to: string | null;
  /** Null: not kept, as whoever sent it waited for the outcome. Nobody can send it again. */
  readonly text: string | null;
  readonly cause: MessageCause;
  readonly createdAtMs: number;
  /** After that it is not sent any more. */
  readonly giveUpAtMs: number;
  /** Rather twice than not at all. */
  readonly isAtLeastOnce: boolean;
  /** SHA-256 of what it is one of; of these only the newest is sent. Null: it is one of its own. */
  readonly foldHash: string | null;
  /** Whether a person asked for it again by hand. */
  readonly isResent: boolean;
  /** How often it was sent, since it came to be or was asked for again. */
  readonly attempts: number;
  /** Whether one of these attempts may have arrived. */
  readonly mayHaveArrived: boolean;
  /** What went wrong the last time; null: nothing did yet. */
  readonly lastCause: string | null;
  readonly state: MessageState;
}

/** One message, as stored. */
export type MessageRecord = MessageFacts & Stored;

/** The newest message of its fold. */
export interface MessageFoldRecord extends Stored {
  readonly messageId: string;
}

/** Holds a {@link MessageRecord}. */
export function messageKey(wearer: string, messageId: string): Deno.KvKey {
  return [...messagePrefix(wearer), messageId];
}

/** All messages of a wearer, in the order in which they came to be. */
export function messagePrefix(wearer: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "message"];
}

/** Says (by a {@link Stored}) when the message must be looked at: it is due, or its lease is over. */
export function messageDueKey(wearer: string, dueMs: number, messageId: string): Deno.KvKey {
  return [...messageDuePrefix(wearer), dueMs, messageId];
}

/** All messages of a wearer that are not over, in the order in which they must be looked at. */
export function messageDuePrefix(wearer: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "message_due"];
}

/** Holds a {@link MessageFoldRecord}. */
export function messageFoldKey(wearer: string, foldHash: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "message_fold", foldHash];
}

/**
 * Says (by a {@link Stored}) that messages of the wearer may wait: so that looking for what was left
 * behind need not walk over all wearers.
 *
 * The only key that is not under its wearer's prefix. It names the wearer and says nothing else; who
 * erases a wearer deletes it too, and where that is forgotten the next look does.
 */
export function outboxKey(wearer: string): Deno.KvKey {
  return [...outboxPrefix(), wearer];
}

/** All wearers for whom messages may wait. */
export function outboxPrefix(): Deno.KvKey {
  return ["outbox"];
}
