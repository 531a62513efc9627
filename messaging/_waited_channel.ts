/**
 * The outbox for somebody who waits for the outcome: a row is written before the message leaves, and
 * its outcome when it is known. It is tried once: who waited was told, and decides.
 *
 * The row keeps neither text nor key. The key may be the caller's own, and secrets are not in KV
 * (SPEC A4), so nobody else could ever send the message again; and then there is nothing to keep its
 * text for.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { Counters } from "../counters.ts";
import type { MessageFacts } from "../kv/outbox_keys.ts";
import type { OutboxStore } from "../kv/outbox_store.ts";
import { type Logger, reasonOf } from "../log.ts";
import { conclude } from "./_conclude.ts";
import { messageIdOf } from "./_message_id.ts";
import { LEASE_MS } from "./_message_states.ts";
import type { DeliveryOutcome, KeyedChannel } from "./channel.ts";
import type { WaitedChannel } from "./send_once.ts";

/** Who waits for an outcome does not wait longer than that for its being written down. */
const MAX_BOOKING_MS = 1_000;

const TOLD = "What was wrong was told to who waited for it";

/** What a waited channel needs. */
export interface WaitedChannelOptions {
  readonly kv: Deno.Kv;
  readonly store: OutboxStore;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly random: () => number;
  readonly counters: Counters;
  readonly log: Logger;
  /** The channel's name. */
  readonly name: string;
  readonly channel: KeyedChannel;
  /** Hears of work that goes on when the caller has its answer. */
  readonly goesOn: (work: Promise<void>) => void;
}

/** Puts the channel behind the outbox. */
export function createWaitedChannel(options: WaitedChannelOptions): WaitedChannel {
  const { kv, store, newId, channel, clock, goesOn } = options;
  return {
    async deliver({ wearer, text }, credentials) {
      const claimId = newId();
      const message = messageOf(options, wearer, claimId);
      const commit = kv.atomic();
      store.add(commit, message);
      try {
        await commit.commit();
      } catch (error) {
        return { kind: "unavailable", reason: reasonOf(error) };
      }
      const outcome = await channel.deliver({ text }, credentials);
      const record = { ...message, version: 1, expiresAtMs: null } as const;
      const conclusion = { record, claimId, outcome: hushed(outcome), isRepeatable: false };
      const booked = conclude(options, conclusion).catch(() => {});
      goesOn(booked);
      await atMost(clock, MAX_BOOKING_MS, booked);
      return outcome;
    },
  };
}

/** Born in the hands of its sender, and about to leave. */
function messageOf(
  { clock, newId, name }: WaitedChannelOptions,
  wearer: string,
  claimId: string,
): MessageFacts {
  const nowMs = clock.epochMs();
  const leaseUntilMs = nowMs + LEASE_MS;
  return {
    id: messageIdOf(nowMs, newId()),
    wearer,
    channel: name,
    to: null,
    text: null,
    cause: { kind: "poke_send", id: null },
    createdAtMs: nowMs,
    giveUpAtMs: leaseUntilMs,
    isAtLeastOnce: false,
    foldHash: null,
    isResent: false,
    attempts: 1,
    mayHaveArrived: false,
    lastCause: null,
    state: { kind: "claimed", phase: "sending", claimId, leaseUntilMs },
  };
}

/** What receivers say may repeat the text, which is not kept. */
function hushed(outcome: DeliveryOutcome): DeliveryOutcome {
  return outcome.kind === "delivered" ? outcome : { ...outcome, cause: TOLD };
}

async function atMost(clock: Clock, limitMs: number, work: Promise<void>): Promise<void> {
  const { promise: limit, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(limitMs, resolve);
  await Promise.race([work, limit]);
  cancel();
}
