import { assertEquals } from "@std/assert";
import { noopInference } from "../../inference/noop.ts";
import { UNLIMITED } from "../../kv/budgets.ts";
import { InferenceSlots } from "../../inference/slots.ts";
import { Captioner } from "../../stream/captioner.ts";
import { createFakeClock } from "../_fake_clock.ts";

const IDENTITY = { tokenId: "ak", tokenSecret: "as", appName: "app", className: "Eyes" };

Deno.test("noopInference opens nothing, for whomever, and closes [V8]", async () => {
  const { signal } = new AbortController();
  for (const identity of [null, IDENTITY]) {
    assertEquals(await noopInference.openSession(identity, signal), { kind: "disabled" });
    assertEquals(noopInference.serves(identity), false);
  }
  await noopInference.close();
});

Deno.test("noopInference behind a stream: frames are taken, nothing is said or left behind [V8]", async () => {
  const clock = createFakeClock();
  const slots = new InferenceSlots(1);
  let heard = 0;
  const captioner = new Captioner({
    budget: UNLIMITED,
    inference: noopInference,
    slots,
    clock,
    limits: {
      chunkMs: 0,
      maxBufferFrames: 120,
      maxFramesPerChunk: 6,
      maxInflight: 1,
      drainMs: 10_000,
    },
    identity: IDENTITY,
    sessionId: "s",
    start: { nowS: 0, describedS: 0, history: [], prompt: "look" },
    questions: () => [],
    governor: null,
    givenUp: "told",
  }, {
    dispatched: () => void heard++,
    tell: () => void heard++,
    usedUp: () => void heard++,
    isBehind: () => false,
  });
  await clock.tickAsync(1);
  for (let at = 0; at < 10; at++) {
    const fate = captioner.admit({ bytes: new Uint8Array(10), number: at + 1, capturedAtMs: null });
    assertEquals(fate, { status: "dropped", reason: "busy" });
    captioner.proceed();
    await clock.tickAsync(1000);
  }
  await captioner.close("described");
  assertEquals([heard, slots.taken, slots.waiting, clock.pendingTimers], [0, 0, 0, 0]);
});
