/**
 * What routes share that look after a wearer's records: who may, and what if KV does not answer.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "@hono/hono";
import type { Counters } from "../counters.ts";
import { type Logger, reasonOf } from "../log.ts";
import { NAME, NAME_MUST } from "../wearers/principal.ts";
import { type AccessEnv, forbidden, requireScope } from "./access.ts";
import { unavailable } from "./errors.ts";

const RETRY_AFTER_S = 1;
const MAX_QUOTED_CHARS = 100;

/** What they need. */
export interface WearerBooksDeps {
  readonly counters: Counters;
  readonly log: Logger;
}

/** The operator may act for every wearer, a token for its own. */
const requireOwnWearer: MiddlewareHandler<AccessEnv> = async (context, next) => {
  const wearer = context.req.param("wearer") ?? "";
  if (!NAME.test(wearer)) return unfit(context, "wearer id", wearer);
  const { principal } = context.var;
  if (principal.tokenId === null || principal.wearer === wearer) return await next();
  const detail =
    `wearer id must be the token's own, ${principal.wearer}: current value is ${wearer}`;
  return forbidden(context, detail);
};

/** A 422 for a name that is none. */
export function unfit(context: Context, name: string, value: string): Response {
  const quoted = value.length > MAX_QUOTED_CHARS
    ? `a text of ${value.length} characters`
    : JSON.stringify(value);
  return context.json({ detail: `${name} ${NAME_MUST}: current value is ${quoted}` }, 422);
}

/** Lets on who may look after the wearer in the path (SPEC A9). */
export const forWearer = [requireScope("admin"), requireOwnWearer] as const;

/** Counts and logs what KV refused. */
export function unreadable({ log, counters }: WearerBooksDeps, error: unknown): void {
  counters.kvFailures++;
  log.error("kv.wearer_failed", { reason: reasonOf(error) });
}

/** What KV refuses may be asked again. */
export async function orUnavailable(
  deps: WearerBooksDeps,
  context: Context,
  answer: () => Promise<Response>,
): Promise<Response> {
  try {
    return await answer();
  } catch (error) {
    unreadable(deps, error);
    return unavailable(context, "The books cannot be read or written: come again", RETRY_AFTER_S);
  }
}
