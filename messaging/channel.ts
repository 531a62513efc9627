/**
 * What every way out of the house has in common: a message goes in, an outcome comes back.
 *
 * A new way out (SMS, push, a voice) is a {@link Channel} in a file of its own, and a name for it in
 * `ways_out.ts`; the outbox, the rules and the routes know no channel.
 *
 * @module
 */

/** What became of one delivery. Policy outcomes are values; a channel never throws for them. */
export type DeliveryOutcome =
  | {
    readonly kind: "delivered";
    /** What the receiver answered, as JSON. */
    readonly answer: unknown;
  }
  | {
    readonly kind: "failed";
    /** Certain not to have arrived. Fit to be told to the caller: no secrets. */
    readonly cause: string;
    /** Whether the same message may succeed later. */
    readonly retryable: boolean;
    /** How long the receiver asks to be left alone; absent: it does not say. */
    readonly retryAfterMs?: number;
  }
  | {
    /** It left, and no answer came: it may have arrived. Repeating it may say it twice. */
    readonly kind: "uncertain";
    readonly cause: string;
  };

/** A text on its way to someone. */
export interface Message {
  /** The same with every attempt: the idempotency key, where the channel takes one. */
  readonly id: string;
  readonly wearer: string;
  readonly text: string;
  /** Where to, if the channel leads to more than one place; null: it does not. */
  readonly to: string | null;
  readonly createdAtMs: number;
}

/** One way out. */
export interface Channel {
  /** Whether the receiver takes messages of one id for one, so that repeating them does no harm. */
  readonly isIdempotent: boolean;
  /** Resolves always, within the channel's own time-out. */
  deliver(message: Message): Promise<DeliveryOutcome>;
}

/** One way out that whoever sends brings the key to. */
export interface KeyedChannel {
  readonly isIdempotent: boolean;
  /** Resolves always, within the channel's own time-out. */
  deliver(
    message: Pick<Message, "text">,
    credentials: { readonly key: string },
  ): Promise<DeliveryOutcome>;
}

/** The key that sends for somebody. Causes are fit to be told: no secrets. */
export type KeyAnswer =
  | { readonly kind: "found"; readonly key: string }
  /** Nothing can be sent until somebody sets one. */
  | { readonly kind: "missing"; readonly cause: string }
  /** It cannot be said now. */
  | { readonly kind: "unavailable"; readonly cause: string };

/**
 * The channel with the key of whose message it is.
 *
 * @param keyOf resolves always; asked anew for each message
 */
export function withKey(
  channel: KeyedChannel,
  keyOf: (wearer: string) => Promise<KeyAnswer>,
): Channel {
  return {
    isIdempotent: channel.isIdempotent,
    async deliver(message) {
      const answer = await keyOf(message.wearer);
      if (answer.kind === "found") return await channel.deliver(message, { key: answer.key });
      const { kind, cause } = answer;
      return { kind: "failed", cause, retryable: kind === "unavailable" };
    },
  };
}
