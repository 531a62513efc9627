import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Course } from "../../kv/firing_keys.ts";
import {
  IDLE,
  type Look,
  maxGapMs,
  OFF_LEVEL,
  stepped,
  type Terms,
  whenFired,
  whenPutOff,
} from "../../rules/_course.ts";

const START_MS = Date.UTC(2026, 0, 1);
const TERMS: Terms = { kind: "seen", holdS: 3, cooldownS: 0 };

/** Looks of a second each, one behind the other. */
function looks(chances: readonly number[], fromMs = START_MS): Look[] {
  return chances.map((chance, at) => ({
    startMs: fromMs + at * 1000,
    endMs: fromMs + (at + 1) * 1000,
    chance,
    isActive: true,
  }));
}

interface Run {
  course: Course;
  readonly firedAtMs: number[];
  readonly held: { readonly sinceMs: number; readonly heldMs: number }[];
}

/** Follows a rule that fires whenever it is due. */
function run(all: readonly Look[], terms = TERMS, course: Course = IDLE): Run {
  const told: Run = { course, firedAtMs: [], held: [] };
  for (const look of all) {
    const next = stepped(told.course, terms, look);
    told.course = next;
    if (next.kind !== "due") continue;
    told.firedAtMs.push(next.dueMs);
    told.held.push(next);
    told.course = whenFired(next, terms, next.dueMs);
  }
  return told;
}

const atS = ({ firedAtMs }: Run) => firedAtMs.map((ms) => (ms - START_MS) / 1000);
const many = (count: number, chance: number) => Array.from({ length: count }, () => chance);

Deno.test("course: a condition that holds fires once, when it has held for long enough [R5]", () => {
  assertEquals(atS(run(looks([0, 0, ...many(60, 1)]))), [5]);
});

Deno.test("course: one odd chunk neither starts nor stops it [R5]", () => {
  assertEquals(atS(run(looks([...many(9, 0), 1, ...many(9, 0)]), { ...TERMS, holdS: 0 })), []);
  assertEquals(atS(run(looks([1, 1, 1, 0, 1, 1]), { ...TERMS, holdS: 6 })), [6]);
  // Two of them do stop it: it begins anew.
  assertEquals(atS(run(looks([1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1]), { ...TERMS, holdS: 6 })), [11]);
});

Deno.test("course: what is not convincing never fires, however long it goes on [R5]", () => {
  assertEquals(atS(run(looks(many(600, 0.65)), { ...TERMS, holdS: 0 })), []);
  assertEquals(atS(run(looks(many(600, 0.5)), { ...TERMS, kind: "absent", holdS: 0 })), []);
});

Deno.test("course: absent fires when nothing was seen for so long, and not again before it was [R5]", () => {
  const terms: Terms = { kind: "absent", holdS: 600, cooldownS: 0 };
  assertEquals(atS(run(looks([...many(30, 1), ...many(3000, 0)]), terms)), [630]);
  const seenAgain = [...many(600, 0), ...many(3, 1), ...many(600, 0)];
  assertEquals(atS(run(looks(seenAgain), terms)), [600, 1203]);
});

Deno.test("course: what nobody looked at neither counts nor undoes anything, for a while [R5]", () => {
  const terms: Terms = { kind: "seen", holdS: 3600, cooldownS: 0 };
  const half = looks(many(1800, 1));
  const gapMs = maxGapMs(terms);
  assertEquals(gapMs, 360_000);
  const later = (gap: number) => looks(many(1800, 1), START_MS + 1_800_000 + gap);
  assertEquals(atS(run([...half, ...later(gapMs)], terms)), [3960]);
  assertEquals(atS(run([...half, ...later(gapMs + 1)], terms)), []);
  assertEquals(maxGapMs({ holdS: 3 }), 120_000);
});

Deno.test("course: outside its hours nothing holds, and inside it begins anew [R5]", () => {
  const all = looks(many(20, 1)).map((look, at) => ({ ...look, isActive: at >= 10 }));
  assertEquals(atS(run(all, { ...TERMS, holdS: 5 })), [15]);
});

Deno.test("course: the cooldown and a convincing no must both be over [R5]", () => {
  const cooled = { ...TERMS, holdS: 2, cooldownS: 30 };
  // It ceases within the cooldown, and holds as that ends: from then on it counts.
  assertEquals(atS(run(looks([1, 1, ...many(5, 0), ...many(40, 1)]), cooled)), [2, 33]);
  assertEquals(atS(run(looks(many(100, 1)), cooled)), [2]);
  assertEquals(atS(run(looks([...many(50, 1), 0, ...many(50, 1)]), cooled)), [2], "one odd no");
  assertEquals(atS(run(looks([...many(50, 1), 0, 0, 1, 1, 1]), cooled)), [2, 54]);
});

Deno.test("course: a rule that fired is as sure after a gap that it has not ceased [R5]", () => {
  const first = looks([1, 1, 1, 0]);
  const later = looks([0, 1, 1, 1, 1], START_MS + 3_600_000);
  assertEquals(atS(run([...first, ...later])), [3]);
});

Deno.test("course: whoever was put off holds anew from then on [R5]", () => {
  const due = looks([1, 1, 1]).reduce<Course>(
    (course, look) => stepped(course, TERMS, look),
    IDLE,
  );
  assertEquals(due.kind, "due");
  const putOff = whenPutOff(due, START_MS + 10_000);
  assertEquals(atS(run(looks(many(20, 1), START_MS + 3000), TERMS, putOff)), [12]);
});

Deno.test("course: two streams at once count time once [R5]", () => {
  const terms = { ...TERMS, holdS: 10 };
  const both = looks(many(20, 1)).flatMap((look) => [look, { ...look }]);
  assertEquals(atS(run(both, terms)), [10]);
});

/** Answers by chance, with gaps of which some are too long. */
function anyLooks(terms: Terms) {
  const step = fc.record({
    gapMs: fc.oneof(
      { weight: 12, arbitrary: fc.constant(0) },
      { weight: 2, arbitrary: fc.integer({ min: 1, max: 130_000 }) },
      { weight: 1, arbitrary: fc.constantFrom(maxGapMs(terms), maxGapMs(terms) + 1, 3_600_000) },
    ),
    lengthMs: fc.integer({ min: 1, max: 5_000 }),
    chance: fc.oneof(
      fc.constantFrom(0, 1),
      fc.constantFrom(0.02, 0.98),
      fc.double({ min: 0, max: 1, noNaN: true }),
    ),
    times: fc.integer({ min: 1, max: 8 }),
    isActive: fc.integer({ min: 0, max: 9 }).map((lot) => lot > 0),
  });
  return fc.array(step, { maxLength: 30 }).map((steps) => {
    let nowMs = START_MS;
    return steps.flatMap(({ gapMs, lengthMs, chance, times, isActive }) => {
      nowMs += gapMs;
      return Array.from({ length: times }, (): Look => {
        const startMs = nowMs;
        nowMs += lengthMs;
        return { startMs, endMs: nowMs, chance, isActive };
      });
    });
  });
}

const ANY = fc.record({
  kind: fc.constantFrom("seen", "absent"),
  holdS: fc.constantFrom(0, 1, 3, 10, 60, 1300),
  cooldownS: fc.constantFrom(0, 5, 60, 7200),
}).chain((terms) => anyLooks(terms as Terms).map((all) => ({ terms: terms as Terms, all })));

/** How likely the rule's condition was at each look. */
function likelyAt({ kind }: Terms, all: readonly Look[]): number[] {
  return all.map(({ chance }) => kind === "seen" ? chance : 1 - chance);
}

Deno.test("course: between two firings lie the cooldown and a convincing no, whatever was answered [R5]", () => {
  let firings = 0;
  fc.assert(
    fc.property(ANY, ({ terms, all }) => {
      const told = run(all, terms);
      const likely = likelyAt(terms, all);
      firings += told.firedAtMs.length;
      told.firedAtMs.slice(1).forEach((firedAtMs, at) => {
        const before = told.firedAtMs[at]!;
        assert(firedAtMs - before >= terms.cooldownS * 1000, "within the cooldown");
        const between = likely.filter((_, index) =>
          all[index]!.endMs >= before && all[index]!.endMs <= firedAtMs
        );
        // A convincing no takes two that are more unlikely than not.
        assert(between.filter((chance) => chance < 0.5).length >= 2, "it never ceased");
      });
    }),
    { numRuns: 2000 },
  );
  assert(firings > 1000, `the property is about something: ${firings}`);
});

Deno.test("course: whatever fires was looked at for the hold, without a gap, a break and off hours [R5]", () => {
  fc.assert(
    fc.property(ANY, ({ terms, all }) => {
      const told = run(all, terms);
      const likely = likelyAt(terms, all);
      told.firedAtMs.forEach((firedAtMs, at) => {
        const { sinceMs } = told.held[at]!;
        const within = all.flatMap((look, index) =>
          look.startMs >= sinceMs && look.endMs <= firedAtMs ? [index] : []
        );
        const lookedMs = within.reduce((ms, index) => {
          return ms + all[index]!.endMs - all[index]!.startMs;
        }, 0);
        assert(lookedMs >= terms.holdS * 1000, `${lookedMs} ms were looked at`);
        for (const index of within.slice(1)) {
          assert(all[index]!.startMs - all[index - 1]!.endMs <= maxGapMs(terms), "a gap");
        }
        assert(within.every((index) => all[index]!.isActive), "off hours");
        within.slice(1).forEach((index, after) => {
          const pair = [likely[within[after]!]!, likely[index]!];
          assert(!pair.every((chance) => chance <= 0.05), "two certain noes in a row");
        });
      });
    }),
    { numRuns: 2000 },
  );
});

Deno.test("course: a rule that may fire does, soon after it has held for certain for the hold [R5]", () => {
  fc.assert(
    fc.property(ANY, fc.integer({ min: 300, max: 5000 }), ({ terms, all }, lengthMs) => {
      const before = run(all, terms).course;
      const endMs = all.at(-1)?.endMs ?? START_MS;
      const no = terms.kind === "seen" ? 0 : 1;
      // Convincingly no, until any cooldown is over; then convincingly yes for the hold and two more.
      const fromMs = endMs + terms.cooldownS * 1000;
      const ceased = looks(many(5, no), fromMs);
      const count = Math.ceil(terms.holdS * 1000 / lengthMs) + 3;
      const begun = fromMs + 5000;
      const holds = Array.from({ length: count }, (_, at): Look => ({
        startMs: begun + at * lengthMs,
        endMs: begun + (at + 1) * lengthMs,
        chance: 1 - no,
        isActive: true,
      }));
      assertEquals(run([...ceased, ...holds], terms, before).firedAtMs.length, 1);
    }),
    { numRuns: 500 },
  );
});

Deno.test("course: an odd answer among certain ones changes nothing, wherever it is [R5]", () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 40 }), fc.nat(60), (holdS, odd) => {
      const terms = { ...TERMS, holdS };
      const calm = looks(many(61, 0)).map((look, at) => at === odd ? { ...look, chance: 1 } : look);
      assertEquals(run(calm, { ...terms, holdS: 0 }).firedAtMs, []);
      const steady = looks(many(61, 1)).map((look, at) =>
        at === odd ? { ...look, chance: 0 } : look
      );
      const told = run(steady, terms);
      assertEquals(told.firedAtMs.length, 1);
      // Only where it is among the first two, which convince, it begins behind it.
      assert(atS(told)[0]! <= holdS + 2, String(atS(told)));
      assert(OFF_LEVEL < 0.5);
    }),
  );
});
