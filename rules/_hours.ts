/**
 * The hours of the day in which a rule is looked at.
 *
 * @module
 */
import { z } from "zod";
import { type ActiveHours, DAYS } from "../kv/rule_keys.ts";
import { ZONE_MUST_BE, zoneNamed } from "../zones.ts";
import { strictly } from "./_strictly.ts";

const FROM_MUST = "must be a time of day as 08:00, from 00:00 to 23:59";
const TO_MUST = "must be a time of day as 22:00, from 00:01 to 24:00";
const DIFFERENT_MUST =
  "must differ from from, as there is no time between: all day is from 00:00 to 24:00";
const DAYS_MUST = `must be a list of one or more of ${DAYS.join(", ")}, none twice`;

const MINUTES_PER_DAY = 24 * 60;

/** Active hours as somebody writes them. */
export const ACTIVE_HOURS = z.strictObject({
  from: z.string({ error: FROM_MUST }).regex(/^([01]\d|2[0-3]):[0-5]\d$/, FROM_MUST),
  to: z.string({ error: TO_MUST }).regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, TO_MUST)
    .refine((to) => to !== "00:00", TO_MUST),
  zone: z.string({ error: ZONE_MUST_BE }).refine((name) => zoneNamed(name) !== null, ZONE_MUST_BE),
  days: z.array(z.enum(DAYS, { error: `must be one of ${DAYS.join(", ")}` }), { error: DAYS_MUST })
    .min(1, DAYS_MUST).refine((all) => new Set(all).size === all.length, DAYS_MUST)
    .transform((all) => DAYS.filter((day) => all.includes(day)))
    .default([...DAYS]),
}, { error: strictly("must be null, or an object with from, to, zone and, if not all, days") })
  .refine(({ from, to }) => from !== to, { path: ["to"], error: DIFFERENT_MUST });

/** The longest time without a break that lies in the hours; Infinity: they never end. */
export function longestStretchS({ from, to, days }: ActiveHours): number {
  const lengthMin = (minutesOf(to) - minutesOf(from) + MINUTES_PER_DAY) % MINUTES_PER_DAY;
  // Only whole days touch each other: 0 here, since from and to differ.
  if (lengthMin > 0) return lengthMin * 60;
  return days.length === DAYS.length ? Infinity : longestRun(days) * MINUTES_PER_DAY * 60;
}

function minutesOf(time: string): number {
  const [hours, minutes] = time.split(":").map(Number);
  return hours! * 60 + minutes!;
}

/** Days in a row; Sunday and Monday are. */
function longestRun(days: ActiveHours["days"]): number {
  let longest = 0, run = 0;
  for (const day of [...DAYS, ...DAYS]) {
    run = days.includes(day) ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}
