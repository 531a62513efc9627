import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { systemClock } from "../../clock.ts";
import { ruleCoursesKey } from "../../kv/firing_keys.ts";
import { messagePrefix } from "../../kv/outbox_keys.ts";
import type { LookAnswer } from "../../rules/evaluator.ts";
import { type Fate, faultyKv } from "../kv/_sessions.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { createProcess, LEASE_MS, ruleOf, START_MS, Watching } from "./_evaluating.ts";

type Process = ReturnType<typeof createProcess>;

async function eventsOf({ courses }: Process, ruleId = "dog", wearer = "ann") {
  return (await courses.events(wearer, ruleId, { limit: 100, after: null })).items;
}

async function outcomesOf(process: Process, ruleId = "dog"): Promise<string[]> {
  return (await eventsOf(process, ruleId)).map(({ outcome }) => outcome.kind);
}

async function messagesIn(kv: Deno.Kv): Promise<number> {
  return (await Array.fromAsync(kv.list({ prefix: messagePrefix("ann") }))).length;
}

Deno.test("RuleEvaluator writes event, message and course in the chunk's commit [R6]", () =>
  withKv(async (kv) => {
    const process = createProcess(kv, { rules: () => [ruleOf("dog")] });
    const stream = new Watching(process);
    await stream.begin();
    await stream.see({ "dog.1": true });
    assertEquals(await messagesIn(kv), 0);
    await stream.see({ "dog.1": true });
    const [event] = await eventsOf(process);
    assertEquals(event!.outcome.kind, "fired");
    assertEquals([event!.dueMs, event!.sinceMs, event!.heldMs], [START_MS + 2000, START_MS, 2000]);
    const entries = await Promise.all([
      kv.get(ruleCoursesKey("ann")),
      kv.get(["wearer", "ann", "chunk", "s1", 1]),
      kv.get(["wearer", "ann", "rule_event", "dog", START_MS + 2000, "s1", 1]),
      ...(await Array.fromAsync(kv.list({ prefix: messagePrefix("ann") })))
        .map(({ key }) => kv.get(key)),
    ]);
    await process.quiet();
    assertEquals(entries.length, 4);
    assertEquals(process.sent, ["a dog: seen since 00:00 UTC."]);
  }));

Deno.test("RuleEvaluator writes nothing where nothing changes, nor without answers [R5]", () =>
  withKv(async (kv) => {
    const process = createProcess(kv, { rules: () => [ruleOf("dog")] });
    const stream = new Watching(process);
    await stream.begin();
    for (let at = 0; at < 5; at++) await stream.see({ "dog.1": false });
    assertEquals((await kv.get(ruleCoursesKey("ann"))).versionstamp, null);
    await stream.see({ "dog.1": true });
    for (let at = 0; at < 10; at++) await stream.see({ "dog.1": false });
    const { versionstamp } = await kv.get(ruleCoursesKey("ann"));
    assert(versionstamp !== null);
    for (let at = 0; at < 5; at++) await stream.see({ "dog.1": false });
    await stream.see({});
    await stream.see({ "dog.2": true, "cat.1": true });
    assertEquals((await kv.get(ruleCoursesKey("ann"))).versionstamp, versionstamp);
  }));

Deno.test("RuleEvaluator fires once for each time, whatever of its commits is lost or refused [R6]", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { minLength: 4, maxLength: 14 }),
      fc.array(fc.constantFrom<Fate>("answers", "refused", "answer_lost"), { maxLength: 20 }),
      (answers, fates) =>
        withKv(async (kv) => {
          const told = async (left: Fate[]) => {
            const rules = () => [ruleOf("dog"), ruleOf("no", { kind: "absent" })];
            const wearer = left.length > 0 ? "faulty" : "ann";
            const books = faultyKv(kv, () => left.shift() ?? "answers");
            const process = createProcess(kv, { rules, books });
            const stream = new Watching(process, "s1", wearer);
            await stream.seeSurely({});
            for (const yes of answers) await stream.seeSurely({ "dog.1": yes, "no.1": yes });
            await process.quiet();
            await process.outbox.sweep();
            const events = [
              ...await eventsOf(process, "dog", wearer),
              ...await eventsOf(process, "no", wearer),
            ].map(({ outcome, expiresAtMs: _, ...facts }) => ({ ...facts, outcome: outcome.kind }));
            return { sent: process.sent.sort(), events };
          };
          const expected = await told([]);
          assertEquals(await told(["answers", ...fates]), expected);
          const fired = expected.events.filter(({ outcome }) => outcome === "fired");
          assertEquals(expected.sent.length, fired.length);
        }),
    ),
    { numRuns: 60 },
  ));

Deno.test("RuleEvaluator lets two streams of a wearer go on that write at once [R5]", () =>
  withKv(async (kv) => {
    const rules = () => [ruleOf("dog", { hold_s: 5 })];
    const process = createProcess(kv, { rules, waitsBy: systemClock });
    const streams = [1, 2, 3].map((at) => new Watching(process, `s${at}`));
    for (const stream of streams) await stream.begin();
    const all = streams.map(async (stream) => {
      const outcomes: string[] = [];
      for (let at = 0; at < 20; at++) outcomes.push(await stream.see({ "dog.1": true }));
      return outcomes;
    });
    const outcomes = await Promise.all(all);
    assert(outcomes.flat().every((outcome) => outcome === "written"));
    const chunks = await Array.fromAsync(kv.list({ prefix: ["wearer", "ann", "chunk"] }));
    assertEquals(chunks.length, 60);
    assertEquals(await outcomesOf(process), ["fired"]);
    await process.quiet();
  }));

Deno.test("a hold goes on with another session and on another process [R5]", () =>
  withKv(async (kv) => {
    const rules = () => [ruleOf("dog", { hold_s: 10 })];
    const [one, other] = [createProcess(kv, { rules }), createProcess(kv, { rules })];
    const before = new Watching(one, "s1");
    await before.begin();
    for (let at = 0; at < 6; at++) await before.see({ "dog.1": true });
    const after = new Watching(other, "s2");
    await after.begin();
    // A minute in the lift.
    after.pass(66);
    for (let at = 0; at < 3; at++) await after.see({ "dog.1": true });
    assertEquals(await outcomesOf(other), []);
    await after.see({ "dog.1": true });
    const [event] = await eventsOf(other);
    assertEquals(event!.evidence.chunks, [
      { session: "s1", first: 0, last: 5 },
      { session: "s2", first: 0, last: 3 },
    ]);
    assertEquals([event!.heldMs, event!.dueMs - event!.sinceMs], [10_000, 70_000]);
    await other.quiet();
  }));

Deno.test("rules of two wearers never mix [R5, A6]", () =>
  withKv(async (kv) => {
    const process = createProcess(kv, {
      rules: (wearer) => [ruleOf("dog", { name: `${wearer}'s` })],
    });
    const [ann, bob] = ["ann", "bob"].map((wearer) =>
      new Watching(process, `of ${wearer}`, wearer)
    );
    await ann!.begin();
    await bob!.begin();
    for (let at = 0; at < 6; at++) {
      // One chunk each: together they would have convinced.
      await ann!.see({ "dog.1": at % 2 === 0 });
      await bob!.see({ "dog.1": at % 2 === 1 });
    }
    assertEquals(await eventsOf(process, "dog", "bob"), []);
    await bob!.see({ "dog.1": true });
    assertEquals((await eventsOf(process, "dog", "bob")).length, 1);
    assertEquals(await eventsOf(process, "dog", "ann"), []);
    await process.quiet();
    assertEquals(process.sent, ["bob's: seen since 00:00 UTC."]);
  }));

Deno.test("a rule that was changed begins anew, but not its day [R5]", () =>
  withKv(async (kv) => {
    let rule = ruleOf("dog", { max_per_day: 1 });
    const process = createProcess(kv, { rules: () => [rule] });
    const stream = new Watching(process);
    await stream.begin();
    for (let at = 0; at < 3; at++) await stream.see({ "dog.1": true });
    rule = { ...rule, version: 2 };
    await stream.see({ "dog.1": true });
    await stream.see({ "dog.2": true });
    assertEquals(await outcomesOf(process), ["fired"]);
    await stream.see({ "dog.2": true });
    const [event] = await eventsOf(process);
    assertEquals(event!.outcome, {
      kind: "held_back",
      confirmation: null,
      reason: "the rule had fired 1 times in 24 hours already",
    });
    await process.quiet();
    assertEquals(process.sent.length, 1);
  }));

Deno.test("manners hold back what is too much, and what was just said [R8]", () =>
  withKv(async (kv) => {
    const then = { channel: "log", message: "The stove is on." };
    const rules = () => [
      ruleOf("stove", { then }),
      ruleOf("oven", { then }),
      ruleOf("dog"),
      ruleOf("cat"),
    ];
    const manners = { quietHours: null, maxPerDay: 2 };
    const process = createProcess(kv, { rules, manners });
    const stream = new Watching(process);
    await stream.begin();
    const yes = { "stove.1": true, "oven.1": true, "dog.1": true, "cat.1": true };
    for (let at = 0; at < 4; at++) await stream.see(yes);
    await process.quiet();
    const reasons = await Promise.all(["stove", "oven", "dog", "cat"].map(async (id) => {
      const [event, ...more] = await eventsOf(process, id);
      assertEquals(more, []);
      return "reason" in event!.outcome ? event!.outcome.reason : event!.outcome.kind;
    }));
    assertEquals(reasons, [
      "fired",
      "the same was said less than a minute ago",
      "fired",
      "there were 2 messages in 24 hours already",
    ]);
    assertEquals(process.sent.length, 2);
    // A day later it may be said again.
    for (let at = 0; at < 3; at++) await stream.see({ "cat.1": false });
    stream.pass(86_400);
    for (let at = 0; at < 4; at++) await stream.see({ "cat.1": false });
    for (let at = 0; at < 3; at++) await stream.see({ "cat.1": true });
    assertEquals(await outcomesOf(process, "cat"), ["fired", "held_back"]);
    await process.quiet();
  }));

/** A second look whose answers the test gives. */
function scriptedLook() {
  const asked: ((answer: LookAnswer) => void)[] = [];
  return {
    asked,
    look: () => new Promise<LookAnswer>((resolve) => void asked.push(resolve)),
    says: (text: string) => asked.shift()!({ kind: "answered", text }),
    fails: (reason: string) => asked.shift()!({ kind: "failed", reason }),
  };
}

const CONFIRMED = ruleOf("dog", { confirm: true, then: { channel: "log", message: "{seen}" } });

async function due(process: Process, id = "s1"): Promise<Watching> {
  const stream = new Watching(process, id);
  await stream.begin();
  await stream.see({ "dog.1": true });
  await stream.see({ "dog.1": true });
  return stream;
}

Deno.test("a process that dies before the second look is answered: another takes it up, and one message leaves [R6]", () =>
  withKv(async (kv) => {
    const [dead, alive] = [scriptedLook(), scriptedLook()];
    const one = createProcess(kv, { rules: () => [CONFIRMED], look: dead.look });
    await due(one);
    assertEquals(await outcomesOf(one), ["confirming"]);
    // The stream comes back to another process.
    const other = createProcess(kv, {
      clock: one.clock,
      rules: () => [CONFIRMED],
      look: alive.look,
    });
    const stream = new Watching(other, "s2");
    await stream.begin();
    stream.pass(2);
    await stream.see({ "dog.1": true });
    assertEquals(alive.asked.length, 0, "the lease is not over");
    one.clock.tick(LEASE_MS);
    await stream.see({ "dog.1": true });
    assertEquals(alive.asked.length, 1);
    // The first was not dead, only slow: its word does not count any more.
    dead.says("No, a statue.");
    await one.quiet();
    alive.says("Yes, a poodle.");
    await other.quiet();
    for (let at = 0; at < 5; at++) await stream.see({ "dog.1": true });
    await other.quiet();
    assertEquals([one.sent, other.sent], [[], ["“a poodle.”"]]);
    assertEquals(await outcomesOf(other), ["fired"]);
    assertEquals(await messagesIn(kv), 1);
  }));

Deno.test("a second look whose conclusion KV refuses is taken once more, and one message leaves [R6]", () =>
  withKv(async (kv) => {
    const { look, says, asked } = scriptedLook();
    let fate: Fate = "answers";
    const books = faultyKv(kv, () => fate);
    const process = createProcess(kv, { rules: () => [CONFIRMED], look, books });
    const stream = await due(process);
    for (const lost of ["refused", "answer_lost"] as const) {
      fate = lost;
      says("Yes, a poodle.");
      await process.quiet();
      fate = "answers";
      process.clock.tick(LEASE_MS);
      await stream.see({ "dog.1": true });
    }
    await process.quiet();
    await process.outbox.sweep();
    assertEquals([asked.length, process.sent], [0, ["“a poodle.”"]]);
    assertEquals(await outcomesOf(process), ["fired"]);
  }));

Deno.test("a second look that cannot be taken is tried three times, then given up and told [R6, R7]", () =>
  withKv(async (kv) => {
    const { look, fails, asked } = scriptedLook();
    const process = createProcess(kv, { rules: () => [CONFIRMED], look });
    const stream = await due(process);
    for (let attempt = 1; attempt <= 3; attempt++) {
      assertEquals(asked.length, 1);
      fails("the camera is paused");
      await process.quiet();
      process.clock.tick(10_000);
      await stream.see({ "dog.1": true });
    }
    assertEquals(asked.length, 0);
    const [event] = await eventsOf(process);
    assertEquals(event!.outcome, { kind: "not_asked", reason: "the camera is paused" });
    // It holds on: after a minute it is due again.
    for (let at = 0; at < 65; at++) await stream.see({ "dog.1": true });
    assertEquals(asked.length, 1);
    fails("over");
    await process.quiet();
    assertEquals([process.sent, await messagesIn(kv)], [[], 0]);
  }));

Deno.test("what has ceased before anybody could look again is not looked at [R6]", () =>
  withKv(async (kv) => {
    const { look, fails, asked } = scriptedLook();
    const process = createProcess(kv, { rules: () => [CONFIRMED], look });
    const stream = await due(process);
    fails("no fresh frame came");
    await process.quiet();
    for (let at = 0; at < 3; at++) await stream.see({ "dog.1": false });
    process.clock.tick(10_000);
    await stream.see({ "dog.1": false });
    assertEquals([asked.length, await outcomesOf(process)], [0, ["not_asked"]]);
  }));

Deno.test("who does not agree again and again is asked more and more rarely [R6]", () =>
  withKv(async (kv) => {
    let looks = 0;
    const look = (): Promise<LookAnswer> => {
      looks++;
      return Promise.resolve({ kind: "answered", text: "No, a statue." });
    };
    const process = createProcess(kv, { rules: () => [CONFIRMED], look });
    const stream = await due(process);
    const watch = async (seconds: number) => {
      for (let at = 0; at < seconds; at++) {
        await stream.see({ "dog.1": true });
        await process.quiet();
      }
    };
    await watch(600);
    // After 1, 2 and 4 minutes; the next is due after 8.
    assertEquals(looks, 4);
    assertEquals(new Set(await outcomesOf(process)), new Set(["not_confirmed"]));
    for (let at = 0; at < 20; at++) await stream.see({ "dog.1": false });
    assertEquals(process.sent, []);
  }));

Deno.test("what one of several streams sees is seen, and is not absent [R5]", () =>
  withKv(async (kv) => {
    const asked: string[] = [];
    const look = (session: string): Promise<LookAnswer> => {
      asked.push(session);
      return Promise.resolve({ kind: "answered", text: "Yes, a poodle." });
    };
    const gone = ruleOf("gone", { kind: "absent", hold_s: 20 });
    const rules = () => [{ ...CONFIRMED, holdS: 5 }, gone];
    const process = createProcess(kv, { rules, look });
    const [sees, blind] = [new Watching(process, "sees"), new Watching(process, "blind")];
    await sees.begin();
    await blind.begin();
    for (let at = 0; at < 40; at++) {
      await blind.see({ "dog.1": false, "gone.1": false });
      await sees.see({ "dog.1": true, "gone.1": true });
    }
    await process.quiet();
    assertEquals(asked, ["sees"], "the second look is of the stream that sees it");
    const [event, ...more] = await eventsOf(process);
    assertEquals([event!.outcome.kind, more], ["fired", []]);
    assertEquals(event!.evidence.chunks.map(({ session }) => session), ["sees"]);
    assert(event!.evidence.meanChance > 0.98);
    assertEquals(await outcomesOf(process, "gone"), []);
    // When that stream is gone, it speaks for nobody any more.
    for (let at = 0; at < 24; at++) await blind.see({ "dog.1": false, "gone.1": false });
    await process.quiet();
    assertEquals(await outcomesOf(process, "gone"), ["fired"]);
  }));

Deno.test("whatever several streams answer, what fires has its evidence, of streams that saw it [R5, R7]", () => {
  let fired = 0;
  return fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          of: fc.nat(2),
          chance: fc.constantFrom(0.01, 0.2, 0.9, 0.99),
          times: fc.integer({ min: 1, max: 4 }),
        }),
      ),
      (steps) =>
        withKv(async (kv) => {
          const rules = () => [ruleOf("dog"), ruleOf("gone", { kind: "absent", hold_s: 3 })];
          const process = createProcess(kv, { rules });
          const streams = [0, 1, 2].map((at) => new Watching(process, `s${at}`));
          for (const stream of streams) await stream.begin();
          for (const { of, chance, times } of steps) {
            for (let at = 0; at < times; at++) {
              const outcome = await streams[of]!.see({ "dog.1": chance, "gone.1": chance });
              assertEquals(outcome, "written");
            }
          }
          const events = await eventsOf(process);
          for (const { evidence, session, index } of events) {
            fired++;
            const last = evidence.answers.at(-1)!;
            assertEquals([last.session, last.index, last.yes], [session, index, true]);
            assert(evidence.answers.every(({ yes }) => yes) || evidence.meanChance < 1);
          }
          await process.quiet();
        }),
    ),
    { numRuns: 100, examples: [[[{ of: 0, chance: 0.99, times: 3 }]]] },
  ).then(() => assert(fired > 20, `the property is about something: ${fired}`));
});

Deno.test("a firing is told of the chunk with which it was due, whichever stream is surer [R7]", () =>
  withKv(async (kv) => {
    const process = createProcess(kv, { rules: () => [ruleOf("dog")] });
    const [sure, less] = [new Watching(process, "sure"), new Watching(process, "less")];
    await sure.begin();
    await less.begin();
    await sure.see({ "dog.1": 0.99 });
    await less.see({ "dog.1": 0.95 });
    const [event] = await eventsOf(process);
    assertEquals([event!.session, event!.index, event!.evidence.answerCount], ["less", 0, 2]);
    await process.quiet();
  }));

Deno.test("a second look that is taken up again is of a stream that sees it [R6]", () =>
  withKv(async (kv) => {
    const asked: string[] = [];
    const look = (session: string): Promise<LookAnswer> => {
      asked.push(session);
      return Promise.resolve({ kind: "failed", reason: "no fresh frame came" });
    };
    const process = createProcess(kv, { rules: () => [CONFIRMED], look });
    const [sees, blind] = [new Watching(process, "sees"), new Watching(process, "blind")];
    await sees.begin();
    await blind.begin();
    const both = async () => {
      await sees.see({ "dog.1": true });
      await process.quiet();
      process.clock.tick(5_000);
      await blind.see({ "dog.1": false });
    };
    for (let at = 0; at < 4; at++) await both();
    assertEquals(asked, ["sees", "sees", "sees"]);
    assertEquals(await outcomesOf(process), ["not_asked"]);
  }));

Deno.test("what became of a rule is logged once its commit went through, without a word of what was seen [R6, A4]", () =>
  withKv(async (kv) => {
    let fate: Fate = "answers";
    const books = faultyKv(kv, () => fate);
    const process = createProcess(kv, { rules: () => [ruleOf("dog", { name: "Poodle" })], books });
    const stream = new Watching(process);
    await stream.begin();
    await stream.see({ "dog.1": true });
    fate = "refused";
    const refused = stream.see({ "dog.1": true });
    await refused.catch(() => {});
    assertEquals(process.logged, []);
    fate = "answers";
    for (let at = 0; at < 3; at++) await stream.see({ "dog.1": true });
    const fired = process.logged.filter((line) => line.includes("rule.fired"));
    assertEquals([fired.length, await outcomesOf(process)], [1, ["fired"]]);
    assert(process.logged.every((line) => !/Poodle|A dog/.test(line)));
    await process.quiet();
  }));
