import { assert, assertEquals } from "@std/assert";
import { InferenceSlots } from "../../inference/slots.ts";
import { caption, down, start } from "./_captioner.ts";

Deno.test("captioner dispatches on a frame once the window is due, one at a time [V3]", async () => {
  const { model, told, watch, captioner } = start();
  model.open();
  await watch(4);
  assertEquals(model.asked.length, 1);
  const first = model.asked[0]!.chunk;
  assertEquals([first.startS, first.endS, first.frameCount], [0, 1, 2]);
  model.asked[0]!.answer(caption("one"));
  await watch(0.5);
  assertEquals(model.asked.length, 2, "what was buffered leaves with the next frame");
  const second = model.asked[1]!.chunk;
  assertEquals([second.startS, second.endS, second.frameCount], [1, 4.5, 7]);
  model.asked[1]!.answer(caption("two"));
  await captioner.close("dropped");
  assertEquals(told, ["one", "two"]);
});

Deno.test("captioner runs maxInflight inferences at once [V3]", async () => {
  const { model, watch, captioner } = start({ maxInflight: 2 });
  model.open();
  await watch(4);
  assertEquals(model.asked.length, 2);
  model.asked.forEach(({ answer }) => answer(caption("done")));
  await captioner.close("dropped");
});

Deno.test("captioner waits its turn for a slot, then sends what the window holds by then [V3]", async () => {
  const slots = new InferenceSlots(1);
  let release = () => {};
  slots.request((given) => release = given);
  const { model, watch, captioner } = start({}, slots);
  model.open();
  await watch(3);
  assertEquals([model.asked.length, slots.waiting], [0, 1]);
  release();
  assertEquals(model.asked[0]?.chunk.frameCount, 6);
  model.asked[0]!.answer(caption("done"));
  await captioner.close("dropped");
  assertEquals([slots.taken, slots.waiting], [0, 0]);
});

Deno.test("captioner hands over its last six captions [M1]", async () => {
  const { model, watch, captioner } = start();
  model.open();
  for (let at = 0; at < 9; at++) {
    await watch(1.5);
    model.asked[at]!.answer(caption(at === 3 ? "" : `caption ${at}`));
  }
  await captioner.close("dropped");
  const { context } = model.asked.at(-1)!;
  assertEquals(context.history, [1, 2, 4, 5, 6, 7].map((at) => `caption ${at}`));
  assertEquals([context.prompt, context.sessionId], ["look", "s"]);
});

Deno.test("captioner says once why the model cannot be opened, and tries again [V8]", async () => {
  const { model, told, watch, captioner } = start();
  model.fail("no such class");
  await watch(2);
  assertEquals(model.opens.length, 1, "tried again on a frame after the back-off");
  model.fail("no such class");
  await watch(0.5);
  assertEquals(model.opens.length, 0, "the second back-off is longer");
  await watch(2);
  model.open();
  await watch(1);
  model.asked[0]!.answer(caption("back"));
  await captioner.close("dropped");
  assertEquals(told, ["! no such class", "back"]);
});

Deno.test("captioner says a new reason, and after a recovery the old one again [V8]", async () => {
  const { clock, model, told, watch, captioner } = start();
  model.fail("unreachable");
  await watch(2);
  model.fail("refused");
  await watch(4);
  model.open();
  await watch(1);
  model.asked[0]!.answer(caption("back"));
  await watch(1.5);
  model.asked[1]!.answer(down("unreachable"));
  await clock.tickAsync(1);
  await captioner.close("dropped");
  assertEquals(told, ["! unreachable", "! refused", "back", "! unreachable"]);
});

Deno.test("captioner sends the next chunk at once after one lost call", async () => {
  const { model, told, watch, captioner } = start();
  model.open();
  await watch(1);
  model.asked[0]!.answer(down("connection lost"));
  await watch(1);
  assertEquals(model.asked.length, 2);
  model.asked[1]!.answer(caption("back"));
  await captioner.close("dropped");
  assertEquals(told, ["! connection lost", "back"]);
});

Deno.test("captioner leaves a model that stays away alone for longer each time", async () => {
  const { model, told, inferred, watch, captioner } = start();
  model.open();
  for (let minute = 0; minute < 5; minute++) {
    for (let turn = 0; turn < 60; turn++) {
      await watch(1);
      model.asked.at(-1)!.answer(down("gone"));
    }
  }
  await captioner.close("dropped");
  assert(model.asked.length >= 10, `${model.asked.length} attempts`);
  assert(model.asked.length <= 20, `${model.asked.length} attempts in five minutes`);
  assertEquals(told, ["! gone"]);
  assertEquals(inferred.length, model.asked.length, "each failed chunk is in the books");
});

Deno.test("captioner tells every chunk that the model could not describe [V5]", async () => {
  const { model, told, watch, captioner } = start();
  model.open();
  for (let at = 0; at < 3; at++) {
    await watch(1.5);
    model.asked[at]!.answer({ kind: "failed", scope: "chunk", reason: "no frame decodes" });
  }
  await captioner.close("dropped");
  assertEquals(told, Array(3).fill("! no frame decodes"));
});

Deno.test("captioner finishes the inference in flight when the client leaves [V7]", async () => {
  const { clock, model, inferred, watch, captioner } = start();
  model.open();
  await watch(1);
  const closed = captioner.close("dropped");
  await clock.tickAsync(9_999);
  model.asked[0]!.answer(caption("late"));
  await closed;
  assertEquals(inferred, ["late"]);
  assertEquals([model.closed(), clock.pendingTimers], [1, 0]);
});

Deno.test("captioner gives the inference in flight up after drainMs [V7]", async () => {
  const { clock, model, inferred, watch, captioner } = start();
  model.open();
  await watch(1);
  const closed = captioner.close("dropped");
  await clock.tickAsync(10_000);
  await closed;
  assertEquals(inferred, ["! The stream ended before the model answered"]);
});

Deno.test("captioner drops what was not dispatched, and leaves the queue, when it closes", async () => {
  const slots = new InferenceSlots(1);
  slots.request(() => {});
  const { model, watch, captioner } = start({}, slots);
  model.open();
  await watch(2);
  await captioner.close("dropped");
  assertEquals([model.asked.length, slots.waiting], [0, 0]);
});

Deno.test("captioner closes a session that opens too late", async () => {
  const { model, captioner } = start();
  await captioner.close("dropped");
  model.open();
  await Promise.resolve().then(() => {}).then(() => {});
  assertEquals(model.closed(), 1);
});

Deno.test("captioner sends what came while the model was opening, without a further frame", async () => {
  const { clock, model, told, watch, captioner } = start();
  await watch(2);
  model.open();
  await clock.tickAsync(1);
  assertEquals(model.asked.map(({ chunk }) => chunk.frameCount), [4]);
  model.asked[0]!.answer(caption("one"));
  await captioner.close("dropped");
  assertEquals(told, ["one"]);
});

Deno.test("captioner without a model takes frames and says nothing [V8]", async () => {
  const { model, told, watch, captioner } = start();
  model.opens.shift()!({ kind: "disabled" });
  await watch(5);
  await captioner.close("dropped");
  assertEquals([told, model.asked.length], [[], 0]);
});
