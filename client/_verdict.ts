/**
 * What is to be done when a connection has ended: the one place that knows close codes (SPEC V9, S).
 *
 * @module
 */
import type { Ending } from "./_line.ts";

/** Why there will be no further connection. */
export type Closed =
  /** `bye` was answered: the session is over. */
  | { readonly kind: "left" }
  /** `close` was called: the session may be gone on with. */
  | { readonly kind: "stopped" }
  /** The server does not let this client in; `status` 0: it was not asked. */
  | { readonly kind: "refused"; readonly status: number; readonly detail: string }
  /** Others took the session again and again. */
  | { readonly kind: "taken_over" }
  /** What was known of the wearer is erased; nothing is sent that would begin it anew. */
  | { readonly kind: "erased" };

/** What is to be done. */
export type Verdict =
  | { readonly kind: "over"; readonly why: Closed }
  /** What was brought opens nothing any more. */
  | { readonly kind: "renew"; readonly status: number; readonly detail: string }
  | { readonly kind: "taken_over"; readonly reason: string }
  | { readonly kind: "too_large"; readonly reason: string }
  /** Connect again, not before `atLeastMs`. */
  | { readonly kind: "again"; readonly atLeastMs: number; readonly reason: string };

const NORMAL = 1000;
const POLICY_VIOLATION = 1008;
const TOO_BIG = 1009;
/** Whoever is let in too often is told to come in seconds: the answer cannot be read. */
const TOO_MANY = 429;
const TOO_MANY_WAIT_MS = 5_000;
const REQUEST_TIMEOUT = 408;

/** @param saysBye whether `bye` was said over this connection */
export function judge(ending: Ending, saysBye: boolean): Verdict {
  switch (ending.kind) {
    case "given_up":
      return again(ending.reason);
    case "unreached":
      return judgeStatus(ending.status, ending.reason);
    case "closed":
      return judgeCode(ending.code, ending.reason, saysBye);
  }
}

function judgeStatus(status: number | null, reason: string): Verdict {
  if (status === 401 || status === 403) return { kind: "renew", status, detail: reason };
  if (status === TOO_MANY) return again(reason, TOO_MANY_WAIT_MS);
  const isOurs = status !== null && status >= 400 && status < 500 && status !== REQUEST_TIMEOUT;
  if (!isOurs) return again(reason);
  return { kind: "over", why: { kind: "refused", status, detail: reason } };
}

/** The server's reasons are part of what clients may rely on. */
function judgeCode(code: number, reason: string, saysBye: boolean): Verdict {
  if (code === NORMAL && saysBye) return { kind: "over", why: { kind: "left" } };
  if (code === TOO_BIG) return { kind: "too_large", reason };
  if (code === POLICY_VIOLATION) {
    if (/^the token\b/.test(reason)) return { kind: "renew", status: 403, detail: reason };
    if (/\bis erased$/.test(reason)) return { kind: "over", why: { kind: "erased" } };
    if (/^another connection\b/.test(reason)) return { kind: "taken_over", reason };
  }
  return again(reason || `the connection ended with ${code}`);
}

function again(reason: string, atLeastMs = 0): Verdict {
  return { kind: "again", atLeastMs, reason };
}
