/**
 * Who may call: token pairs, and the short-lived JWTs that stand for a login.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHmac, randomBytes } from "node:crypto";
import type { Clock } from "../../clock.ts";
import { GRPC_STATUS, GrpcStatusError } from "./_grpc_status.ts";
import type { GrpcRequest } from "./_grpc_stream.ts";

const SECRET_BYTES = 32;
const HEADER = base64Url(JSON.stringify({ alg: "HS256", typ: "JWT" }));

/** Issues and checks logins. */
export class TokenDesk {
  /** While true, nobody can log in. */
  refusesLogins = false;
  #secret = randomBytes(SECRET_BYTES);
  readonly #pairs: Readonly<Record<string, string>> | null;
  readonly #lifetimeS: number;
  readonly #clock: Clock;

  /** @param pairs secrets by token id; null accepts every pair of two non-empty strings */
  constructor(pairs: Readonly<Record<string, string>> | null, lifetimeS: number, clock: Clock) {
    this.#pairs = pairs;
    this.#lifetimeS = lifetimeS;
    this.#clock = clock;
  }

  /** Makes every JWT issued so far invalid. */
  revokeAll(): void {
    this.#secret = randomBytes(SECRET_BYTES);
  }

  /**
   * The token id of the caller, whose pair is accepted.
   *
   * @throws {GrpcStatusError} unauthenticated
   */
  checkPair(request: GrpcRequest): string {
    const id = request.metadata("x-modal-token-id");
    const secret = request.metadata("x-modal-token-secret");
    if (!id || !secret) throw unauthenticated("Token ID and token secret are required");
    if (this.#pairs && this.#pairs[id] !== secret) {
      throw unauthenticated("Token validation failed");
    }
    return id;
  }

  /**
   * A JWT for `tokenId`, good for the lifetime from now.
   *
   * @throws {GrpcStatusError} unauthenticated while logins are refused
   */
  issue(tokenId: string): string {
    if (this.refusesLogins) throw unauthenticated("Token validation failed");
    const nowS = Math.floor(this.#clock.epochMs() / 1000);
    const claims = { sub: tokenId, iat: nowS, exp: nowS + this.#lifetimeS };
    const body = `${HEADER}.${base64Url(JSON.stringify(claims))}`;
    return `${body}.${this.#sign(body)}`;
  }

  /**
   * Checks the JWT that came with a call.
   *
   * @throws {GrpcStatusError} unauthenticated
   */
  checkJwt(request: GrpcRequest, tokenId: string): void {
    const jwt = request.metadata("x-modal-auth-token");
    if (!jwt) throw unauthenticated("Auth token is required");
    const [header, payload, signature] = jwt.split(".");
    if (!payload || this.#sign(`${header}.${payload}`) !== signature) {
      throw unauthenticated("Auth token is invalid");
    }
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    if (claims.sub !== tokenId) throw unauthenticated("Auth token belongs to another token ID");
    if (claims.exp * 1000 <= this.#clock.epochMs()) throw unauthenticated("Auth token has expired");
  }

  #sign(body: string): string {
    return createHmac("sha256", this.#secret).update(body).digest("base64url");
  }
}

function base64Url(text: string): string {
  return Buffer.from(text).toString("base64url");
}

function unauthenticated(message: string): GrpcStatusError {
  return new GrpcStatusError(GRPC_STATUS.unauthenticated, message);
}
