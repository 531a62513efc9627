import { assertEquals } from "@std/assert";
import type { Question } from "../../inference/client.ts";
import { InferenceSlots } from "../../inference/slots.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { caption, start } from "./_captioner.ts";
import { CAPTION, chunkOf, createBench, now } from "./_recorder.ts";

const DARK: Question = { id: "a.1", text: "it is dark" };
const DOG: Question = { id: "b.1", text: "a dog" };

Deno.test("captioner asks with each chunk what there is to ask as it leaves [M10, R4]", async () => {
  let questions: readonly Question[] = [];
  const options = { questions: () => questions };
  const { model, watch, offer, clock, captioner } = start(
    { maxInflight: 2 },
    new InferenceSlots(64),
    options,
  );
  model.open();
  await watch(1);
  questions = [DARK, DOG];
  assertEquals(model.asked.map(({ context }) => context.questions), [[]]);
  await watch(1);
  questions = [DOG];
  model.asked[0]!.answer(caption("one"));
  model.asked[1]!.answer(caption("two"));
  offer();
  captioner.pause();
  const asked = model.asked.map(({ context }) => context.questions);
  assertEquals(asked, [[], [DARK, DOG], [DOG]], "what leaves as the stream pauses is asked too");
  await clock.tickUntil(captioner.close("dropped"), 1000);
});

Deno.test("Recorder keeps answers with their chunk, and no list where there are none [R4]", () =>
  withKv(async (kv) => {
    const { recorder, chunks, end } = createBench(kv);
    const answers = [{ id: "a.1", yes: true, confidence: 0.75 }];
    recorder.begin();
    recorder.chunk(chunkOf(2, 1), now({ ...CAPTION, answers }));
    recorder.chunk(chunkOf(2, 2), now(CAPTION));
    await end();
    const outcomes = (await chunks()).map(({ outcome }) => outcome);
    assertEquals(outcomes.map((outcome) => "answers" in outcome ? outcome.answers : "none"), [
      answers,
      "none",
    ]);
  }));
