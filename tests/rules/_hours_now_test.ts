import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type ActiveHours, DAYS } from "../../kv/rule_keys.ts";
import { hoursEndMs } from "../../rules/_hours_now.ts";

const hours = (from: string, to: string, more: Partial<ActiveHours> = {}): ActiveHours => ({
  from,
  to,
  zone: "Europe/Berlin",
  days: DAYS,
  ...more,
});
const at = (local: string, zone = "Europe/Berlin") =>
  Temporal.PlainDateTime.from(local).toZonedDateTime(zone).epochMilliseconds;

Deno.test("hoursEndMs tells when the hours end that a moment lies in [R5, R8]", () => {
  const day = hours("08:00", "20:00");
  assertEquals(hoursEndMs(day, at("2026-11-20T07:59:59")), null);
  assertEquals(hoursEndMs(day, at("2026-11-20T08:00")), at("2026-11-20T20:00"));
  assertEquals(hoursEndMs(day, at("2026-11-20T19:59:59.999")), at("2026-11-20T20:00"));
  assertEquals(hoursEndMs(day, at("2026-11-20T20:00")), null);
});

Deno.test("hoursEndMs knows hours that reach into the day after, of the day on which they begin [R5]", () => {
  // 2026-11-20 is a Friday.
  const night = hours("22:00", "06:00", { days: ["fri"] });
  assertEquals(hoursEndMs(night, at("2026-11-20T05:00")), null);
  assertEquals(hoursEndMs(night, at("2026-11-20T23:00")), at("2026-11-21T06:00"));
  assertEquals(hoursEndMs(night, at("2026-11-21T05:59")), at("2026-11-21T06:00"));
  assertEquals(hoursEndMs(night, at("2026-11-21T23:00")), null);
  assertEquals(hoursEndMs(hours("00:00", "24:00"), at("2026-11-20T12:00")), at("2026-11-21T00:00"));
});

Deno.test("hoursEndMs goes by the clock on the wall where that is put forward or back [R5]", () => {
  // On 2026-03-29 there is no 02:30 in Berlin; on 2026-10-25 there are two.
  const early = hours("02:30", "05:00");
  assertEquals(hoursEndMs(early, at("2026-03-29T04:00")), at("2026-03-29T05:00"));
  assertEquals(hoursEndMs(early, at("2026-10-25T05:00") - 1), at("2026-10-25T05:00"));
  const night = hours("22:00", "06:00");
  assertEquals(at("2026-10-25T06:00") - at("2026-10-24T22:00"), 9 * 3_600_000);
  assertEquals(hoursEndMs(night, at("2026-10-24T22:00")), at("2026-10-25T06:00"));
});

Deno.test("hoursEndMs says the same whatever it was asked before, and as the clock on the wall shows [R5]", () => {
  const time = fc.nat(24 * 60 - 1);
  const text = (minutes: number) => {
    return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${
      String(minutes % 60).padStart(2, "0")
    }`;
  };
  const moments = fc.array(
    fc.integer({ min: at("2026-01-01T00:00"), max: at("2026-03-01T00:00") }),
    {
      minLength: 1,
      maxLength: 20,
    },
  );
  const days = fc.uniqueArray(fc.constantFrom(...DAYS), { minLength: 1 });
  fc.assert(fc.property(time, time, days, moments, (from, to, days, all) => {
    fc.pre(from !== to);
    const asked = hours(text(from), text(to), { days });
    for (const ms of all) {
      const local = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO("Europe/Berlin");
      const minute = local.hour * 60 + local.minute;
      const today = days.includes(DAYS[local.dayOfWeek - 1]!);
      const yesterday = days.includes(DAYS[(local.dayOfWeek + 5) % 7]!);
      const lies = from < to
        ? today && minute >= from && minute < to
        : today && minute >= from || yesterday && minute < to;
      assertEquals(hoursEndMs(asked, ms) !== null, lies, `${local} in ${JSON.stringify(asked)}`);
    }
  }));
});
