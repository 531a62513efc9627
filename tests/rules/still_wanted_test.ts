import { assertEquals } from "@std/assert";
import type { Manners } from "../../kv/firing_keys.ts";
import { createStillWanted } from "../../rules/still_wanted.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { ruleOf } from "./_evaluating.ts";

const NOON_MS = Date.UTC(2026, 10, 20, 12);

function asked(manners: Manners = { quietHours: null, maxPerDay: 50 }) {
  const clock = createFakeClock(NOON_MS);
  const rules = new Map([
    ["ann dog", ruleOf("dog")],
    ["ann off", ruleOf("off", { enabled: false })],
    ["ann new", { ...ruleOf("new"), version: 2 }],
  ]);
  const wanted = createStillWanted({
    clock,
    rules: { get: (wearer, id) => Promise.resolve(rules.get(`${wearer} ${id}`) ?? null) },
    manners: { get: () => Promise.resolve(manners) },
  });
  return (id: string | null, kind = "rule", wearer = "ann") =>
    wanted({ wearer, cause: { kind, id } });
}

Deno.test("a message is wanted as long as its rule is as it was [R8]", async () => {
  const wanted = asked();
  assertEquals(await wanted("dog.1"), { kind: "yes" });
  assertEquals(await wanted("gone.1"), { kind: "no", reason: "the rule was removed" });
  assertEquals(await wanted("dog.1", "rule", "bob"), {
    kind: "no",
    reason: "the rule was removed",
  });
  assertEquals(await wanted("off.1"), { kind: "no", reason: "the rule was disabled" });
  assertEquals(await wanted("new.1"), { kind: "no", reason: "the rule was changed" });
  assertEquals(await wanted("new.2"), { kind: "yes" });
  assertEquals(await wanted("gone.1", "poke_send"), { kind: "yes" }, "no rule is its cause");
  assertEquals(await wanted(null), { kind: "yes" });
});

Deno.test("a message waits in quiet hours until they end, and not outside of them [R8]", async () => {
  const hours = (from: string, to: string) => ({ from, to, zone: "Europe/Berlin" });
  const quiet = asked({ quietHours: hours("12:00", "14:30"), maxPerDay: 50 });
  assertEquals(await quiet("dog.1"), { kind: "later", untilMs: NOON_MS + 90 * 60_000 });
  assertEquals(await quiet("gone.1"), { kind: "no", reason: "the rule was removed" });
  assertEquals(await quiet("gone.1", "poke_send"), { kind: "yes" });
  const night = asked({ quietHours: hours("22:00", "07:00"), maxPerDay: 50 });
  assertEquals(await night("dog.1"), { kind: "yes" });
});
