/**
 * `GET /manners` and `PUT /manners`: how a wearer wants to be spoken to (SPEC R8).
 *
 * @module
 */
import { Hono } from "@hono/hono";
import type { Manners } from "../kv/firing_keys.ts";
import type { MannersBook } from "../kv/manners.ts";
import { MANNERS } from "../rules/manners.ts";
import { jsonOf, limitBody } from "./_json_body.ts";
import { reading, type ReadingDeps } from "./_reading.ts";
import { wearerOf } from "./_wearer.ts";
import { type AccessEnv, requireScope } from "./access.ts";
import { invalidBody } from "./errors.ts";

const MAX_BODY_BYTES = 4 * 1024;
const OUTAGE = "Manners cannot be read or changed now: come again";

/** What the routes need. */
export interface MannersDeps extends ReadingDeps {
  readonly manners: MannersBook;
}

/** Serves `/manners`. */
export function mannersRoutes(deps: MannersDeps): Hono<AccessEnv> {
  const { manners } = deps;
  const may = requireScope("rules");
  return new Hono<AccessEnv>()
    .get("/manners", may, (context) =>
      reading(deps, context, async () => {
        return context.json(viewOf(await manners.get(wearerOf(context))));
      }, OUTAGE))
    .put("/manners", may, limitBody(MAX_BODY_BYTES), async (context) => {
      const body = await jsonOf(context);
      const read = MANNERS.safeParse(body);
      if (!read.success) return invalidBody(context, read.error, body);
      return await reading(deps, context, async () => {
        await manners.put(wearerOf(context), read.data);
        return context.json(viewOf(read.data));
      }, OUTAGE);
    });
}

function viewOf({ quietHours, maxPerDay }: Manners) {
  return { quiet_hours: quietHours, max_per_day: maxPerDay };
}
