/**
 * A way out that is several: where the first certainly fails, the next is tried.
 *
 * @module
 */
import type { Channel, DeliveryOutcome } from "./channel.ts";

/**
 * The channels one after another. The next is tried only after a certain failure: after an uncertain
 * one the message may have arrived, and another channel would say it twice.
 *
 * Where all fail, it may be tried again if any of them may, as soon as the first of those may.
 *
 * @param channels the preferred first; at least one
 */
export function createFallback(channels: readonly Channel[]): Channel {
  if (channels.length === 0) {
    throw new RangeError("Cannot make a fallback as it needs at least one channel: it has none");
  }
  return {
    // A repeat may end at another member than the first time, so all must take it for the same.
    isIdempotent: channels.every(({ isIdempotent }) => isIdempotent),
    async deliver(message) {
      const failures: Failure[] = [];
      for (const channel of channels) {
        const outcome = await channel.deliver(message);
        if (outcome.kind !== "failed") return outcome;
        failures.push(outcome);
      }
      return together(failures);
    },
  };
}

type Failure = DeliveryOutcome & { readonly kind: "failed" };

function together(failures: readonly Failure[]): Failure {
  const cause = failures.map((failure) => failure.cause).join("; ");
  const waits = failures.filter(({ retryable }) => retryable)
    .map(({ retryAfterMs = 0 }) => retryAfterMs);
  const soonestMs = Math.min(...waits);
  const after = waits.length > 0 && soonestMs > 0 ? { retryAfterMs: soonestMs } : {};
  return { kind: "failed", cause, retryable: waits.length > 0, ...after };
}
