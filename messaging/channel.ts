/**
 * What every way out of the house has in common: a message goes in, an outcome comes back.
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
  }
  | {
    /** It left, and no answer came: it may have arrived. Repeating it may say it twice. */
    readonly kind: "uncertain";
    readonly cause: string;
  };

/** A text on its way to someone. */
export interface Message {
  readonly text: string;
}

/** One way out. */
export interface Channel {
  /** Resolves always, within the channel's own time-out. */
  deliver(message: Message, credentials: { readonly key: string }): Promise<DeliveryOutcome>;
}
