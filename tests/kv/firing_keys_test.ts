import { assertEquals } from "@std/assert";
import { mannersKey, ruleCoursesKey, ruleEventKey, ruleEventPrefix } from "../../kv/firing_keys.ts";

Deno.test("keys of how rules stand lie as the table says", () => {
  const event = { ruleId: "r1", dueMs: 5, session: "s1", index: 7 };
  assertEquals(ruleCoursesKey("ann"), ["wearer", "ann", "rule_courses"]);
  assertEquals(ruleEventKey("ann", event), ["wearer", "ann", "rule_event", "r1", 5, "s1", 7]);
  assertEquals(ruleEventKey("ann", event).slice(0, -3), ruleEventPrefix("ann", "r1"));
  assertEquals(mannersKey("ann"), ["wearer", "ann", "manners"]);
});
