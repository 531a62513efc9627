/**
 * `/mcp`: assistants ask the glasses, over the Model Context Protocol (SPEC C).
 *
 * @module
 */
import { type Context, Hono, type MiddlewareHandler } from "@hono/hono";
import type { RuleStore } from "../rules/store.ts";
import type { Search } from "../timeline/search/search.ts";
import type { Cameras } from "../wearers/camera.ts";
import { openAssistantBooks } from "./_assistant_books.ts";
import { jsonOf, limitBody } from "./_json_body.ts";
import { type ReadingDeps, unreadable } from "./_reading.ts";
import { wearerOf } from "./_wearer.ts";
import { type AccessEnv, forbidden } from "./access.ts";

const MAX_BODY_BYTES = 64 * 1024;
const JSON_TYPE = /^application\/json *(;|$)/i;
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/** What the route needs. */
export interface McpDeps extends ReadingDeps {
  readonly search: Search;
  readonly rules: RuleStore;
  readonly cameras: Cameras;
}

/** Serves `/mcp`. */
export function mcpRoutes(deps: McpDeps): Hono<AccessEnv> {
  return new Hono<AccessEnv>()
    .post("/mcp", requireOwnOrigin, limitBody(MAX_BODY_BYTES), (context) => answer(deps, context))
    // There are no sessions to end, and nothing is ever said unasked.
    .all("/mcp", (context) => {
      context.header("Allow", "POST");
      const { method } = context.req;
      return context.json({ detail: `The method must be POST: current value is ${method}` }, 405);
    });
}

async function answer(deps: McpDeps, context: Context<AccessEnv>): Promise<Response> {
  const type = context.req.header("content-type") ?? "";
  if (!JSON_TYPE.test(type)) {
    return context.json({ detail: "Content-Type must be application/json" }, 415);
  }
  const body = await jsonOf(context);
  if (typeof body !== "object" || body === null) {
    const error = { code: -32700, message: "The body must be a JSON-RPC message" };
    return context.json({ jsonrpc: "2.0", error, id: null }, 400);
  }
  // A process that no assistant asks does without the SDK.
  const { answerMcp } = await import("../assistant/answer.ts");
  const { url, raw: { headers } } = context.req;
  const wearer = wearerOf(context);
  const { rules, cameras, clock } = deps;
  return await answerMcp({ url, headers, body }, {
    means: { wearer, books: openAssistantBooks(deps, wearer), rules, cameras, clock },
    scopes: context.var.principal.scopes,
    failed: (error) => unreadable(deps, error),
  });
}

/**
 * Refuses what another site's page has a browser send, also where that site's name leads here (DNS
 * rebinding): the protocol asks for it. Assistants are no browsers and name no origin.
 */
const requireOwnOrigin: MiddlewareHandler<AccessEnv> = async (context, next) => {
  const origin = context.req.header("origin");
  if (origin === undefined || isOwn(origin, context.req.header("host") ?? "")) return await next();
  return forbidden(context, "Origin must be this server's own, or left out");
};

/** A page that was loaded over TLS, or from this machine, is where its name says. */
function isOwn(origin: string, host: string): boolean {
  const address = URL.parse(origin);
  const isTrue = address?.protocol === "https:" || LOOPBACK.test(address?.host ?? "");
  return isTrue && address?.host === host.toLowerCase();
}
