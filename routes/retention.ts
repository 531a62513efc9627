/**
 * `/wearers/{id}/retention`: how long a wearer's records stay (SPEC A13).
 *
 * @module
 */
import { Hono } from "@hono/hono";
import { z } from "zod";
import type { Retention, RetentionFacts } from "../kv/retention.ts";
import type { Sweeps } from "../wearers/sweeps.ts";
import { forWearer, orUnavailable, type WearerBooksDeps } from "./_for_wearer.ts";
import { jsonOf, limitBody } from "./_json_body.ts";
import type { AccessEnv } from "./access.ts";
import { invalidBody } from "./errors.ts";

const MAX_BODY_BYTES = 1024;
const MAX_DAYS = 3_650;
const DAYS_MUST =
  `must be a whole number from 1 to ${MAX_DAYS}, 0 for good, or null for the default`;

const BODY = z.object({
  days: z.int({ error: DAYS_MUST }).min(0, DAYS_MUST).max(MAX_DAYS, DAYS_MUST).nullable(),
}, { error: "must be a JSON object" });

/** What the routes need. */
export interface RetentionDeps extends WearerBooksDeps {
  readonly retention: Pick<Retention, "get" | "set">;
  readonly sweeps: Pick<Sweeps, "sweep">;
  readonly retentionDays: number;
}

/** Serves `/wearers/{id}/retention`. */
export function retentionRoutes(deps: RetentionDeps): Hono<AccessEnv> {
  const { retention, retentionDays } = deps;
  return new Hono<AccessEnv>()
    .get("/wearers/:wearer/retention", ...forWearer, (context) => {
      const wearer = context.req.param("wearer");
      return orUnavailable(deps, context, async () => {
        return context.json(described(wearer, await retention.get(wearer), retentionDays));
      });
    })
    .put("/wearers/:wearer/retention", ...forWearer, limitBody(MAX_BODY_BYTES), async (context) => {
      const wearer = context.req.param("wearer");
      const body = await jsonOf(context);
      const read = BODY.safeParse(body);
      if (!read.success) return invalidBody(context, read.error, body);
      return await orUnavailable(deps, context, async () => {
        await retention.set(wearer, read.data.days);
        // What a shorter time leaves behind goes soon; nobody waits for it.
        void deps.sweeps.sweep(wearer);
        return context.json(described(wearer, await retention.get(wearer), retentionDays));
      });
    });
}

function described(
  wearer: string,
  { days, ownDays, lastSweep }: RetentionFacts,
  defaultDays: number,
) {
  return {
    wearer,
    days,
    own_days: ownDays,
    default_days: defaultDays,
    last_sweep: lastSweep && {
      at: new Date(lastSweep.atMs).toISOString(),
      counts: lastSweep.counts,
      left_older: lastSweep.leftOlder,
    },
  };
}
