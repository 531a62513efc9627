import { assertEquals } from "@std/assert";
import type { InferOutcome } from "../../inference/client.ts";
import { DROPPED, QUEUED, SKIPPED } from "../../stream/frame.ts";
import { FrameGovernor } from "../../stream/governor/governor.ts";
import { caption, createScriptedBudget, start } from "./_captioner.ts";

const exhausted = (retryAfterMs: number) =>
  ({ kind: "exhausted", budget: "calls_per_minute", retryAfterMs }) as const;
const WHY = "The budget of calls per minute is used up: it goes on in 13 s";
const NOT_LOOKED_AT = "! The budget was used up before these frames were looked at";

Deno.test("captioner drops frames while the budget is used up, says so once, goes on by itself [S2, S5]", async () => {
  const budget = createScriptedBudget();
  const bench = start({}, undefined, { budget: budget.account });
  const { model, usedUp, inferred, dispatched, watch, offer, clock, captioner } = bench;
  model.open();
  budget.answers(exhausted(12_300));
  await watch(1);
  await clock.tickAsync(0);
  assertEquals([model.asked.length, usedUp], [0, [[WHY, 12_300]]]);
  assertEquals(inferred, [NOT_LOOKED_AT], "what was queued is in the books, and so is why");
  assertEquals(offer(), DROPPED.budget);
  await watch(3);
  assertEquals(dispatched.length, 1, "dropped frames are in no chunk");
  budget.answers({ kind: "granted" });
  assertEquals(offer(), QUEUED);
  await watch(1);
  const chunk = model.asked[0]!.chunk;
  assertEquals([chunk.startS, chunk.endS, chunk.frameCount], [4, 5, 3]);
  model.asked[0]!.answer(caption("again"));
  await captioner.close("dropped");
  assertEquals(budget.waiting.size, 0);
});

Deno.test("captioner tells of a used-up budget again only when it had recovered [S5]", async () => {
  const budget = createScriptedBudget();
  const { model, usedUp, watch, captioner } = start({}, undefined, { budget: budget.account });
  model.open();
  for (const minutes of [0, 0.5, 2]) {
    budget.answers({ kind: "granted" });
    for (let second = 0; second < 60 * minutes; second++) {
      await watch(1);
      model.asked.at(-1)?.answer(caption("more"));
    }
    budget.answers(exhausted(12_300));
    await watch(2);
  }
  assertEquals(usedUp.length, 2, "at first, and after more than a minute without");
  await captioner.close("dropped");
});

Deno.test("captioner waits for a call that comes free soon, and collects meanwhile", async () => {
  const budget = createScriptedBudget();
  for (const soon of [exhausted(5_000), { kind: "pending" } as const]) {
    const { model, usedUp, offer, watch, captioner } = start({}, undefined, {
      budget: budget.account,
    });
    model.open();
    budget.answers(soon);
    await watch(2);
    assertEquals(offer(), QUEUED);
    assertEquals([model.asked.length, usedUp], [0, []]);
    budget.answers({ kind: "granted" });
    assertEquals(model.asked[0]?.chunk.frameCount, 5, "without a further frame");
    model.asked[0]!.answer(caption("one"));
    await captioner.close("dropped");
  }
});

Deno.test("captioner that closes waits for the budget's word on what is left [V7]", async () => {
  const budget = createScriptedBudget();
  const { model, inferred, clock, offer, captioner } = start({}, undefined, {
    budget: budget.account,
  });
  model.open();
  budget.answers({ kind: "pending" });
  offer();
  const closed = captioner.close("described");
  await clock.tickAsync(100);
  budget.answers({ kind: "granted" });
  await clock.tickAsync(100);
  model.asked[0]!.answer(caption("the rest"));
  await closed;
  assertEquals([inferred, clock.pendingTimers, budget.waiting.size], [["the rest"], 0, 0]);
});

Deno.test("captioner reports what each call cost: the model's own figure, else the time it took", async () => {
  const budget = createScriptedBudget();
  const options = { budget: budget.account };
  const { model, clock, watch, captioner } = start({ drainMs: 0 }, undefined, options);
  model.open();
  await watch(1);
  model.asked[0]!.answer({ ...caption("one"), latencyMs: 250 } as InferOutcome);
  await watch(1);
  await clock.tickAsync(2_000);
  model.asked[1]!.answer({ kind: "failed", scope: "chunk", reason: "no frame decodes" });
  await watch(0.5);
  assertEquals(budget.spent.map((seconds) => Math.round(seconds * 100)), [25, 200]);
  await captioner.close("dropped");
});

Deno.test("captioner asks with the newest frame, within the budget [S6]", async () => {
  const budget = createScriptedBudget();
  const { model, offer, captioner } = start({}, undefined, { budget: budget.account });
  model.open();
  await Promise.resolve().then(() => {}).then(() => {});
  offer();
  assertEquals(await captioner.ask("What?"), { kind: "answered", text: "A ball.", latencyMs: 7 });
  assertEquals(model.questions.map(({ question }) => question), ["What?"]);
  budget.answers(exhausted(60_000));
  assertEquals((await captioner.ask("And now?")).kind, "failed");
  assertEquals(model.questions.length, 1);
  await captioner.close("dropped");
});

Deno.test("captioner passes over frames like the last one, which belong to no chunk [S2]", async () => {
  const looksAlike = { isSimilar: false };
  const governor = new FrameGovernor({ heartbeatMs: 0 });
  governor.isSimilar = () => looksAlike.isSimilar;
  let forgotten = 0;
  governor.forget = () => void forgotten++;
  const { model, offer, watch, captioner } = start({}, undefined, { governor });
  model.open();
  await watch(0.5);
  looksAlike.isSimilar = true;
  assertEquals(offer(), SKIPPED);
  await watch(0.5);
  assertEquals(model.asked[0]!.chunk.frameCount, 1);
  model.asked[0]!.answer({ kind: "failed", scope: "chunk", reason: "no frame decodes" });
  await watch(3);
  assertEquals([model.asked.length, forgotten], [1, 1], "what failed was not looked at");
  await captioner.close("dropped");
});
