/**
 * The outbox: the only way anything leaves.
 *
 * A message comes into KV in the commit of its cause, so neither is there without the other. Then
 * whoever is there sends it: this process at once, and any process that finds it left behind.
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";
import type { Counters } from "../counters.ts";
import {
  MAX_MESSAGE_CHARS,
  MAX_TO_CHARS,
  type MessageCause,
  messageKey,
  type MessageRecord,
} from "../kv/outbox_keys.ts";
import { OutboxStore } from "../kv/outbox_store.ts";
import type { RateLimiter } from "../kv/rate_limits.ts";
import { type Logger, reasonOf } from "../log.ts";
import { messageIdOf, sha256Of } from "./_message_id.ts";
import { type Wanted, whenResent } from "./_message_states.ts";
import { Carrier } from "./_carrier.ts";
import { Drain } from "./_drain.ts";
import { createWaitedChannel } from "./_waited_channel.ts";
import type { Channels } from "./channels.ts";
import type { KeyedChannel } from "./channel.ts";
import type { WaitedChannel } from "./send_once.ts";

export type { Wanted };

/** How often each process looks for what others have left behind. */
export const SWEEP_MS = 60_000;
/** A message that says nothing else is given up after a day. */
export const DEFAULT_GOOD_FOR_MS = 24 * 60 * 60 * 1000;

/** A message to be sent. */
export interface NewMessage {
  readonly wearer: string;
  /** One of {@link Channels}: `poke`, `webhook,poke`. */
  readonly channel: string;
  readonly to?: string | null;
  readonly text: string;
  readonly cause: MessageCause;
  /** When its cause was: with `name` it says which message this is. */
  readonly atMs: number;
  /**
   * Names the message among those of the wearer: a commit that is tried again must name the same
   * again, or the message is sent twice.
   */
  readonly name: string;
  /** Given up after so long. Default {@link DEFAULT_GOOD_FOR_MS}. */
  readonly goodForMs?: number;
  /** Rather twice than not at all. Default false. */
  readonly isAtLeastOnce?: boolean;
  /** Of the messages with one fold key that wait only the newest is sent. */
  readonly foldKey?: string | null;
}

/** What became of asking for a message again. */
export type ResendOutcome =
  | { readonly kind: "unknown" }
  | {
    /**
     * `queued`: it is sent. `not_over`: it is not over, was delivered, or was not wanted.
     * `may_have_arrived`: and that was not said to be all right. `not_kept`: its text was not.
     */
    readonly kind: "queued" | "not_over" | "may_have_arrived" | "not_kept";
    readonly message: MessageRecord;
  };

/** What an {@link Outbox} is made of. */
export interface OutboxOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  readonly channels: Channels;
  readonly rateLimiter: RateLimiter;
  /** Messages of a wearer in any 24 hours; 0: no limit. Those that somebody waits for do not count. */
  readonly perDay: number;
  readonly retentionDays: number;
  /** Asked just before a message is sent. What it rejects with puts the message off. */
  readonly wanted: (message: MessageRecord) => Promise<Wanted>;
  readonly newId: () => string;
  /** 0 to 1, for the pauses between attempts. */
  readonly random: () => number;
  readonly counters: Counters;
  readonly log: Logger;
}

/** The outbox of this process. */
export class Outbox {
  /** For reading. */
  readonly store: OutboxStore;
  readonly #options: OutboxOptions;
  readonly #drain: Drain;
  #cancelSweep: Cancel = () => {};

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.store = new OutboxStore(options);
    const carrier = new Carrier({ ...options, store: this.store });
    this.#drain = new Drain({ ...options, store: this.store, carrier });
  }

  /**
   * Adds the message to a commit that writes its cause. No checks are added to it. Where a message of
   * that name is there already, nothing is: the commit had gone through before.
   *
   * When the commit has gone through, {@link wake} sends the message at once.
   *
   * @returns the message's id
   * @throws {RangeError} if the text is empty, it or the address is too long, or the time is none
   * @throws KV's own error
   */
  async enqueue(commit: Deno.AtomicOperation, message: NewMessage): Promise<string> {
    checkMessage(message);
    const { wearer, channel, to = null, text, cause, atMs, name, foldKey = null } = message;
    const { goodForMs = DEFAULT_GOOD_FOR_MS, isAtLeastOnce = false } = message;
    const id = messageIdOf(atMs, name);
    const { versionstamp } = await this.#options.kv.get(messageKey(wearer, id));
    if (versionstamp !== null) return id;
    const nowMs = this.#options.clock.epochMs();
    this.store.add(commit, {
      id,
      wearer,
      channel,
      to,
      text,
      cause,
      createdAtMs: atMs,
      giveUpAtMs: nowMs + goodForMs,
      isAtLeastOnce,
      foldHash: foldKey === null ? null : sha256Of(foldKey),
      isResent: false,
      attempts: 0,
      mayHaveArrived: false,
      lastCause: null,
      state: { kind: "queued", dueMs: nowMs },
    });
    return id;
  }

  /** Messages of the wearer may be due: sends them. */
  wake(wearer: string): void {
    this.#drain.wake(wearer);
  }

  /**
   * Looks for what is due of any wearer, and sends it. Only wearers with messages that are not over
   * are looked at.
   */
  async sweep(): Promise<void> {
    try {
      for await (const wearer of this.store.waiting()) this.#drain.wake(wearer);
    } catch (error) {
      this.#options.counters.kvFailures++;
      this.#options.log.error("kv.outbox_failed", { reason: reasonOf(error) });
    }
    await this.quiet();
  }

  /** Resolves when nothing is being sent, and nothing that was woken is due. */
  async quiet(): Promise<void> {
    await this.#drain.quiet();
  }

  /** Sweeps now, and every {@link SWEEP_MS} until it is closed. */
  startSweeping(): void {
    const { clock } = this.#options;
    const again = () => {
      void this.sweep();
      this.#cancelSweep = clock.after(SWEEP_MS, again);
    };
    again();
  }

  /** The channel for somebody who waits: through the outbox, and tried once. */
  waited(name: string, channel: KeyedChannel): WaitedChannel {
    const goesOn = (work: Promise<void>) => this.#drain.track(work);
    return createWaitedChannel({ ...this.#options, store: this.store, name, channel, goesOn });
  }

  /** A person asks for a message again that is over. Its id stays, and so the receiver's key. */
  async resend(wearer: string, id: string, evenIfArrived: boolean): Promise<ResendOutcome> {
    const { clock } = this.#options;
    const outcome = await this.store.change(wearer, id, (message) => {
      if (refusalOf(message, evenIfArrived)) return null;
      return whenResent(message, clock.epochMs(), DEFAULT_GOOD_FOR_MS);
    });
    if (!outcome) return { kind: "unknown" };
    const { record: message, changed } = outcome;
    if (!changed) return { kind: refusalOf(message, evenIfArrived) ?? "not_over", message };
    this.wake(wearer);
    return { kind: "queued", message };
  }

  /** Begins nothing more, and waits for what is being sent. */
  async close(): Promise<void> {
    this.#cancelSweep();
    await this.#drain.close();
  }
}

/** Why a message is not sent again; null: it may be. */
function refusalOf({ state: { kind }, text }: MessageRecord, evenIfArrived: boolean) {
  if (kind !== "dead" && kind !== "uncertain") return "not_over";
  if (text === null) return "not_kept";
  return kind === "uncertain" && !evenIfArrived ? "may_have_arrived" : null;
}

function checkMessage({ text, to, atMs }: NewMessage): void {
  if (!(atMs >= 0 && atMs < Infinity)) {
    throw new RangeError(
      `Cannot enqueue a message as its time must be 0 or later: current value is ${atMs}`,
    );
  }
  if (text.trim() === "" || text.length > MAX_MESSAGE_CHARS) {
    throw new RangeError(
      `Cannot enqueue a message as its text must have 1 to ${MAX_MESSAGE_CHARS} characters: ` +
        `it has ${text.length}`,
    );
  }
  if (to && to.length > MAX_TO_CHARS) {
    throw new RangeError(
      `Cannot enqueue a message as its address must have at most ${MAX_TO_CHARS} characters: ` +
        `it has ${to.length}`,
    );
  }
}
