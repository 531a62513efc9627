/**
 * Manners as somebody writes them.
 *
 * @module
 */
import { z } from "zod";
import type { Manners } from "../kv/firing_keys.ts";
import { DEFAULT_MANNERS } from "../kv/manners.ts";
import { ACTIVE_HOURS } from "./_hours.ts";
import { strictly } from "./_strictly.ts";

const MAX_PER_DAY = 200;
const PER_DAY_MUST = `must be a whole number from 1 to ${MAX_PER_DAY}`;
const HOURS_MUST = "must be null, or an object with from, to and zone";

/** Times as in active hours; they are quiet on every day. */
const QUIET_HOURS = z.strictObject({ from: z.unknown(), to: z.unknown(), zone: z.unknown() }, {
  error: strictly(HOURS_MUST),
}).pipe(ACTIVE_HOURS).transform(({ from, to, zone }) => ({ from, to, zone }));

/** The body of `PUT /manners`; what is left out has its default. */
export const MANNERS = z.strictObject({
  quiet_hours: QUIET_HOURS.nullable().default(DEFAULT_MANNERS.quietHours),
  max_per_day: z.int({ error: PER_DAY_MUST }).min(1, PER_DAY_MUST).max(MAX_PER_DAY, PER_DAY_MUST)
    .default(DEFAULT_MANNERS.maxPerDay),
}, { error: strictly("must be a JSON object with quiet_hours and max_per_day") })
  .transform(({ quiet_hours, max_per_day }): Manners => ({
    quietHours: quiet_hours,
    maxPerDay: max_per_day,
  }));
