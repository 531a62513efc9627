/**
 * `/wearers/{id}`: gives tokens out, lists them, revokes them (SPEC A8, A9); says all that is known
 * of a wearer (A11).
 *
 * The operator does that for every wearer; a token with scope `admin` for its own.
 *
 * @module
 */
import { type Context, Hono } from "@hono/hono";
import type { Clock } from "../clock.ts";
import type { TokenRecord } from "../kv/token_keys.ts";
import { NAME } from "../wearers/principal.ts";
import { exportOf } from "../wearers/export.ts";
import type { IssueOutcome, IssueRequest, Tokens } from "../wearers/tokens.ts";
import { jsonOf, limitBody } from "./_json_body.ts";
import { notIssued, timeOf } from "./_not_issued.ts";
import { readIssueBody } from "./_token_body.ts";
import {
  forWearer,
  orUnavailable,
  unfit,
  unreadable,
  type WearerBooksDeps,
} from "./_for_wearer.ts";
import type { AccessEnv } from "./access.ts";
import { invalidBody } from "./errors.ts";

const MAX_BODY_BYTES = 16 * 1024;

/** What the routes need. */
export interface WearerDeps extends WearerBooksDeps {
  readonly kv: Deno.Kv;
  readonly tokens: Tokens;
  readonly clock: Clock;
}

/** Serves `/wearers/{id}/tokens`, `/wearers/{id}/tokens/{token id}` and `/wearers/{id}/export`. */
export function wearerRoutes(deps: WearerDeps): Hono<AccessEnv> {
  const { tokens, clock } = deps;
  return new Hono<AccessEnv>()
    .post("/wearers/:wearer/tokens", ...forWearer, limitBody(MAX_BODY_BYTES), async (context) => {
      const body = await jsonOf(context);
      const read = readIssueBody(body, clock.epochMs());
      if (!read.success) return invalidBody(context, read.error, body);
      const { principal: issuer } = context.var;
      const request = { wearer: context.req.param("wearer"), issuer, ...read.data };
      return await orUnavailable(
        deps,
        context,
        async () => respond(context, request, await tokens.issue(request)),
      );
    })
    .get("/wearers/:wearer/tokens", ...forWearer, (context) => {
      const wearer = context.req.param("wearer");
      return orUnavailable(deps, context, async () => {
        const records = await tokens.list(wearer);
        return context.json({ tokens: records.map((record) => described(wearer, record)) });
      });
    })
    .delete("/wearers/:wearer/tokens/:token", ...forWearer, (context) => {
      const { wearer, token } = context.req.param();
      if (!NAME.test(token)) return unfit(context, "token id", token);
      return orUnavailable(deps, context, async () => {
        await tokens.revoke(wearer, token);
        return context.body(null, 204);
      });
    })
    .get("/wearers/:wearer/export", ...forWearer, (context) => {
      const pieces = exportOf(deps.kv, context.req.param("wearer"));
      // Begun before it is promised.
      return orUnavailable(deps, context, async () => exported(deps, await pieces.next(), pieces));
    });
}

function respond(context: Context, request: IssueRequest, outcome: IssueOutcome): Response {
  if (outcome.kind !== "issued") return notIssued(context, request, outcome);
  // Nobody on the way shall keep it.
  context.header("Cache-Control", "no-store");
  return context.json({ token: outcome.token, ...described(request.wearer, outcome.record) }, 201);
}

/** All that is known of a token. */
function described(wearer: string, record: TokenRecord) {
  return {
    id: record.id,
    wearer,
    scopes: record.scopes,
    label: record.label,
    key: record.keyId,
    issued_by: record.issuedBy,
    issued_at: timeOf(record.issuedAtMs),
    expires_at: timeOf(record.expiresAtMs),
    revoked_at: record.revokedAtMs === null ? null : timeOf(record.revokedAtMs),
  };
}

/** Each piece is made as the client reads the one before. */
function exported(
  deps: WearerDeps,
  first: IteratorResult<string, void>,
  pieces: AsyncGenerator<string, void, void>,
): Response {
  async function* said() {
    if (!first.done) yield first.value;
    try {
      yield* pieces;
    } catch (error) {
      // The client misses the line that ends it.
      unreadable(deps, error);
    }
  }
  const body = ReadableStream.from(said()).pipeThrough(new TextEncoderStream());
  return new Response(body, {
    headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" },
  });
}
