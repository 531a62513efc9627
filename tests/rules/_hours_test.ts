import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DAYS } from "../../kv/rule_keys.ts";
import { ACTIVE_HOURS, longestStretchS } from "../../rules/_hours.ts";

const HOUR_S = 3_600;
const OFFICE = { from: "08:00", to: "18:00", zone: "Europe/Berlin" };

Deno.test("ACTIVE_HOURS are on all days unless some are named, in the order of the week", () => {
  assertEquals(ACTIVE_HOURS.parse(OFFICE), { ...OFFICE, days: [...DAYS] });
  const named = ACTIVE_HOURS.parse({ ...OFFICE, days: ["sun", "mon"] });
  assertEquals(named.days, ["mon", "sun"]);
  assertEquals(ACTIVE_HOURS.parse(named), named);
});

Deno.test("ACTIVE_HOURS refuse what holds no time, naming the field [R2]", () => {
  const bad = {
    from: [{ from: "8:00" }, { from: "24:00" }, { from: "08:60" }, { from: 8 }, { from: null }],
    to: [{ to: "08:00" }, { to: "00:00" }, { to: "24:01" }, { to: "18:00\n" }, { to: undefined }],
    zone: [{ zone: "Mars/Olympus" }, { zone: "+01:00" }, { zone: "" }, { zone: 1 }, { zone: null }],
    days: [{ days: [] }, { days: ["mon", "mon"] }, { days: "mon" }, { days: null }],
    "days,1": [{ days: ["mon", "someday"] }],
  };
  for (const [field, cases] of Object.entries(bad)) {
    for (const one of cases) {
      const { error } = ACTIVE_HOURS.safeParse({ ...OFFICE, ...one });
      assertEquals(error?.issues.map(({ path }) => String(path)), [field], JSON.stringify(one));
    }
  }
  const unknown = ACTIVE_HOURS.safeParse({ ...OFFICE, until: "19:00" });
  assert(unknown.error?.issues[0]?.message.includes("no field until"));
});

Deno.test("longestStretchS is what lies between, over midnight, and over days that touch", () => {
  const stretch = (from: string, to: string, days = [...DAYS]) =>
    longestStretchS({ from, to, zone: "UTC", days }) / HOUR_S;
  assertEquals(stretch("08:00", "18:00"), 10);
  assertEquals(stretch("22:00", "06:00"), 8);
  assertEquals(stretch("00:00", "23:59"), 24 - 1 / 60);
  assertEquals(stretch("12:00", "24:00"), 12);
  assertEquals(stretch("00:00", "24:00"), Infinity);
  assertEquals(stretch("00:00", "24:00", ["mon"]), 24);
  assertEquals(stretch("00:00", "24:00", ["mon", "wed", "thu"]), 48);
  assertEquals(stretch("00:00", "24:00", ["mon", "sat", "sun"]), 72);
});

Deno.test("longestStretchS is above zero for whatever ACTIVE_HOURS take", () => {
  const time = fc.tuple(fc.nat(24), fc.nat(59)).map((parts) =>
    parts.map((part) => String(part).padStart(2, "0")).join(":")
  );
  const days = fc.uniqueArray(fc.constantFrom(...DAYS));
  fc.assert(fc.property(time, time, days, (from, to, days) => {
    const read = ACTIVE_HOURS.safeParse({ from, to, zone: "UTC", days });
    const isGood = from < "24:00" && to > "00:00" && to <= "24:00" && from !== to &&
      days.length > 0;
    assertEquals(read.success, isGood);
    if (read.success) assert(longestStretchS(read.data) >= 60);
  }));
});
