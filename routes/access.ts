/**
 * Who may come in, on whose behalf, and what for (WIRE A1-A3, SPEC A5-A9).
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "@hono/hono";
import type { Counters } from "../counters.ts";
import type { TokenScope } from "../kv/token_keys.ts";
import type { Logger } from "../log.ts";
import { isShare, may, OPERATOR, type Principal } from "../wearers/principal.ts";
import type { Authentication, Tokens } from "../wearers/tokens.ts";
import { watchForLeaving } from "./_leaving.ts";
import { isConsole } from "./console.ts";
import { isLinked } from "./links.ts";
import { unavailable } from "./errors.ts";

/** Served to everyone, beside the console. */
const PUBLIC_PATHS = new Set(["/health"]);
/** Here a token may stand in the address, as some clients can set nothing else. */
const STREAM_PATH = "/vision/stream";
const BEARER = /^Bearer +(\S+) *$/i;
const RETRY_AFTER_S = 1;

/** What the middleware leaves in the context for the handlers behind it. */
export interface AccessVariables {
  /** On whose behalf the request is made: whatever it reads and writes is this wearer's. */
  readonly principal: Principal;
}

/** The environment of handlers behind {@link requireAccess}. */
export interface AccessEnv {
  Variables: AccessVariables;
}

/** What the middleware needs. */
export interface AccessDeps {
  /** Null: nobody knows it. */
  readonly magicWord: string | null;
  readonly tokens: Pick<Tokens, "authenticate">;
  readonly counters: Counters;
  readonly log: Logger;
}

/**
 * Lets in who knows the magic word, in header `x-magic-word` or query `magic_word`, as the operator;
 * else who brings a good token, as its wearer. Answers everyone else 403 before any work is done:
 * `forbidden`, or to a token what is wrong with it.
 */
export function requireAccess(deps: AccessDeps): MiddlewareHandler<AccessEnv> {
  const { magicWord, tokens } = deps;
  const expected = magicWord === null ? null : digest(magicWord);
  return async (context, next) => {
    const { req } = context;
    if (PUBLIC_PATHS.has(req.path) || isConsole(context)) return await next();
    const given = req.header("x-magic-word") || req.query("magic_word") || "";
    // Digests have one length, so the comparison takes the same time whatever was given.
    const knowsWord = expected !== null && timingSafeEqual(digest(given), expected);
    if (knowsWord) {
      context.set("principal", OPERATOR);
      return await next();
    }
    const token = tokenOf(context);
    if (token === null) return context.text("forbidden", 403);
    watchForLeaving(req.raw);
    const answer = await tokens.authenticate(token);
    if (answer.kind !== "known") return refuse(context, deps, answer);
    const { scopes } = answer.principal;
    // Whatever route there will be: a helper's link leads nowhere else.
    if (isShare(scopes) && !isLinked(context)) return lacks(context, scopes, "others");
    context.set("principal", answer.principal);
    return await next();
  };
}

/** Says what is wrong with a token, and not which it was. */
function refuse(
  context: Context,
  { counters, log }: AccessDeps,
  answer: Exclude<Authentication, { kind: "known" }>,
): Response {
  switch (answer.kind) {
    case "unavailable":
      counters.kvFailures++;
      log.error("kv.token_failed", { reason: answer.reason });
      return unavailable(context, "The token cannot be checked: come again", RETRY_AFTER_S);
    case "forged":
      return forbidden(context, "token must be one that this server has issued: it is not");
    case "expired": {
      const at = new Date(answer.expiresAtMs).toISOString();
      return forbidden(context, `token must not have expired: it did at ${at}`);
    }
    case "revoked":
      return forbidden(context, "token must not be revoked: it is");
  }
}

/** Lets on whose principal has one of the scopes; answers others 403 with those that it needs. */
export function requireScope(...anyOf: readonly TokenScope[]): MiddlewareHandler<AccessEnv> {
  const needed = anyOf.join(" or ");
  return async (context, next) => {
    const { principal } = context.var;
    if (anyOf.some((scope) => may(principal, scope))) return await next();
    return lacks(context, principal.scopes, needed);
  };
}

function lacks(context: Context, scopes: readonly TokenScope[], needed: string): Response {
  const has = scopes.join(", ");
  return forbidden(context, `The token's scopes must include ${needed}: current value is ${has}`);
}

/** A 403 that says why. */
export function forbidden(context: Context, detail: string): Response {
  return context.json({ detail }, 403);
}

function tokenOf(context: Context): string | null {
  const { req } = context;
  const brought = BEARER.exec(req.header("authorization") ?? "")?.[1];
  if (brought !== undefined) return brought;
  return req.path === STREAM_PATH || isLinked(context) ? req.query("token") || null : null;
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
