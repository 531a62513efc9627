/**
 * Poke: messages to the assistant of whoever owns the key (WIRE P3, P4).
 *
 * The wire follows https://poke.com/docs/api: V1 keys (`pk_...`) work with the deprecated endpoint
 * alone, V2 keys, made in Poke's Kitchen, with the new one alone.
 *
 * @module
 */
import { type Clock, DeadlineError, systemClock, withDeadline } from "../clock.ts";
import { readPokeAnswer, remarkOf } from "./_poke_answer.ts";
import { retryAfterMsOf } from "./_retry_after.ts";
import type { DeliveryOutcome, KeyedChannel } from "./channel.ts";

/** Where V1 keys (`pk_...`) send to. */
export const POKE_V1_URL = "https://poke.com/api/v1/inbound-sms/webhook";

/** Where all other keys send to. */
export const POKE_V2_URL = "https://poke.com/api/v1/inbound/api-message";

/** How long Poke may take by default, headers and body together. */
export const POKE_TIMEOUT_MS = 10_000;

/** What a header carries for certain, and no key is longer. */
export const SENDABLE_KEY = /^[\x21-\x7e]{1,512}$/;

/** What {@link SENDABLE_KEY} asks for, in words. */
export const KEY_MUST = "must be a text of 1 to 512 visible ASCII characters";

/** What a Poke channel needs. */
export interface PokeChannelOptions {
  readonly fetch: typeof fetch;
  /** Stands for both of Poke's URLs (tests, proxies). */
  readonly urlOverride?: string;
  /** For headers and body together. Default {@link POKE_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
}

/**
 * A channel to Poke. It sends once and repeats nothing; what may be repeated, the outcome says.
 *
 * - Poke answered 2xx: delivered, with its JSON (`{ text }` where it is none, null where empty).
 * - Poke answered anything else, or no connection was made: failed, with its `Retry-After`. Redirects are not followed, as
 *   they would carry the key to another host.
 * - Time ran out, or the connection was lost on the way: uncertain.
 *
 * Causes and answers never contain the key, even if Poke echoes it.
 *
 * @throws {TypeError} if `urlOverride` is no URL
 */
export function createPokeChannel(options: PokeChannelOptions): KeyedChannel {
  const { fetch, urlOverride, timeoutMs = POKE_TIMEOUT_MS, clock = systemClock } = options;
  const override = urlOverride === undefined ? null : new URL(urlOverride);
  return {
    // Poke knows no idempotency key (https://poke.com/docs/api).
    isIdempotent: false,
    async deliver({ text }, { key }) {
      if (!SENDABLE_KEY.test(key)) {
        const cause = "The Poke API key must be 1 to 512 visible ASCII characters";
        return { kind: "failed", cause, retryable: false };
      }
      const url = override ?? (key.startsWith("pk_") ? POKE_V1_URL : POKE_V2_URL);
      try {
        return await withDeadline(clock, timeoutMs, null, async (signal) => {
          const response = await fetch(url, { ...sending(text, key), signal });
          return response.ok
            ? { kind: "delivered", answer: await readPokeAnswer(response, key) }
            : await refusal(response, key, clock.epochMs());
        });
      } catch (error) {
        return interruption(error);
      }
    },
  };
}

function sending(text: string, key: string): RequestInit {
  return {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ message: text }),
    redirect: "manual",
  };
}

async function refusal(
  response: Response,
  key: string,
  nowMs: number,
): Promise<DeliveryOutcome> {
  const { status } = response;
  if (status < 400) {
    await response.body?.cancel();
    const cause = `Poke answered ${status}: redirects are not followed`;
    return { kind: "failed", cause, retryable: false };
  }
  // The status has said what matters, whatever becomes of the body.
  const answer = await readPokeAnswer(response, key).catch(() => null);
  const remark = remarkOf(answer);
  const retryAfterMs = retryAfterMsOf(response.headers.get("retry-after"), nowMs);
  return {
    kind: "failed",
    cause: `Poke answered ${status}${remark && `: ${remark}`}`,
    retryable: status === 429 || status >= 500,
    ...retryAfterMs === null ? {} : { retryAfterMs },
  };
}

/**
 * Deno tells how far a request came in the text of the error's cause: `client error (Connect)` up to
 * and including TLS, `client error (SendRequest)` after that. Those texts name URLs, which may hold
 * secrets of a proxy, so none is passed on.
 */
function interruption(error: unknown): DeliveryOutcome {
  if (error instanceof DeadlineError) {
    const waitedS = error.timeoutMs / 1000;
    const cause = `Poke did not answer within ${waitedS} s; the message may have arrived`;
    return { kind: "uncertain", cause };
  }
  if (isForbiddenHere(error)) {
    const cause = "Poke could not be reached: this process may not connect to it";
    return { kind: "failed", cause, retryable: false };
  }
  const told = error instanceof Error ? `${error.message} ${error.cause ?? ""}` : "";
  if (!told.includes("client error (Connect)")) {
    const cause = "The connection to Poke was lost; the message may have arrived";
    return { kind: "uncertain", cause };
  }
  const cause = `Poke could not be reached: ${connectFault(told)}`;
  return { kind: "failed", cause, retryable: true };
}

function isForbiddenHere(error: unknown): boolean {
  if (error instanceof Deno.errors.NotCapable) return true;
  // Ports that the fetch standard blocks (https://fetch.spec.whatwg.org/#port-blocking).
  return error instanceof TypeError && /^Fetch failed: .* are blocked$/.test(error.message);
}

function connectFault(told: string): string {
  if (/connection refused/i.test(told)) return "connection refused";
  if (/dns error/i.test(told)) return "its host name was not found";
  if (/certificate|corrupt message|tls/i.test(told)) return "no secure connection could be made";
  return "no connection could be made";
}
