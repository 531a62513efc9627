/**
 * Webhooks: messages as signed JSON to an address of the wearer's own (Standard Webhooks).
 *
 * @module
 */
import { type Clock, systemClock, withDeadline } from "../clock.ts";
import { type Resolve, resolveBySystem } from "./_checked_connection.ts";
import { postChecked, type PostOutcome } from "./_checked_post.ts";
import { remarkOf } from "./_poke_answer.ts";
import { retryAfterMsOf } from "./_retry_after.ts";
import { mayConnectTo, reachableUrl } from "./_webhook_reach.ts";
import { WEBHOOK_MUST } from "./webhook_address.ts";
import type { Channel, DeliveryOutcome, Message } from "./channel.ts";
import { signatureOf, webhookSecretOf } from "./webhook_signature.ts";

/** How long a receiver may take by default, from the look-up of its name to the end of its answer. */
export const WEBHOOK_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 16 * 1024;

/** What a webhook channel needs. */
export interface WebhookChannelOptions {
  /** Secrets that sign, the one in use first, all of them sign; empty: nothing can be sent. */
  readonly signingKeys: readonly string[];
  /** Whether webhooks may lead to this machine itself, also as http:// (for development). */
  readonly allowsLoopback: boolean;
  /** Default {@link WEBHOOK_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** How names are looked up. Default: as the system does. */
  readonly resolve?: Resolve;
  /** Certificates to be trusted in place of the usual ones. */
  readonly caCerts?: readonly string[];
}

/**
 * A channel to the address in `message.to`. The id of the message is `webhook-id`, by which receivers
 * fold repeats; the time in `webhook-timestamp` is signed, so that an old one can be told.
 *
 * - 2xx: delivered, whatever becomes of the answer's body.
 * - Anything else, no connection, or an address that webhooks may not lead to: failed. It may be
 *   tried again after 408, 425, 429 and 5xx, and where no connection was made. Redirects are not
 *   followed, as nobody has checked where they lead.
 * - Time ran out or the connection was lost behind it: uncertain.
 */
export function createWebhookChannel(options: WebhookChannelOptions): Channel {
  const { timeoutMs = WEBHOOK_TIMEOUT_MS, clock = systemClock } = options;
  return {
    isIdempotent: true,
    async deliver(message) {
      const url = reachableUrl(message.to ?? "", options.allowsLoopback);
      if (url === null) return failed(`The webhook's address ${WEBHOOK_MUST}`, false);
      if (options.signingKeys.length === 0) {
        return failed(
          "WEBHOOK_SIGNING_KEYS must be set for webhooks to be sent: it is unset",
          false,
        );
      }
      const startedAtMs = clock.epochMs();
      const outcome = await postInTime(
        clock,
        timeoutMs,
        (within) => post(options, message, url, within, startedAtMs),
      );
      return told(outcome, clock.epochMs());
    },
  };
}

/** What came of the post; `late` where time ran out. */
async function postInTime(
  clock: Clock,
  timeoutMs: number,
  work: (within: AbortSignal) => Promise<PostOutcome>,
): Promise<PostOutcome & { readonly lateAfterMs?: number }> {
  let isLate = false;
  const outcome = await withDeadline(clock, timeoutMs, null, (within) => {
    within.addEventListener("abort", () => void (isLate = true), { once: true });
    return work(within);
  });
  return isLate ? { ...outcome, lateAfterMs: timeoutMs } : outcome;
}

async function post(
  { signingKeys, allowsLoopback, resolve = resolveBySystem, caCerts }: WebhookChannelOptions,
  message: Message,
  url: URL,
  signal: AbortSignal,
  nowMs: number,
): Promise<PostOutcome> {
  const { id, wearer } = message;
  const secrets = await Promise.all(signingKeys.map((key) => webhookSecretOf(key, wearer)));
  const timestampS = Math.floor(nowMs / 1000);
  const body = bodyOf(message);
  return await postChecked({
    url,
    headers: {
      "content-type": "application/json",
      "user-agent": "Foresight",
      "webhook-id": id,
      "webhook-timestamp": String(timestampS),
      "webhook-signature": await signatureOf(secrets, { id, timestampS, body }),
    },
    body,
    signal,
    maxAnswerBytes: MAX_ANSWER_BYTES,
    mayConnectTo: (address) => mayConnectTo(address, allowsLoopback),
    resolve,
    ...caCerts && { caCerts },
  });
}

/** The same for every attempt, so that a receiver may compare. */
function bodyOf({ text, createdAtMs }: Message): string {
  const timestamp = new Date(createdAtMs).toISOString();
  return JSON.stringify({ type: "message", timestamp, data: { text } });
}

function told(
  outcome: PostOutcome & { readonly lateAfterMs?: number },
  nowMs: number,
): DeliveryOutcome {
  const lateAfterS = (outcome.lateAfterMs ?? 0) / 1000;
  switch (outcome.kind) {
    case "not_connected": {
      const fault = lateAfterS > 0 ? `no connection within ${lateAfterS} s` : outcome.fault;
      return failed(`The webhook could not be reached: ${fault}`, !outcome.isForbidden);
    }
    case "lost": {
      const what = lateAfterS > 0
        ? `The webhook did not answer within ${lateAfterS} s`
        : "The connection to the webhook was lost";
      return { kind: "uncertain", cause: `${what}; the message may have arrived` };
    }
    case "answered":
      return answered(outcome, nowMs);
  }
}

function answered(
  { status, text, retryAfter }: PostOutcome & { kind: "answered" },
  nowMs: number,
): DeliveryOutcome {
  const answer = jsonOf(text);
  if (status >= 200 && status < 300) return { kind: "delivered", answer };
  if (status < 400) {
    return failed(`The webhook answered ${status}: redirects are not followed`, false);
  }
  const remark = remarkOf(answer);
  const retryable = status >= 500 || [408, 425, 429].includes(status);
  const retryAfterMs = retryAfterMsOf(retryAfter, nowMs);
  return {
    ...failed(`The webhook answered ${status}${remark && `: ${remark}`}`, retryable),
    ...retryAfterMs === null ? {} : { retryAfterMs },
  };
}

function failed(cause: string, retryable: boolean) {
  return { kind: "failed", cause, retryable } as const;
}

/** The answer as JSON, `{ text }` where it is none, null where it is empty. */
function jsonOf(text: string): unknown {
  if (text.trim() === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return { text };
  }
}
