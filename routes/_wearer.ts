/**
 * Whose request it is.
 *
 * @module
 */
import type { Context } from "@hono/hono";
import type { AccessEnv } from "./access.ts";

/** The wearer whose records the request may read. */
export function wearerOf(context: Context<AccessEnv>): string {
  return context.var.principal.wearer;
}
