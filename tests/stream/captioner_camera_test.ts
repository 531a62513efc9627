import { assertEquals } from "@std/assert";
import { InferenceSlots } from "../../inference/slots.ts";
import { DROPPED, QUEUED } from "../../stream/frame.ts";
import { FrameGovernor } from "../../stream/governor/governor.ts";
import { caption, createScriptedBudget, start } from "./_captioner.ts";

const GIVEN_UP = "! The camera was paused before these frames were looked at";

Deno.test("captioner that is ordered to pause sends nothing on, finishes what is in flight [A14]", async () => {
  const { model, offer, watch, clock, captioner, dispatched, inferred, told } = start();
  model.open();
  await watch(1);
  assertEquals([offer(), model.asked.length], [QUEUED, 1]);
  captioner.ordered("paused");
  assertEquals(dispatched.map(({ lastFrame, frameCount }) => [lastFrame, frameCount]), [
    [2, 2],
    [3, 1],
  ], "what waited is accounted for");
  model.asked[0]!.answer(caption("before"));
  await clock.tickAsync(5000);
  assertEquals([offer(), offer()], [DROPPED.paused, DROPPED.paused]);
  await clock.tickAsync(5000);
  assertEquals([inferred, told, model.asked.length], [[GIVEN_UP, "before"], ["before"], 1]);
  captioner.ordered("open");
  assertEquals(offer(), QUEUED);
  await clock.tickAsync(1000);
  assertEquals(offer(), QUEUED);
  const { chunk: { startS, endS, frameCount }, context } = model.asked[1]!;
  assertEquals([startS, endS, frameCount], [11, 12, 2], "the pause belongs to no chunk");
  assertEquals(context.history, ["before"]);
  await clock.tickUntil(captioner.close("dropped"), 1000);
});

Deno.test("captioner: an order and the client's own pause do not undo each other [A14, S6]", async () => {
  const { model, offer, clock, captioner } = start();
  model.open();
  await clock.tickAsync(1);
  captioner.pause();
  captioner.ordered("paused");
  captioner.ordered("open");
  assertEquals(offer(), DROPPED.paused);
  captioner.ordered("paused");
  captioner.unpause();
  assertEquals(offer(), DROPPED.paused);
  captioner.pause();
  captioner.unpause();
  captioner.ordered("open");
  assertEquals(offer(), QUEUED);
  assertEquals(model.asked, []);
  await captioner.close("dropped");
});

Deno.test("captioner looks at nothing while it is not known whether the camera is paused [A14]", async () => {
  const { model, offer, clock, captioner } = start();
  captioner.ordered("unknown");
  assertEquals(offer(), DROPPED.busy);
  model.open();
  await clock.tickAsync(60_000);
  assertEquals([offer(), model.asked.length], [DROPPED.busy, 0]);
  captioner.ordered("open");
  assertEquals(offer(), QUEUED);
  await clock.tickAsync(1000);
  offer();
  const { startS, endS, frameCount } = model.asked[0]!.chunk;
  assertEquals([startS, endS, frameCount], [60, 61, 2]);
  await clock.tickUntil(captioner.close("dropped"), 1000);
});

Deno.test("captioner: nothing leaves a shut camera, whatever it waited for [A14]", async () => {
  const slots = new InferenceSlots(1);
  slots.request(() => {});
  const turn = start({}, slots);
  turn.model.open();
  await turn.watch(2);
  assertEquals(slots.waiting, 1);
  turn.captioner.ordered("paused");
  assertEquals(slots.waiting, 0, "it waits for no turn any more");

  const line = start();
  assertEquals(line.offer(), QUEUED);
  line.captioner.ordered("paused");
  line.model.open();

  const { account, answers } = createScriptedBudget();
  const budget = start({}, undefined, { budget: account });
  budget.model.open();
  answers({ kind: "pending" });
  await budget.watch(2);
  budget.captioner.ordered("paused");
  answers({ kind: "granted" });

  const leaving = start({}, undefined, { givenUp: "forgotten" });
  leaving.offer();
  const closed = leaving.captioner.close("described");
  leaving.captioner.ordered("paused");
  leaving.model.open();

  for (const { model, clock, offer, captioner, dispatched } of [turn, line, budget, leaving]) {
    await clock.tickAsync(5000);
    offer();
    await clock.tickAsync(5000);
    assertEquals([model.asked, dispatched.length], [[], 1]);
    await clock.tickUntil(captioner.close("described"), 1000);
    assertEquals(model.asked, []);
  }
  await closed;
});

Deno.test("captioner answers no question while an order shuts the camera, also one that waited [A14]", async () => {
  const slots = new InferenceSlots(1);
  let release = () => {};
  slots.request((given) => release = given);
  const { model, clock, offer, captioner } = start({}, slots);
  model.open();
  await clock.tickAsync(1);
  offer();
  const asked = captioner.ask("What?");
  captioner.ordered("paused");
  release();
  const refused = { kind: "failed", reason: "the camera is paused" } as const;
  assertEquals([await asked, await captioner.ask("And now?")], [refused, refused]);
  captioner.ordered("open");
  assertEquals((await captioner.ask("And now?")).kind, "answered");
  assertEquals([model.questions.length, slots.taken], [1, 0]);
  await captioner.close("dropped");
});

Deno.test("captioner: what an order gave up does not make a picture look known [A14]", async () => {
  const governor = new FrameGovernor({ heartbeatMs: 0 });
  let forgotten = 0;
  governor.forget = () => void forgotten++;
  const { model, offer, clock, captioner } = start({}, undefined, { governor });
  model.open();
  await clock.tickAsync(1);
  captioner.ordered("paused");
  captioner.ordered("open");
  assertEquals(forgotten, 0);
  offer();
  captioner.ordered("paused");
  assertEquals(forgotten, 1);
  await captioner.close("dropped");
});
