/**
 * Whether a moment lies in hours of the day, and when these end.
 *
 * @module
 */
import { type ActiveHours, DAYS } from "../kv/rule_keys.ts";

const MS_PER_MINUTE = 60_000;

/** The answer for the minute that was asked last: zones and hours change at minutes only. */
const known = new WeakMap<
  ActiveHours,
  { readonly minute: number; readonly endsAtMs: number | null }
>();

/** When the hours end that the moment lies in, wall time; null: it lies in none. */
export function hoursEndMs(hours: ActiveHours, atMs: number): number | null {
  const minute = Math.floor(atMs / MS_PER_MINUTE);
  const last = known.get(hours);
  if (last?.minute === minute) return last.endsAtMs;
  const endsAtMs = endOf(hours, minute * MS_PER_MINUTE);
  known.set(hours, { minute, endsAtMs });
  return endsAtMs;
}

function endOf({ from, to, zone, days }: ActiveHours, atMs: number): number | null {
  const today = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(zone).toPlainDate();
  for (const day of [today.subtract({ days: 1 }), today]) {
    if (!days.includes(DAYS[day.dayOfWeek - 1]!)) continue;
    const startMs = momentOf(day, from, zone);
    const lastDay = to === "24:00" || to <= from ? day.add({ days: 1 }) : day;
    const endMs = momentOf(lastDay, to === "24:00" ? "00:00" : to, zone);
    if (startMs <= atMs && atMs < endMs) return endMs;
  }
  return null;
}

function momentOf(day: Temporal.PlainDate, time: string, zone: string): number {
  return day.toPlainDateTime(Temporal.PlainTime.from(time)).toZonedDateTime(zone).epochMilliseconds;
}
