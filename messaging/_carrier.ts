/**
 * Takes one message in hand, asks whether it is wanted, sends it and writes down what became of it.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { Counters } from "../counters.ts";
import type { MessageFacts, MessageRecord } from "../kv/outbox_keys.ts";
import type { DueMessage, OutboxStore } from "../kv/outbox_store.ts";
import type { RateLimiter } from "../kv/rate_limits.ts";
import type { Logger } from "../log.ts";
import { conclude, logEnd } from "./_conclude.ts";
import {
  type Change,
  isHeldBy,
  type Wanted,
  whenAnswered,
  whenDue,
  whenSent,
} from "./_message_states.ts";
import type { Channel, DeliveryOutcome } from "./channel.ts";
import type { Channels } from "./channels.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Longer than a chain of channels takes, and shorter than a lease. */
const DELIVERY_TIMEOUT_MS = 45_000;
/** What could not be asked is asked again. */
const ASK_AGAIN_MS = 60_000;

/** What a {@link Carrier} needs. */
export interface CarrierOptions {
  readonly store: OutboxStore;
  readonly clock: Clock;
  readonly channels: Channels;
  readonly rateLimiter: RateLimiter;
  readonly perDay: number;
  readonly wanted: (message: MessageRecord) => Promise<Wanted>;
  readonly newId: () => string;
  readonly random: () => number;
  readonly counters: Counters;
  readonly log: Logger;
}

/** Carries messages, each on its own. */
export class Carrier {
  readonly #options: CarrierOptions;

  constructor(options: CarrierOptions) {
    this.#options = options;
  }

  /** Does with the message what is to be done now, if nobody else does. Rejects with KV's error. */
  async carry(wearer: string, due: DueMessage): Promise<void> {
    const { store, clock, newId, log } = this.#options;
    const claimId = newId();
    const taken = await store.change(wearer, due.id, (message) => {
      // Ours, where an earlier try was written although its commit threw.
      if (isHeldBy(message, claimId)) return null;
      const isRepeatable = this.#isRepeatable(message);
      return whenDue(message, claimId, { nowMs: clock.epochMs(), isRepeatable });
    });
    if (!taken) return await store.mend(wearer, due);
    const { record, changed } = taken;
    if (!isHeldBy(record, claimId)) {
      if (changed) logEnd(log, record);
      else await store.mend(wearer, due);
      return;
    }
    const answer = await this.#ask(record);
    const change = whenAnswered(record, answer, clock.epochMs());
    if (change) return await this.#letGo(record, claimId, change);
    await this.#send(record, claimId);
  }

  async #send({ wearer, id }: MessageRecord, claimId: string): Promise<void> {
    const { store, clock } = this.#options;
    const marked = await store.change(wearer, id, (message) => {
      const { state } = message;
      const isOurs = isHeldBy(message, claimId) && state.kind === "claimed" &&
        state.phase === "asking";
      return isOurs ? whenSent(message, claimId, clock.epochMs()) : null;
    });
    // Somebody else took it for ours took too long, or it was erased.
    if (!marked?.changed) return;
    const outcome = await this.#deliver(marked.record);
    const isRepeatable = this.#isRepeatable(marked.record);
    await conclude(this.#options, { record: marked.record, claimId, outcome, isRepeatable });
  }

  async #deliver({ id, wearer, channel: name, text, to, createdAtMs }: MessageRecord) {
    const channel = this.#options.channels.named(name);
    if (!channel) return failed(`There is no channel ${name}`);
    if (text === null) return failed("The text was not kept");
    const message = { id, wearer, text, to, createdAtMs };
    return await this.#inTime(channel.deliver(message));
  }

  /** A channel has a time-out of its own; this is for one that breaks its word. */
  async #inTime(delivery: ReturnType<Channel["deliver"]>): Promise<DeliveryOutcome> {
    const { promise: late, resolve } = Promise.withResolvers<DeliveryOutcome>();
    const cause = "The channel did not answer; the message may have arrived";
    const lost = { kind: "uncertain", cause } as const;
    const cancel = this.#options.clock.after(DELIVERY_TIMEOUT_MS, () => resolve(lost));
    const outcome = await Promise.race([delivery.catch(() => lost), late]);
    cancel();
    return outcome;
  }

  /** Whether it shall leave now. */
  async #ask(record: MessageRecord): Promise<Wanted> {
    const { store, clock, log, wanted } = this.#options;
    const { wearer, id, foldHash } = record;
    if (!record.isResent) {
      const newest = foldHash === null ? null : await store.newestOf(wearer, foldHash);
      if (newest !== null && newest > id) {
        return { kind: "no", reason: "a newer message of its kind took its place" };
      }
      try {
        const answer = await wanted(record);
        if (answer.kind !== "yes") return answer;
      } catch (error) {
        // Whatever it says may be about the message: its kind alone is told.
        const kind = error instanceof Error ? error.name : typeof error;
        log.error("outbox.not_asked", { id, kind });
        return { kind: "later", untilMs: clock.epochMs() + ASK_AGAIN_MS };
      }
    }
    return record.attempts === 0 ? await this.#count(record) : { kind: "yes" };
  }

  /** The first attempt of a message uses up a pass of its wearer's day. */
  async #count({ wearer }: MessageRecord): Promise<Wanted> {
    const { rateLimiter, perDay, clock } = this.#options;
    const request = { wearer, scope: "outbox", identity: "", limit: perDay } as const;
    const taken = await rateLimiter.take({ ...request, windowMs: DAY_MS });
    switch (taken.kind) {
      case "allowed":
        return { kind: "yes" };
      case "limited":
        return { kind: "no", reason: `there were ${perDay} messages in the last 24 hours already` };
      case "unavailable":
        return { kind: "later", untilMs: clock.epochMs() + ASK_AGAIN_MS };
    }
  }

  async #letGo({ wearer, id }: MessageRecord, claimId: string, change: Change): Promise<void> {
    const letGo = await this.#options.store.change(
      wearer,
      id,
      (message) => isHeldBy(message, claimId) ? change : null,
    );
    if (letGo?.changed) logEnd(this.#options.log, letGo.record);
  }

  #isRepeatable({ channel, isAtLeastOnce }: MessageFacts): boolean {
    return isAtLeastOnce || (this.#options.channels.named(channel)?.isIdempotent ?? false);
  }
}

function failed(cause: string) {
  return { kind: "failed", cause, retryable: false } as const;
}
