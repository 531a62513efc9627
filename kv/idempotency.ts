/**
 * Sending once: the same `Idempotency-Key` and body within 24 h sends once and answers the same
 * (WIRE P5), also when two processes get the request at the same moment.
 *
 * A send is claimed by check-and-set before it leaves. A claim has a lease: if its process dies
 * midway, nobody can know whether the message arrived, and it is never sent again under this key.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { CONFLICT, retryContended, wait } from "./_retry_contended.ts";
import { hasExpired, POKE_SEND_TTL_MS, pokeSendKey, type PokeSendRecord } from "./keys.ts";
import { sha256Hex } from "./sha256.ts";

/** The longest answer that is kept, in UTF-16 units: the value stays below KV's 64 KiB. */
export const MAX_ANSWER_CHARS = 30_000;

/**
 * Waiting looks again and again, as `kv.watch` does not see what another process writes to the same
 * file (denoland/deno#21640).
 */
const FIRST_LOOK_MS = 20;
const MAX_LOOK_MS = 250;

/** One send that somebody is about to make. */
export interface ClaimRequest {
  readonly wearer: string;
  /** The client's `Idempotency-Key`: any text; only its hash is stored. */
  readonly key: string;
  /** All that makes it the same send (text, receiver); only its hash is stored. */
  readonly body: string;
  /** How long the send may take. After that its outcome counts as unknown. */
  readonly leaseMs: number;
  /** How long to wait for somebody who is sending right now. Default 0. */
  readonly waitMs?: number;
}

/** The right to send once. Ends with `finish` or `release`. */
export interface Claim {
  readonly id: string;
  readonly kvKey: Deno.KvKey;
}

/** An answer to the client. `body` is null where it was too long to be kept. */
export interface KeptAnswer {
  readonly status: number;
  readonly body: string | null;
}

/** What to do about a request. */
export type ClaimOutcome =
  /** Send, then `finish` or `release`. */
  | { readonly kind: "claimed"; readonly claim: Claim }
  /** Sent before: answer this. */
  | ({ readonly kind: "replay" } & KeptAnswer)
  /** Somebody is sending it right now and was not done within `waitMs`. */
  | { readonly kind: "in_flight" }
  /** The key was used for another body. */
  | { readonly kind: "conflict" }
  /** Somebody began to send it and never told the outcome. It may have arrived: do not send. */
  | { readonly kind: "unknown" };

/** Remembers sends. Every method rejects with KV's own error; who holds no claim must not send. */
export interface IdempotencyStore {
  claim(request: ClaimRequest): Promise<ClaimOutcome>;
  /** The answer stands: whoever repeats the request gets it again. */
  finish(claim: Claim, answer: { readonly status: number; readonly body: string }): Promise<void>;
  /** Certainly nothing arrived: whoever repeats the request may send. */
  release(claim: Claim): Promise<void>;
}

/** What an {@link IdempotencyStore} needs. */
export interface IdempotencyStoreOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
}

/** Opens the store; it holds nothing of its own and need not be closed. */
export function createIdempotencyStore(options: IdempotencyStoreOptions): IdempotencyStore {
  return new KvIdempotencyStore(options);
}

class KvIdempotencyStore implements IdempotencyStore {
  readonly #kv: Deno.Kv;
  readonly #clock: Clock;

  constructor({ kv, clock }: IdempotencyStoreOptions) {
    this.#kv = kv;
    this.#clock = clock;
  }

  async claim(
    { wearer, key, body, leaseMs, waitMs = 0 }: ClaimRequest,
  ): Promise<ClaimOutcome> {
    const id = crypto.randomUUID();
    const claim = { id, kvKey: pokeSendKey(wearer, await sha256Hex(key)) };
    // The client's key salts the hash, so that a short text cannot be guessed from it.
    const bodyHash = await sha256Hex(JSON.stringify([key, body]));
    const attempt = () => this.#attempt(claim, bodyHash, leaseMs);
    const endsAtMs = this.#clock.monotonicMs() + waitMs;
    for (let lookMs = FIRST_LOOK_MS;; lookMs = Math.min(2 * lookMs, MAX_LOOK_MS)) {
      const outcome = await retryContended(this.#clock, "claim the send", attempt);
      const leftMs = endsAtMs - this.#clock.monotonicMs();
      if (outcome.kind !== "in_flight" || leftMs <= 0) return outcome;
      await wait(this.#clock, Math.min(lookMs, leftMs));
    }
  }

  finish(claim: Claim, { status, body }: { status: number; body: string }): Promise<void> {
    const kept = body.length <= MAX_ANSWER_CHARS ? body : null;
    return this.#conclude(claim, { kind: "done", status, body: kept });
  }

  release(claim: Claim): Promise<void> {
    return this.#conclude(claim, null);
  }

  async #attempt(
    claim: Claim,
    bodyHash: string,
    leaseMs: number,
  ): Promise<ClaimOutcome | typeof CONFLICT> {
    const entry = await this.#kv.get<PokeSendRecord>(claim.kvKey);
    const nowMs = this.#clock.epochMs();
    if (entry.value && !hasExpired(entry.value, nowMs)) {
      return outcomeOf(entry.value, claim, bodyHash, nowMs);
    }
    const state = { kind: "pending", claimId: claim.id, leaseUntilMs: nowMs + leaseMs } as const;
    const expiresAtMs = nowMs + POKE_SEND_TTL_MS;
    const record: PokeSendRecord = { version: 1, expiresAtMs, bodyHash, state };
    const { ok } = await this.#kv.atomic()
      .check(entry)
      .set(claim.kvKey, record, { expireIn: POKE_SEND_TTL_MS })
      .commit();
    return ok ? { kind: "claimed", claim } : CONFLICT;
  }

  /** Replaces a claim's record, or deletes it, if it is still that claim's and pending. */
  async #conclude(claim: Claim, state: PokeSendRecord["state"] | null): Promise<void> {
    await retryContended(this.#clock, "conclude the claim", async () => {
      const entry = await this.#kv.get<PokeSendRecord>(claim.kvKey);
      if (entry.value?.state.kind !== "pending" || entry.value.state.claimId !== claim.id) return;
      const commit = this.#kv.atomic().check(entry);
      if (state === null) commit.delete(claim.kvKey);
      else commit.set(claim.kvKey, { ...entry.value, state }, { expireIn: POKE_SEND_TTL_MS });
      if (!(await commit.commit()).ok) return CONFLICT;
    });
  }
}

function outcomeOf(
  record: PokeSendRecord,
  claim: Claim,
  bodyHash: string,
  nowMs: number,
): ClaimOutcome {
  if (record.bodyHash !== bodyHash) return { kind: "conflict" };
  const { state } = record;
  switch (state.kind) {
    case "done":
      return { kind: "replay", status: state.status, body: state.body };
    case "pending":
      // Our own, where an earlier attempt was written although its commit threw.
      if (state.claimId === claim.id) return { kind: "claimed", claim };
      return { kind: state.leaseUntilMs > nowMs ? "in_flight" : "unknown" };
  }
}
