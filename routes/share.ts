/**
 * `/share`: links for a helper to what a wearer sees and has seen, in words (SPEC A15).
 *
 * A link is a token that has no scopes but those of links; so it stands in the list of tokens too,
 * and one that was issued there (A9) stands in this one.
 *
 * @module
 */
import { type Context, Hono } from "@hono/hono";
import { SHARE_SCOPES, type TokenRecord, type TokenScope } from "../kv/token_keys.ts";
import { isShare } from "../wearers/principal.ts";
import type { Tokens } from "../wearers/tokens.ts";
import { jsonOf, limitBody } from "./_json_body.ts";
import { notIssued, timeOf } from "./_not_issued.ts";
import { reading, type ReadingDeps } from "./_reading.ts";
import { readShareBody } from "./_token_body.ts";
import { wearerOf } from "./_wearer.ts";
import { type AccessEnv, requireScope } from "./access.ts";
import { invalidBody } from "./errors.ts";

const MAX_BODY_BYTES = 16 * 1024;
const PATHS = { live: "/timeline/live", timeline: "/timeline" };

/** What the routes need. */
export interface ShareDeps extends ReadingDeps {
  readonly tokens: Tokens;
  /** Where links begin; null: where the request was made. */
  readonly publicUrl: string | null;
}

/** Serves `/share` and `/share/{id}`. */
export function shareRoutes(deps: ShareDeps): Hono<AccessEnv> {
  const { tokens } = deps;
  const admin = requireScope("admin");
  return new Hono<AccessEnv>()
    .post("/share", admin, limitBody(MAX_BODY_BYTES), (context) => share(deps, context))
    .get("/share", admin, (context) =>
      reading(deps, context, async () => {
        const links = (await tokens.list(wearerOf(context))).filter(({ scopes }) =>
          isShare(scopes)
        );
        return context.json({ links: links.map(described) });
      }))
    .delete("/share/:id", admin, (context) =>
      reading(deps, context, async () => {
        const id = context.req.param("id");
        const wearer = wearerOf(context);
        const link = (await tokens.list(wearer)).find((record) => record.id === id);
        if (!link || !isShare(link.scopes)) {
          return context.json({ detail: "No link has this id, or it has expired" }, 404);
        }
        await tokens.revoke(wearer, id);
        return context.body(null, 204);
      }));
}

async function share(deps: ShareDeps, context: Context<AccessEnv>): Promise<Response> {
  const body = await jsonOf(context);
  const read = readShareBody(body, deps.clock.epochMs());
  if (!read.success) return invalidBody(context, read.error, body);
  const { principal } = context.var;
  // Who may have all that is known of the wearer (A11) may let others read some of it.
  const issuer = { ...principal, scopes: [...principal.scopes, ...SHARE_SCOPES] };
  const request = { wearer: principal.wearer, issuer, ...read.data };
  return await reading(deps, context, async () => {
    const outcome = await deps.tokens.issue(request);
    if (outcome.kind !== "issued") return notIssued(context, request, outcome);
    const { token, record } = outcome;
    const base = deps.publicUrl ?? new URL(context.req.url).origin;
    context.header("Cache-Control", "no-store");
    return context.json({
      id: record.id,
      scopes: record.scopes,
      expires_at: timeOf(record.expiresAtMs),
      label: record.label,
      token,
      urls: urlsOf(base, record.scopes, token),
    }, 201);
  });
}

/** Addresses that work as they are. */
function urlsOf(base: string, scopes: readonly TokenScope[], token: string) {
  const given = SHARE_SCOPES.filter((scope) => scopes.includes(scope));
  return Object.fromEntries(given.map((scope) => [scope, `${base}${PATHS[scope]}?token=${token}`]));
}

function described(record: TokenRecord) {
  return {
    id: record.id,
    scopes: record.scopes,
    label: record.label,
    issued_at: timeOf(record.issuedAtMs),
    expires_at: timeOf(record.expiresAtMs),
    revoked_at: record.revokedAtMs === null ? null : timeOf(record.revokedAtMs),
  };
}
