import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ChatMessage } from "../../inference/client.ts";
import { GENERATE_PARAMETERS } from "../../modal/local/generate.ts";
import { addRule, eventsOf, type FiringBench, seeing, wearing, withSight } from "./_firing.ts";

// deno-lint-ignore no-explicit-any
type Replayed = { status: number } & Record<string, any>;

async function replay(
  { foresight }: FiringBench,
  rule: string,
  body: unknown = { from: Date.now() - 3_600_000 },
): Promise<Replayed> {
  const init = { method: "POST", body: JSON.stringify(body) };
  const response = await foresight.fetch(`/rules/${rule}/test`, init);
  return { status: response.status, ...await response.json() };
}

/** All that says how rules stand, by versionstamp, and all messages. */
async function rulesIn(kv: Deno.Kv): Promise<string> {
  const entries = await Array.fromAsync(kv.list({ prefix: ["wearer", "default"] }));
  return entries.filter(({ key }) => /^(rule|message|outbox)/.test(String(key[2])))
    .map(({ key, versionstamp }) => `${key} ${versionstamp}`).join("\n");
}

/** Shows a dog twice, with nothing in between, while another rule is asked. */
async function showDogs(bench: FiringBench): Promise<number> {
  const { show, session } = await wearing(bench, 1);
  await show("a dog", 4);
  await show("nothing", 4);
  await show("a dog", 4);
  const chunks = session.of("result").length;
  await session.glasses.leave();
  await bench.foresight.outbox.quiet();
  return chunks;
}

Deno.test("a replay says of the answers in the books what was fired, and writes and sends nothing [R9]", () =>
  withSight(async (bench) => {
    const { foresight, said } = bench;
    const then = { message: "{rule} {at}" };
    const rule = await addRule(foresight, { when: "a dog", confirm: false, then });
    const chunks = await showDogs(bench);
    const before = [await rulesIn(foresight.kv), said().length];
    const told = await replay(bench, rule);
    assertEquals([await rulesIn(foresight.kv), said().length], before);
    const events = await eventsOf(foresight, rule);
    assertEquals(events.length, 2);
    assertEquals(
      told.would_fire.map(({ at, chunks, answers }: Replayed) => ({ at, chunks, answers })),
      events.toReversed().map(({ due_at, chunks, answers }) => ({ at: due_at, chunks, answers })),
    );
    // The first chunks may have gone before the rule was known.
    assertEquals([told.status, told.judged + told.not_judged, told.judged_by_caption], [
      200,
      chunks,
      0,
    ]);
    assert(told.judged >= 12 && told.not_judged < chunks - 11, JSON.stringify(told));
    const none = await replay(bench, rule, {
      from: Date.now() - 7_200_000,
      to: Date.now() - 3_600_000,
    });
    assertEquals([none.would_fire, none.judged, none.not_judged, none.reason], [[], 0, 0, null]);
  }));

Deno.test("a replay counts answers to the same words, whatever else was changed since, and no others [R9]", () =>
  withSight(async (bench) => {
    const { foresight } = bench;
    const rule = await addRule(foresight, { when: "a dog", confirm: false });
    await showDogs(bench);
    const change = async (patch: unknown) => {
      const init = { method: "PATCH", body: JSON.stringify(patch) };
      const response = await foresight.fetch(`/rules/${rule}`, init);
      await response.body?.cancel();
      assertEquals(response.status, 200);
      return await replay(bench, rule);
    };
    assertEquals((await change({ name: "Dogs" })).would_fire.length, 2);
    const slower = await change({ cooldown_s: 600 });
    assertEquals([slower.would_fire.length, slower.judged >= 12], [1, true]);
    const other = await change({ when: "a cat" });
    assertEquals([other.would_fire, other.judged], [[], 0]);
    assertMatch(other.reason, /generate/);
    const again = await change({ when: "a dog" });
    assertEquals([again.would_fire, again.judged], [[], 0], "nobody knows what version 1 asked");
  }));

Deno.test("a rule that was not asked is replayed on captions, by a model that writes [R9]", () =>
  withSight(async (bench) => {
    const { foresight, modal, sight } = bench;
    const prompts: string[] = [];
    const served = seeing(sight);
    const generate = {
      parameters: GENERATE_PARAMETERS,
      call: ({ messages }: Readonly<Record<string, unknown>>) => {
        const [{ content }] = messages as [ChatMessage];
        prompts.push(content);
        if (prompts.length === 1) throw new Error("not yet");
        const [question, captions] = content.split("\n").filter((line) => line.startsWith("{"))
          .map((line) => JSON.parse(line));
        const [, asked] = /"(.*)"/.exec(question.question)!;
        return {
          answers: captions.captions.map((
            { number, caption }: { number: number; caption: string },
          ) => ({ number, yes: caption.includes(asked!), confidence: 0.95 })),
        };
      },
    };
    modal.deploy({ ...served, methods: { ...served.methods, generate } });
    await addRule(foresight, { when: "a bus", confirm: false });
    const chunks = await showDogs(bench);
    const rule = await addRule(foresight, { when: "a dog", confirm: false });
    const without = await replay(bench, rule);
    assertEquals([without.would_fire, without.judged, without.not_judged], [[], 0, chunks]);
    const told = await replay(bench, rule);
    assertEquals(told.would_fire.length, 2, JSON.stringify(told));
    assertEquals([told.judged, told.judged_by_caption, told.not_judged, told.reason], [
      chunks,
      chunks,
      0,
      null,
    ]);
    assertEquals(prompts.length, 2, "what was said twice is judged once");
    assertEquals(prompts[1]!.match(/"caption":/g)!.length, 2);
  }));

Deno.test("a replay that cannot be is refused, by name [R9]", () =>
  withSight(async (bench) => {
    const rule = await addRule(bench.foresight, { when: "a dog" });
    const day = "2026-11-20";
    const refused: [body: unknown, must: RegExp][] = [
      [{}, /^from must be a time/],
      [{ from: "yesterday" }, /^from must be a time/],
      [{ from: day, to: "2026-11-19" }, /^to must be later than from, by at most 24 hours/],
      [{ from: day, to: "2026-11-21T00:00:01" }, /^to must be later than from/],
      [{ from: day, zone: "Atlantis" }, /^zone must be the IANA name/],
      [{ from: day, until: day }, /^the body must be a JSON object/],
      ["today", /^the body must be a JSON object/],
    ];
    for (const [body, must] of refused) {
      const { status, detail } = await replay(bench, rule, body);
      assertEquals(status, 422, String(must));
      assertMatch(detail[0].msg, must);
    }
    assertEquals((await replay(bench, "nobody", { from: Date.now() - 1000 })).status, 404);
    const local = await replay(bench, rule, { from: day, to: "2026-11-21", zone: "Europe/Berlin" });
    assertEquals([local.status, local.would_fire], [200, []]);
  }));
