import { assert, assertEquals, assertRejects } from "@std/assert";
import { ruleCoursesKey, type RuleEventFacts } from "../../kv/firing_keys.ts";
import { RuleCourses } from "../../kv/rule_courses.ts";
import { evidenceWith } from "../../rules/_evidence.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { DAY_MS } from "./_sessions.ts";
import { NOW_MS, openSweeping } from "./_sweeping.ts";
import { withKv } from "./_temp_kv.ts";

const ID = "0b4c1f6e-8a52-4d0a-9d5e-0123456789ab";
const idOf = (at: number) => `${String(at).padStart(4, "0")}${ID.slice(4)}`;

function open(kv: Deno.Kv, keptMs = 30 * DAY_MS) {
  const clock = createFakeClock(NOW_MS);
  const courses = new RuleCourses({ kv, clock, keptForMs: () => Promise.resolve(keptMs) });
  const note = async (dueMs: number, ruleId = "dog", wearer = "ann") => {
    const answer = { session: "s1", index: 7, yes: true, confidence: 0.9 };
    const event: RuleEventFacts = {
      ruleId,
      ruleVersion: 1,
      dueMs,
      sinceMs: dueMs - 3000,
      heldMs: 3000,
      session: "s1",
      index: 7,
      evidence: evidenceWith(null, answer),
      outcome: { kind: "not_asked", reason: "the camera is paused" },
    };
    const commit = kv.atomic();
    courses.addEvent(commit, wearer, event, keptMs);
    await commit.commit();
  };
  const dueOf = async (limit = 10, wearer = "ann") => {
    const { items, next } = await courses.events(wearer, "dog", { limit, after: null });
    return [items.map(({ dueMs }) => dueMs), next];
  };
  return { clock, courses, note, dueOf };
}

Deno.test("RuleCourses tells events of a rule, the newest first, page by page, until they are past [R7]", () =>
  withKv(async (kv) => {
    const { clock, courses, note, dueOf } = open(kv, DAY_MS);
    for (const at of [2, 1, 3]) await note(NOW_MS + at);
    await note(NOW_MS + 4, "cat");
    await note(NOW_MS + 5, "dog", "bob");
    assertEquals(await dueOf(), [[NOW_MS + 3, NOW_MS + 2, NOW_MS + 1], null]);
    const [, next] = await dueOf(2) as [number[], [number, string, number]];
    assertEquals(next, [NOW_MS + 2, "s1", 7]);
    const page = await courses.events("ann", "dog", { limit: 2, after: next });
    assertEquals([page.items.map(({ dueMs }) => dueMs), page.next], [[NOW_MS + 1], null]);
    clock.tick(DAY_MS);
    assertEquals(await dueOf(), [[], null]);
  }));

Deno.test("events of rules go with the wearer's time, and are swept when that is made shorter [R7, A13]", () =>
  withKv(async (kv) => {
    const { note, dueOf } = open(kv, Infinity);
    const books = openSweeping(kv);
    for (const daysAgo of [9, 5, 1]) await note(NOW_MS - daysAgo * DAY_MS);
    await note(NOW_MS - 9 * DAY_MS, "dog", "bob");
    await books.retention.set("ann", 6);
    const swept = await books.sweep();
    assert(swept.kind === "swept");
    assertEquals([swept.facts.counts, swept.facts.leftOlder], [{ rule_event: 1 }, 0]);
    assertEquals(await dueOf(), [[NOW_MS - DAY_MS, NOW_MS - 5 * DAY_MS], null]);
    assertEquals((await dueOf(10, "bob"))[0], [NOW_MS - 9 * DAY_MS]);
  }));

Deno.test("RuleCourses writes unless somebody else was faster [R5]", () =>
  withKv(async (kv) => {
    const { courses } = open(kv);
    const entry = await courses.read("ann");
    const counted = [["s1", 1]] as const;
    const first = kv.atomic();
    courses.put(first, entry, { ...entry.courses, counted }, DAY_MS);
    assertEquals((await first.commit()).ok, true);
    const second = kv.atomic();
    courses.put(second, entry, entry.courses, DAY_MS);
    assertEquals((await second.commit()).ok, false);
    assertEquals((await courses.read("ann")).courses.counted, counted);
  }));

Deno.test("the courses of as many rules as may be fit into one value [R5]", () =>
  withKv(async (kv) => {
    const { courses } = open(kv);
    let evidence = null;
    for (let at = 0; at < 40; at++) {
      const answer = { session: idOf(at), index: 1e6, yes: true, confidence: 0.987654321 };
      evidence = evidenceWith(evidence, answer);
    }
    const held = { level: 0.87, atMs: NOW_MS + 0.1, sinceMs: NOW_MS + 0.1, heldMs: 1e6 + 0.1 };
    const view = { session: ID, chance: 0.987654321, untilMs: NOW_MS + 0.1 };
    const whole = {
      version: 1e6,
      course: { kind: "confirming", ...held, dueMs: NOW_MS, attempt: 3, untilMs: NOW_MS },
      evidence,
      firedAtMs: [],
      misses: 6,
      views: Array(4).fill(view),
    } as const;
    const gone = {
      ...whole,
      course: { kind: "idle", level: 0, atMs: 0 },
      evidence: null,
      views: [],
    };
    const all = [
      ...Array.from({ length: 20 }, (_, at) => [idOf(at), whole]),
      // As often as all rules together may fire in a day, each time one that was removed then.
      ...Array.from({ length: 200 }, (_, at) => [idOf(100 + at), { ...gone, firedAtMs: [NOW_MS] }]),
    ];
    const value = {
      courses: Object.fromEntries(all),
      counted: Array.from({ length: 8 }, (_, at) => [idOf(at), 1e6] as const),
      said: Array.from({ length: 20 }, () => ({ hash: "f".repeat(64), atMs: NOW_MS })),
    };
    const commit = kv.atomic();
    courses.put(commit, await courses.read("ann"), value, DAY_MS);
    assertEquals((await commit.commit()).ok, true);
    // KV itself says where the limit is.
    await assertRejects(() =>
      kv.set(ruleCoursesKey("ann"), { ...value, more: "x".repeat(40_000) })
    );
  }));
