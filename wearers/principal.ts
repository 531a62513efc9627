/**
 * On whose behalf a request is made, and what it may do.
 *
 * @module
 */
import { DEFAULT_WEARER } from "../kv/keys.ts";
import { SHARE_SCOPES, TOKEN_SCOPES, type TokenScope } from "../kv/token_keys.ts";

/** Who asks. */
export interface Principal {
  /** Whatever the request reads and writes is this wearer's. */
  readonly wearer: string;
  readonly scopes: readonly TokenScope[];
  /** Null: the magic word, so the operator, who may give tokens to every wearer. */
  readonly tokenId: string | null;
  /** When the token ends; null: never. */
  readonly expiresAtMs: number | null;
}

/** Who knows the magic word. */
export const OPERATOR: Principal = {
  wearer: DEFAULT_WEARER,
  scopes: TOKEN_SCOPES,
  tokenId: null,
  expiresAtMs: null,
};

const SHARED: readonly TokenScope[] = SHARE_SCOPES;

/** Whether it may do what takes that scope. */
export function may({ scopes }: Pick<Principal, "scopes">, scope: TokenScope): boolean {
  return scopes.includes(scope) || SHARED.includes(scope) && scopes.includes("read");
}

/** Whether these are the scopes of a link that is given to a helper, and of nothing else. */
export function isShare(scopes: readonly TokenScope[]): boolean {
  return scopes.every((scope) => SHARED.includes(scope));
}

/** Names of wearers and tokens: they stand in addresses and keys. */
export const NAME = /^[\w.-]{1,64}$/;

/** What {@link NAME} asks for, in words. */
export const NAME_MUST = "must be 1 to 64 characters of A-Z a-z 0-9 _ - .";
