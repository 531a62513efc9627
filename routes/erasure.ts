/**
 * `DELETE /wearers/{id}`: erases all that is known of a wearer (SPEC A12).
 *
 * @module
 */
import { type Context, Hono } from "@hono/hono";
import type { EraseOutcome, Erasures, Receipt } from "../wearers/erasures.ts";
import { forWearer, orUnavailable, type WearerBooksDeps } from "./_for_wearer.ts";
import type { AccessEnv } from "./access.ts";

const RETRY_AFTER_S = 2;

/** What the routes need. */
export interface ErasureDeps extends WearerBooksDeps {
  readonly erasures: Pick<Erasures, "erase" | "state">;
}

/** Serves `DELETE /wearers/{id}` and `GET /wearers/{id}/erasure`. */
export function erasureRoutes(deps: ErasureDeps): Hono<AccessEnv> {
  const { erasures } = deps;
  return new Hono<AccessEnv>()
    .delete("/wearers/:wearer", ...forWearer, (context) => {
      const wearer = context.req.param("wearer");
      const answer = async () => respond(context, wearer, await erasures.erase(wearer));
      return orUnavailable(deps, context, answer);
    })
    .get("/wearers/:wearer/erasure", ...forWearer, (context) => {
      const wearer = context.req.param("wearer");
      const answer = async () => respond(context, wearer, await erasures.state(wearer));
      return orUnavailable(deps, context, answer);
    });
}

function respond(context: Context, wearer: string, outcome: EraseOutcome): Response {
  switch (outcome.kind) {
    case "erased":
      return context.json(described(outcome.receipt));
    case "under_way": {
      const { startedAtMs, counts } = outcome;
      context.header("Location", `/wearers/${wearer}/erasure`);
      context.header("Retry-After", String(RETRY_AFTER_S));
      const body = { wearer, state: "under_way", started_at: timeOf(startedAtMs), counts };
      return context.json(body, 202);
    }
    case "none": {
      const detail = `No erasure of wearer ${wearer} is under way, or known to this process`;
      return context.json({ detail }, 404);
    }
  }
}

function described({ wearer, startedAtMs, erasedAtMs, counts, file }: Receipt) {
  return {
    wearer,
    state: "erased",
    started_at: timeOf(startedAtMs),
    erased_at: timeOf(erasedAtMs),
    counts,
    file,
  };
}

function timeOf(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
