/**
 * Times as clients write and read them.
 *
 * @module
 */
import { MAX_EPOCH_MS } from "../timeline/pages.ts";

/** What a time in a query must be. */
export const TIME_MUST_BE = "must be a time in ISO 8601 or in milliseconds since 1970";

/**
 * The moment that a text names, in milliseconds since 1970; null: it names none.
 *
 * @param zone where the text has no offset, it is a time there
 */
export function momentOf(text: string, zone: string): number | null {
  if (/^-?\d{5,16}$/.test(text) || text === "0") {
    // Not -0, which KV tells from 0.
    const epochMs = Number(text) + 0;
    return Math.abs(epochMs) <= MAX_EPOCH_MS ? epochMs : null;
  }
  // A plus that nobody escaped arrives as a space.
  const iso = text.replace(/(T[\d:.,]+) (\d\d:?\d\d)$/i, "$1+$2");
  return instantOf(iso) ?? localOf(iso, zone);
}

/**
 * A moment under its name, in UTC, and where a zone is asked for beside it in local time:
 * `{started_at, started_at_local}`.
 */
export function timeFields<N extends string>(
  name: N,
  epochMs: number | null,
  zone: string | null,
): Record<string, string | null> {
  if (epochMs === null) return zone ? { [name]: null, [`${name}_local`]: null } : { [name]: null };
  const instant = Temporal.Instant.fromEpochMilliseconds(Math.round(epochMs));
  const options = { fractionalSecondDigits: 3, timeZoneName: "never" } as const;
  const utc = { [name]: instant.toString({ fractionalSecondDigits: 3 }) };
  if (!zone) return utc;
  return { ...utc, [`${name}_local`]: instant.toZonedDateTimeISO(zone).toString(options) };
}

function instantOf(iso: string): number | null {
  try {
    return Temporal.Instant.from(iso).epochMilliseconds;
  } catch {
    return null;
  }
}

function localOf(iso: string, zone: string): number | null {
  try {
    const local = Temporal.PlainDateTime.from(iso);
    return local.toZonedDateTime(zone).epochMilliseconds;
  } catch {
    return null;
  }
}
