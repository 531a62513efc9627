/**
 * The part of the data model (`keys.ts`) that says who may act for a wearer.
 *
 * @module
 */
import { type Stored, wearerPrefix } from "./keys.ts";

/** What the bearer of a token may do. */
export const TOKEN_SCOPES = [
  "stream",
  "read",
  "poke",
  "rules",
  "admin",
  "live",
  "timeline",
] as const;
export type TokenScope = typeof TOKEN_SCOPES[number];

/** What a link may be for that is given to a helper; `read` includes both. */
export const SHARE_SCOPES = ["live", "timeline"] as const satisfies readonly TokenScope[];

/** What is known of one token. The token itself is nowhere: its bearer alone has it. */
export interface TokenFacts {
  readonly id: string;
  readonly scopes: readonly TokenScope[];
  /** What it is for, in the words of whoever had it issued. */
  readonly label: string | null;
  /** Which key signed it. */
  readonly keyId: string;
  /** The token that had it issued; null: the magic word. */
  readonly issuedBy: string | null;
  readonly issuedAtMs: number;
  /** Null: it is not revoked. */
  readonly revokedAtMs: number | null;
}

/** One token, as stored. `expiresAtMs` is the token's own. */
export type TokenRecord = TokenFacts & Stored & { readonly expiresAtMs: number };

/** Holds a {@link TokenRecord}. */
export function tokenKey(wearer: string, tokenId: string): Deno.KvKey {
  return [...tokenPrefix(wearer), tokenId];
}

/** All tokens of a wearer. */
export function tokenPrefix(wearer: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "token"];
}
