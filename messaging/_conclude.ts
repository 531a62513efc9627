/**
 * Writing down what became of a message that has left.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { Counters } from "../counters.ts";
import type { MessageFacts, MessageRecord, MessageState } from "../kv/outbox_keys.ts";
import type { OutboxStore } from "../kv/outbox_store.ts";
import { type Logger, reasonOf } from "../log.ts";
import { isHeldBy, LEASE_MS, whenTold } from "./_message_states.ts";
import type { DeliveryOutcome } from "./channel.ts";

/** Pauses between tries: a message that arrived must not be taken for one that may have. */
const FIRST_PAUSE_MS = 250;

/** What it needs. */
export interface ConcludeOptions {
  readonly store: OutboxStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly counters: Counters;
  readonly log: Logger;
}

/** Who sent what, and what came of it. */
export interface Conclusion {
  readonly record: MessageRecord;
  readonly claimId: string;
  readonly outcome: DeliveryOutcome;
  readonly isRepeatable: boolean;
}

/**
 * Writes it down, again and again while KV is away and the lease lasts. Rejects with KV's last error;
 * the message then is uncertain, or is repeated where that does no harm.
 */
export async function conclude(
  { store, clock, random, counters, log }: ConcludeOptions,
  { record: { wearer, id }, claimId, outcome, isRepeatable }: Conclusion,
): Promise<void> {
  const endsAtMs = clock.monotonicMs() + LEASE_MS / 2;
  for (let pauseMs = FIRST_PAUSE_MS;; pauseMs *= 2) {
    try {
      const told = await store.change(wearer, id, (message) => {
        if (!isHeldBy(message, claimId)) return null;
        return whenTold(message, outcome, {
          nowMs: clock.epochMs(),
          isRepeatable,
          random: random(),
        });
      });
      if (told?.changed) logEnd(log, told.record);
      return;
    } catch (error) {
      counters.kvFailures++;
      log.error("kv.outbox_failed", { reason: reasonOf(error) });
      if (clock.monotonicMs() + pauseMs >= endsAtMs) throw error;
      await new Promise<void>((resolve) => void clock.after(pauseMs, resolve));
    }
  }
}

const QUIET: readonly MessageState["kind"][] = ["queued", "claimed"];

/** What became of a message; texts, and what receivers say of them, are not for the log. */
export function logEnd(log: Logger, { id, channel, attempts, state }: MessageFacts): void {
  if (QUIET.includes(state.kind)) return log.debug("outbox.put_off", { id, channel, attempts });
  const level = state.kind === "dead" || state.kind === "uncertain" ? "warn" : "info";
  log[level](`outbox.${state.kind}`, { id, channel, attempts });
}
