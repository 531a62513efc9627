/**
 * Tokens: what lets a client act for one wearer, for a while.
 *
 * A token is signed, so what is forged or expired is told without KV. Whether it is revoked stands
 * in KV, which is asked every few seconds.
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";
import type { TokenRecord, TokenScope } from "../kv/token_keys.ts";
import { openTokenRecords } from "../kv/token_records.ts";
import { type Standing, Standings } from "./_standing.ts";
import { type Ended, type TokenWatch, watchToken } from "./_watch.ts";
import { may, type Principal } from "./principal.ts";
import { type Claims, TokenSigner } from "./token_signer.ts";

/** The longest life of a token. */
export const MAX_LIFE_MS = 365 * 24 * 60 * 60 * 1000;

/** A token that somebody wants. */
export interface IssueRequest {
  readonly wearer: string;
  readonly scopes: readonly TokenScope[];
  readonly expiresAtMs: number;
  readonly label: string | null;
  /** Who asks: gives no more than it has. */
  readonly issuer: Principal;
}

/** What became of the wish. */
export type IssueOutcome =
  | { readonly kind: "issued"; readonly token: string; readonly record: TokenRecord }
  /** The issuer has fewer scopes itself. */
  | { readonly kind: "beyond_scopes"; readonly missing: readonly TokenScope[] }
  /** The issuer ends sooner itself. */
  | { readonly kind: "beyond_life"; readonly latestMs: number }
  /** The wearer has as many tokens as may be. */
  | { readonly kind: "full" }
  /** No key is configured. */
  | { readonly kind: "no_key" };

/** Who brings a token. */
export type Authentication =
  | { readonly kind: "known"; readonly principal: Principal }
  | { readonly kind: "forged" }
  | { readonly kind: "expired"; readonly expiresAtMs: number }
  | { readonly kind: "revoked" }
  /** KV cannot say whether it is revoked, and this process did not know it lately. */
  | { readonly kind: "unavailable"; readonly reason: string };

/** Issues tokens and knows them again. */
export interface Tokens {
  /** Rejects with KV's own error; then there is no token. */
  issue(request: IssueRequest): Promise<IssueOutcome>;
  /** All of a wearer that have not expired, the newest first. Rejects with KV's own error. */
  list(wearer: string): Promise<TokenRecord[]>;
  /** Revokes one of the wearer's; what is none of them stays as it is. Rejects with KV's own error. */
  revoke(wearer: string, tokenId: string): Promise<void>;
  /** What is known of the wearer's tokens here is no longer relied on. */
  forget(wearer: string): void;
  /** Who brings this token. Resolves always, in bounded time; writes nothing. */
  authenticate(token: string): Promise<Authentication>;
  /**
   * Looks after the principal's token until cancelled: calls `ended` once, as it expires or is
   * revoked here, or within fifteen seconds of its being revoked elsewhere. Never for the operator.
   */
  watch(principal: Principal, ended: (how: Ended) => void): Cancel;
}

/** What {@link Tokens} need. */
export interface TokensOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  readonly newId: () => string;
  /** The one in use first; empty: there are no tokens. */
  readonly signingKeys: readonly string[];
}

/** Opens the tokens of all wearers; they need not be closed. */
export function createTokens(options: TokensOptions): Tokens {
  return new SignedTokens(options);
}

class SignedTokens implements Tokens {
  readonly #options: TokensOptions;
  readonly #signer: TokenSigner;
  readonly #standings: Standings;
  /** By token. */
  readonly #watches = new Map<string, Set<TokenWatch>>();

  constructor(options: TokensOptions) {
    this.#options = options;
    this.#signer = new TokenSigner(options.signingKeys);
    this.#standings = new Standings(options.clock);
  }

  async issue(request: IssueRequest): Promise<IssueOutcome> {
    const { wearer, scopes, expiresAtMs, label, issuer } = request;
    const missing = scopes.filter((scope) => !may(issuer, scope));
    if (missing.length > 0) return { kind: "beyond_scopes", missing };
    const latestMs = issuer.expiresAtMs ?? Infinity;
    if (expiresAtMs > latestMs) return { kind: "beyond_life", latestMs };
    const { keyId } = this.#signer;
    if (keyId === null) return { kind: "no_key" };
    const { clock, newId } = this.#options;
    const record: TokenRecord = {
      version: 1,
      id: newId(),
      scopes,
      label,
      keyId,
      issuedBy: issuer.tokenId,
      issuedAtMs: clock.epochMs(),
      revokedAtMs: null,
      expiresAtMs,
    };
    const added = await openTokenRecords(this.#options, wearer).add(record);
    if (added.kind === "full") return added;
    const token = this.#signer.sign({ wearer, tokenId: record.id, scopes, expiresAtMs });
    return { kind: "issued", token, record };
  }

  list(wearer: string): Promise<TokenRecord[]> {
    return openTokenRecords(this.#options, wearer).list();
  }

  async revoke(wearer: string, tokenId: string): Promise<void> {
    await openTokenRecords(this.#options, wearer).revoke(tokenId);
    const name = nameOf(wearer, tokenId);
    this.#standings.revoked(name);
    for (const watch of [...this.#watches.get(name) ?? []]) watch.revoked();
  }

  forget(wearer: string): void {
    this.#standings.forget(nameOf(wearer, ""));
  }

  async authenticate(token: string): Promise<Authentication> {
    const verified = this.#signer.verify(token, this.#options.clock.epochMs());
    if (verified.kind !== "valid") return verified;
    const standing = await this.#standingOf(verified.claims);
    if (standing.kind !== "stands") return standing;
    return { kind: "known", principal: verified.claims };
  }

  watch({ wearer, tokenId, expiresAtMs }: Principal, ended: (how: Ended) => void): Cancel {
    if (tokenId === null || expiresAtMs === null) return () => {};
    const isRevoked = async () => (await this.#standingOf({ wearer, tokenId })).kind === "revoked";
    const name = nameOf(wearer, tokenId);
    const watches = this.#watches.get(name) ?? new Set();
    const forget = () => {
      watches.delete(watch);
      if (watches.size === 0 && this.#watches.get(name) === watches) this.#watches.delete(name);
    };
    const watch = watchToken(this.#options.clock, expiresAtMs, isRevoked, (how) => {
      forget();
      ended(how);
    });
    this.#watches.set(name, watches.add(watch));
    return () => {
      forget();
      watch.cancel();
    };
  }

  /** One that is in no books was erased with its wearer. */
  #standingOf({ wearer, tokenId }: Pick<Claims, "wearer" | "tokenId">): Promise<Standing> {
    return this.#standings.of(nameOf(wearer, tokenId), async () => {
      const record = await openTokenRecords(this.#options, wearer).get(tokenId);
      return record !== null && record.revokedAtMs === null;
    });
  }
}

/** Of a token among those of all wearers. */
function nameOf(wearer: string, tokenId: string): string {
  return `${wearer}/${tokenId}`;
}
