/**
 * Time zones, by name.
 *
 * @module
 */

/** What a zone must be. */
export const ZONE_MUST_BE = "must be the IANA name of a time zone, such as Europe/Berlin";

/** The zone of that IANA name, as it was given; null: there is none. */
export function zoneNamed(name: string): string | null {
  try {
    // Offsets are zones for Temporal too, but they are nobody's local time all year round.
    return /^[a-z]/i.test(name) && Temporal.Now.zonedDateTimeISO(name) ? name : null;
  } catch {
    return null;
  }
}
