import { assertEquals } from "@std/assert";
import { InferenceSlots } from "../../inference/slots.ts";
import { DROPPED, QUEUED } from "../../stream/frame.ts";
import { caption, start } from "./_captioner.ts";

const PROMPT = "Read the signs.";
/** What a chunk spans, and how many frames it stands for. */
const spansOf = ({ model }: ReturnType<typeof start>) =>
  model.asked.map(({ chunk }) => [chunk.startS, chunk.endS, chunk.frameCount]);

Deno.test("captioner goes on at the clock, history and prompt that it is given [S4]", async () => {
  const began = { nowS: 100, describedS: 97.5, history: ["a", "b"], prompt: PROMPT };
  const bench = start({}, new InferenceSlots(64), { start: began });
  const { model, offer, clock, captioner } = bench;
  model.open();
  await clock.tickAsync(250);
  offer();
  assertEquals(captioner.nowS(), 100.25);
  assertEquals(spansOf(bench), [[97.5, 100.25, 1]], "what nobody described yet is of the chunk");
  const { context } = model.asked[0]!;
  assertEquals([context.history, context.prompt], [["a", "b"], PROMPT]);
  model.asked[0]!.answer(caption("c"));
  await bench.watch(1);
  assertEquals(model.asked[1]!.context.history, ["a", "b", "c"]);
  assertEquals(began.history, ["a", "b"], "what it was given is not its own");
  await clock.tickUntil(captioner.close("dropped"), 1000);
});

Deno.test("captioner tells which frame a chunk reaches to, and when it was taken [S3, S4]", async () => {
  const { model, offer, clock, captioner, dispatched } = start();
  model.open();
  await clock.tickAsync(0);
  offer(10);
  offer(null);
  await clock.tickAsync(1000);
  offer(77);
  assertEquals(
    dispatched.map(({ lastFrame, capturedAtMs, frameCount }) => [
      lastFrame,
      capturedAtMs,
      frameCount,
    ]),
    [[3, 77, 3]],
  );
  offer(88);
  captioner.pause();
  offer(99); // is accounted for with the next chunk, though nobody looked at it
  captioner.unpause();
  model.asked[0]!.answer(caption("one"));
  model.asked[1]!.answer(caption("two"));
  await clock.tickAsync(1000);
  offer(null);
  const last = dispatched.map(({ lastFrame, capturedAtMs }) => [lastFrame, capturedAtMs]);
  assertEquals(last, [[3, 77], [4, 88], [6, null]]);
  await clock.tickUntil(captioner.close("dropped"), 1000);
});

Deno.test("captioner looks at nothing while it is paused; the time belongs to no chunk [S2, S6]", async () => {
  const bench = start();
  const { model, offer, clock, captioner, inferred } = bench;
  model.open();
  await clock.tickAsync(400);
  assertEquals(offer(), QUEUED);
  captioner.pause();
  captioner.pause();
  assertEquals(spansOf(bench), [[0, 0.4, 1]], "what came before is described at once");
  await clock.tickAsync(5000);
  assertEquals([offer(), offer()], [DROPPED.paused, DROPPED.paused]);
  model.asked[0]!.answer(caption("before"));
  await clock.tickAsync(5000);
  assertEquals(inferred, ["before"]);
  captioner.unpause();
  assertEquals(offer(), QUEUED);
  captioner.unpause();
  await clock.tickAsync(1000);
  assertEquals(offer(), QUEUED);
  assertEquals(spansOf(bench)[1], [10.4, 11.4, 2]);
  await clock.tickUntil(captioner.close("dropped"), 1000);
});

Deno.test("captioner that is closed twice is closed when what is in flight is, for both [V7]", async () => {
  const bench = start();
  const { model, watch, clock, captioner, inferred } = bench;
  model.open();
  await watch(2);
  const closed: number[] = [];
  const closings = [1, 2].map(async (number) => {
    await captioner.close("dropped");
    closed.push(number);
  });
  await clock.tickAsync(5000);
  assertEquals([model.asked.length, closed], [1, []]);
  model.asked[0]!.answer(caption("seen"));
  await clock.tickUntil(Promise.all(closings), 0);
  assertEquals([inferred, closed, clock.pendingTimers], [["seen"], [1, 2], 0]);
});

Deno.test("captioner that pauses waits for no turn any more [S6]", async () => {
  const slots = new InferenceSlots(1);
  slots.request(() => {});
  const bench = start({}, slots);
  const { model, watch, clock, captioner } = bench;
  model.open();
  await watch(2);
  assertEquals([model.asked.length, slots.waiting], [0, 1]);
  captioner.pause();
  assertEquals([spansOf(bench), slots.waiting], [[[0, 2, 4]], 0]);
  await clock.tickUntil(captioner.close("dropped"), 1000);
});

Deno.test("captioner loses nothing that came before a pause while the model was being opened [S6]", async () => {
  const bench = start();
  const { model, offer, clock, captioner } = bench;
  assertEquals(offer(), QUEUED);
  captioner.pause();
  await clock.tickAsync(1000);
  captioner.unpause();
  model.open();
  await clock.tickAsync(1);
  assertEquals(model.asked.map(({ chunk }) => chunk.frameCount), [1]);
  await clock.tickUntil(captioner.close("dropped"), 1000);
});

Deno.test("captioner pauses and unpauses without frames, and sends nothing for it [S6]", async () => {
  const { model, clock, captioner } = start();
  model.open();
  await clock.tickAsync(5000);
  captioner.pause();
  captioner.unpause();
  assertEquals(model.asked, []);
  await captioner.close("described");
  assertEquals([model.asked.length, clock.pendingTimers], [0, 0]);
});

Deno.test("captioner looks for something else from the next chunk on [S6]", async () => {
  const { model, watch, captioner } = start({ maxInflight: 2 });
  model.open();
  await watch(1);
  captioner.lookFor(PROMPT);
  await watch(1);
  assertEquals(model.asked.map(({ context }) => context.prompt), ["look", PROMPT]);
  model.asked.forEach(({ answer }) => answer(caption("done")));
  await captioner.close("dropped");
});

Deno.test("captioner takes no frame while its outcomes cannot be written [S2]", async () => {
  const bench = start();
  const { model, backlog, offer, clock, captioner } = bench;
  model.open();
  await clock.tickAsync(2000);
  backlog.isBehind = true;
  assertEquals(offer(), DROPPED.busy);
  assertEquals(model.asked, []);
  backlog.isBehind = false;
  assertEquals([offer(), model.asked.length], [QUEUED, 1]);
  await clock.tickUntil(captioner.close("dropped"), 1000);
});

Deno.test("captioner that is closed drops frames as busy [S2]", async () => {
  const { model, offer, clock, captioner } = start();
  model.open();
  await clock.tickAsync(1);
  await captioner.close("dropped");
  assertEquals(offer(), DROPPED.busy);
});

Deno.test("captioner describes the rest when it closes, before its time and its turn [S4, S6]", async () => {
  const slots = new InferenceSlots(1);
  slots.request(() => {});
  const bench = start({}, slots);
  const { model, watch, offer, clock, captioner, inferred } = bench;
  model.open();
  await watch(2);
  offer();
  assertEquals([model.asked.length, slots.waiting], [0, 1]);
  const closed = captioner.close("described");
  await clock.tickAsync(1);
  assertEquals([spansOf(bench), slots.waiting], [[[0, 2, 5]], 0]);
  assertEquals(offer(), DROPPED.busy);
  await clock.tickAsync(100);
  model.asked[0]!.answer(caption("the rest"));
  await closed;
  assertEquals([inferred, model.closed(), clock.pendingTimers], [["the rest"], 1, 0]);
});

Deno.test("captioner describes the rest also where the model is still being opened [S4, S6]", async () => {
  const bench = start();
  const { model, offer, clock, captioner, inferred } = bench;
  offer();
  const closed = captioner.close("described");
  await clock.tickAsync(100);
  assertEquals(model.asked, []);
  model.open();
  await clock.tickAsync(100);
  assertEquals(spansOf(bench), [[0, 0.1, 1]]);
  model.asked[0]!.answer(caption("the rest"));
  await closed;
  assertEquals([inferred, model.closed(), clock.pendingTimers], [["the rest"], 1, 0]);
});

Deno.test("captioner drops the rest where the model opens too late, or not at all [S4]", async () => {
  for (const isThere of [true, false]) {
    const { model, offer, clock, captioner, inferred } = start({ drainMs: 1000 });
    offer();
    const closed = captioner.close("described");
    await clock.tickAsync(isThere ? 1000 : 500);
    if (isThere) model.open();
    else model.fail("unreachable");
    await closed;
    assertEquals([inferred, model.asked.length, clock.pendingTimers], [[], 0, 0]);
    assertEquals(model.closed(), isThere ? 1 : 0);
  }
});

Deno.test("captioner says nothing of what it gave up where the frames come again [S4]", async () => {
  for (const [givenUp, said] of [["forgotten", "forgotten"], ["told", "! too late"]] as const) {
    const { clock, model, watch, captioner, inferred } = start({}, undefined, { givenUp });
    model.open();
    await watch(1);
    captioner.abandon("too late");
    await captioner.close("described");
    await clock.tickAsync(1);
    assertEquals(inferred, [said]);
    assertEquals(clock.pendingTimers, 0);
  }
});

Deno.test("captioner does not forget what was answered before it gave up [S4]", async () => {
  const { clock, model, watch, captioner, inferred } = start({}, undefined, {
    givenUp: "forgotten",
  });
  model.open();
  await watch(1);
  model.asked[0]!.answer(caption("in time"));
  await clock.tickAsync(1);
  await captioner.close("described");
  captioner.abandon("too late");
  assertEquals(inferred, ["in time"]);
});

Deno.test("captioner asks about the newest frame, with what was seen before [S6]", async () => {
  const { clock, model, watch, captioner } = start();
  const failed = async (reason: string) =>
    assertEquals(await captioner.ask("What?"), { kind: "failed", reason });
  await failed("the model is not there now");
  model.open();
  await clock.tickAsync(1);
  await failed("no frame has come yet");
  await watch(1);
  model.asked[0]!.answer(caption("a dog"));
  await watch(0.5);
  model.willAnswer({ kind: "answered", text: "A dog.", latencyMs: 5 });
  const answer = await captioner.ask("What?");
  assertEquals(answer, { kind: "answered", text: "A dog.", latencyMs: 5 });
  const [{ frames, question, context }] = model.questions as [typeof model.questions[0]];
  assertEquals([frames.length, question, context.history], [1, "What?", ["a dog"]]);
  assertEquals(context.sessionId, "s");
  await captioner.close("dropped");
  await failed("the model is not there now");
});

Deno.test("captioner answers one question at a time, in turn with everybody's chunks [S6]", async () => {
  const slots = new InferenceSlots(1);
  let release = () => {};
  slots.request((given) => release = given);
  const { model, clock, offer, captioner } = start({}, slots);
  model.open();
  await clock.tickAsync(1);
  offer();
  const first = captioner.ask("What?");
  assertEquals(await captioner.ask("And that?"), {
    kind: "failed",
    reason: "another question is being answered",
  });
  await clock.tickAsync(1);
  assertEquals(model.questions, [], "the process is full");
  release();
  assertEquals((await first).kind, "answered");
  assertEquals([model.questions.length, slots.taken], [1, 0]);
  assertEquals((await captioner.ask("And that?")).kind, "answered");
  await captioner.close("dropped");
});
