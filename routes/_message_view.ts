/**
 * Messages as clients see them.
 *
 * @module
 */
import type { MessageRecord, MessageState } from "../kv/outbox_keys.ts";
import { timeFields } from "./_times.ts";

/** @param zone null: UTC only */
export function messageView(message: MessageRecord, zone: string | null) {
  const { state } = message;
  return {
    id: message.id,
    state: state.kind,
    channel: message.channel,
    to: message.to,
    text: message.text,
    cause: message.cause,
    ...timeFields("created_at", message.createdAtMs, zone),
    ...timeFields("give_up_at", message.giveUpAtMs, zone),
    ...timeFields("due_at", state.kind === "queued" ? state.dueMs : null, zone),
    ...timeFields("ended_at", "atMs" in state ? state.atMs : null, zone),
    attempts: message.attempts,
    may_have_arrived: message.mayHaveArrived,
    resent: message.isResent,
    reason: reasonOf(message),
    answer: state.kind === "delivered" ? state.answer : null,
  };
}

function reasonOf({ state, lastCause }: MessageRecord): string | null {
  return textOf(state) ?? (state.kind === "delivered" ? null : lastCause);
}

function textOf(state: MessageState): string | null {
  if (state.kind === "dropped") return state.reason;
  return "cause" in state ? state.cause : null;
}
