/**
 * Tokens as they travel: `fs1.KEY.CLAIMS.SIGNATURE`. The claims are JSON in base64url, the signature
 * HMAC-SHA-256 over all before it.
 *
 * Not a JWT: there is one algorithm, so a token has no word in which is used; and a token has one
 * spelling, as the text itself is signed and compared.
 *
 * @module
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { TOKEN_SCOPES, type TokenScope } from "../kv/token_keys.ts";
import { NAME } from "./principal.ts";

const VERSION = "fs1";
/** The longest that is signed has some 320 characters; what is longer need not be looked at. */
const MAX_TOKEN_CHARS = 512;
const TOKEN = /^(fs1\.([\w-]{8})\.([\w-]+))\.([\w-]{43})$/;
const KEY_ID_CHARS = 8;

/** What a token says. */
export interface Claims {
  readonly wearer: string;
  readonly tokenId: string;
  readonly scopes: readonly TokenScope[];
  readonly expiresAtMs: number;
}

/** Whether a text is a token of ours. Nothing else was asked: it may be revoked. */
export type Verification =
  | { readonly kind: "valid"; readonly claims: Claims }
  | { readonly kind: "forged" }
  | { readonly kind: "expired"; readonly expiresAtMs: number };

/** In the order of {@link packed}. */
const CLAIMS = z.tuple([
  z.string().regex(NAME),
  z.string().regex(NAME),
  z.array(z.enum(TOKEN_SCOPES)),
  z.number(),
]);

/** Signs with the first of its keys, and knows what any of them has signed. */
export class TokenSigner {
  /** By their ids, the one in use first. */
  readonly #keys: ReadonlyMap<string, string>;

  /** @param keys secrets; without one nothing is signed, and everything is forged */
  constructor(keys: readonly string[]) {
    this.#keys = new Map(keys.map((key) => [idOf(key), key]));
  }

  /** The id of the key that signs; null: there is none. */
  get keyId(): string | null {
    return this.#keys.keys().next().value ?? null;
  }

  /**
   * Signs.
   *
   * @throws {Error} if there is no key
   */
  sign(claims: Claims): string {
    const [newest] = this.#keys;
    if (!newest) throw new Error("Cannot sign as a key must be configured: there is none");
    const [keyId, key] = newest;
    const payload = new TextEncoder().encode(JSON.stringify(packed(claims)));
    const said = payload.toBase64({ alphabet: "base64url", omitPadding: true });
    const signed = `${VERSION}.${keyId}.${said}`;
    return `${signed}.${signatureOf(signed, key)}`;
  }

  /** Verifies, in time that does not depend on how much of a signature is right. */
  verify(token: string, nowMs: number): Verification {
    const parts = token.length <= MAX_TOKEN_CHARS ? TOKEN.exec(token) : null;
    if (!parts) return { kind: "forged" };
    const [, signed, keyId, payload, signature] = parts as unknown as [
      string,
      string,
      string,
      string,
      string,
    ];
    const key = this.#keys.get(keyId);
    if (key === undefined) return { kind: "forged" };
    const isOurs = timingSafeEqual(encode(signatureOf(signed, key)), encode(signature));
    const claims = isOurs ? claimsOf(payload) : null;
    if (!claims) return { kind: "forged" };
    const { expiresAtMs } = claims;
    return expiresAtMs <= nowMs ? { kind: "expired", expiresAtMs } : { kind: "valid", claims };
  }
}

function packed({ wearer, tokenId, scopes, expiresAtMs }: Claims): z.infer<typeof CLAIMS> {
  return [wearer, tokenId, [...scopes], expiresAtMs];
}

/** Null: it is ours, but of another kind. */
function claimsOf(payload: string): Claims | null {
  try {
    const bytes = Uint8Array.fromBase64(payload, { alphabet: "base64url" });
    const read = CLAIMS.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    if (!read.success) return null;
    const [wearer, tokenId, scopes, expiresAtMs] = read.data;
    return { wearer, tokenId, scopes, expiresAtMs };
  } catch {
    return null;
  }
}

function signatureOf(text: string, key: string): string {
  return createHmac("sha256", key).update(text).digest("base64url");
}

/** Says which key it is, and nothing about it: nobody has to number keys. */
function idOf(key: string): string {
  const hash = createHash("sha256").update(`foresight token key: ${key}`).digest("base64url");
  return hash.slice(0, KEY_ID_CHARS);
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
