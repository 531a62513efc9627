/**
 * What is known of a wearer's tokens, and which are revoked. The tokens themselves are nowhere.
 *
 * @module
 */
import { type Clock, withDeadline } from "../clock.ts";
import { CONFLICT, retryContended } from "./_retry_contended.ts";
import { until } from "./_until.ts";
import { erasingKey, type ErasingRecord } from "./erasing_keys.ts";
import { hasExpired } from "./keys.ts";
import { tokenKey, tokenPrefix, type TokenRecord } from "./token_keys.ts";

/** A request waits for KV no longer than that. */
const TIMEOUT_MS = 2_000;

/** So many tokens of a wearer at once, revoked ones included: they are listed as one. */
export const MAX_TOKENS = 500;

/** Whether the token is in the books. */
export type AddOutcome = { readonly kind: "added" } | { readonly kind: "full" };

/** One wearer's tokens. Every method rejects with KV's own error, or when KV does not answer. */
export interface TokenRecords {
  /**
   * Writes a new token down, while there are fewer than {@link MAX_TOKENS}. (Those who add at the
   * same moment may pass that by as many as they are.)
   */
  add(record: TokenRecord): Promise<AddOutcome>;
  /** Null: there is none, its time is over, or its wearer is being erased. */
  get(tokenId: string): Promise<TokenRecord | null>;
  /** All that have not expired, revoked ones included, the newest first. */
  list(): Promise<TokenRecord[]>;
  /** Revokes it; one that is revoked, expired or unknown stays so. */
  revoke(tokenId: string): Promise<void>;
}

/** What {@link TokenRecords} need. */
export interface TokenRecordsOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
}

/** Opens the books of one wearer; they hold nothing of their own and need not be closed. */
export function openTokenRecords(options: TokenRecordsOptions, wearer: string): TokenRecords {
  return new KvTokenRecords(options, wearer);
}

class KvTokenRecords implements TokenRecords {
  readonly #kv: Deno.Kv;
  readonly #clock: Clock;
  readonly #wearer: string;

  constructor({ kv, clock }: TokenRecordsOptions, wearer: string) {
    this.#kv = kv;
    this.#clock = clock;
    this.#wearer = wearer;
  }

  async add(record: TokenRecord): Promise<AddOutcome> {
    const others = await this.list();
    if (others.length >= MAX_TOKENS) return { kind: "full" };
    const expireIn = Math.max(1, Math.ceil(record.expiresAtMs - this.#clock.epochMs()));
    const key = tokenKey(this.#wearer, record.id);
    await this.#inTime(() => this.#kv.set(key, record, { expireIn }));
    return { kind: "added" };
  }

  async get(tokenId: string): Promise<TokenRecord | null> {
    const key = tokenKey(this.#wearer, tokenId);
    const [{ value }, mark] = await this.#inTime(() =>
      Promise.all([
        this.#kv.get<TokenRecord>(key),
        this.#kv.get<ErasingRecord>(erasingKey(this.#wearer)),
      ])
    );
    const stands = value && mark.value === null && !hasExpired(value, this.#clock.epochMs());
    return stands ? value : null;
  }

  async list(): Promise<TokenRecord[]> {
    const prefix = tokenPrefix(this.#wearer);
    const entries = await this.#inTime(() =>
      Array.fromAsync(this.#kv.list<TokenRecord>({ prefix }))
    );
    const nowMs = this.#clock.epochMs();
    return entries.map(({ value }) => value)
      .filter((record) => !hasExpired(record, nowMs))
      .sort((a, b) => b.issuedAtMs - a.issuedAtMs);
  }

  async revoke(tokenId: string): Promise<void> {
    const key = tokenKey(this.#wearer, tokenId);
    await this.#inTime(() =>
      retryContended(this.#clock, "revoke the token", async () => {
        const entry = await this.#kv.get<TokenRecord>(key);
        const nowMs = this.#clock.epochMs();
        if (!entry.value || hasExpired(entry.value, nowMs)) return;
        if (entry.value.revokedAtMs !== null) return;
        const record: TokenRecord = { ...entry.value, revokedAtMs: nowMs };
        const expireIn = Math.max(1, Math.ceil(record.expiresAtMs - nowMs));
        const { ok } = await this.#kv.atomic().check(entry).set(key, record, { expireIn }).commit();
        if (!ok) return CONFLICT;
      })
    );
  }

  #inTime<T>(work: () => Promise<T>): Promise<T> {
    return withDeadline(this.#clock, TIMEOUT_MS, null, (within) => until(within, work()));
  }
}
