/**
 * Why somebody gets no token, or no link with one in it.
 *
 * @module
 */
import type { Context } from "@hono/hono";
import { MAX_TOKENS } from "../kv/token_records.ts";
import type { IssueOutcome, IssueRequest } from "../wearers/tokens.ts";
import { forbidden } from "./access.ts";

/** The answer to a wish that was not granted. */
export function notIssued(
  context: Context,
  { scopes, issuer, expiresAtMs }: IssueRequest,
  outcome: Exclude<IssueOutcome, { kind: "issued" }>,
): Response {
  switch (outcome.kind) {
    case "beyond_scopes": {
      const own = issuer.scopes.join(", ");
      const detail = `scopes must be among the token's own (${own}): current value is ${
        scopes.join(", ")
      }`;
      return forbidden(context, detail);
    }
    case "beyond_life": {
      const detail = `expires_at must be at most the token's own, ${timeOf(outcome.latestMs)}: ` +
        `current value is ${timeOf(expiresAtMs)}`;
      return forbidden(context, detail);
    }
    case "full": {
      const detail = `A wearer must have fewer than ${MAX_TOKENS} tokens that have not expired: ` +
        "wait until some have";
      return context.json({ detail }, 409);
    }
    case "no_key": {
      const detail = "TOKEN_SIGNING_KEYS must be set for tokens to be issued: it is unset";
      return context.json({ detail }, 501);
    }
  }
}

/** A time as clients read it. */
export function timeOf(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
