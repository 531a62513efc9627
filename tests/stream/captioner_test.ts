import { assert, assertEquals } from "@std/assert";
import type {
  Chunk,
  InferContext,
  InferOutcome,
  OpenOutcome,
  VisionInferenceClient,
} from "../../inference/client.ts";
import { InferenceSlots } from "../../inference/slots.ts";
import { Captioner, type CaptionerStart, type DispatchedChunk } from "../../stream/captioner.ts";
import { createFakeClock } from "../_fake_clock.ts";

const LIMITS = {
  chunkMs: 1000,
  maxBufferFrames: 120,
  maxFramesPerChunk: 6,
  maxInflight: 1,
  drainMs: 10_000,
};

interface Asked {
  readonly chunk: Chunk;
  readonly context: InferContext;
  answer(outcome: InferOutcome): void;
}

/** A model whose answers the test gives, one by one. */
function createScriptedModel() {
  const asked: Asked[] = [];
  const opens: ((outcome: OpenOutcome) => void)[] = [];
  let closed = 0;
  const session = {
    inferChunk(chunk: Chunk, context: InferContext): Promise<InferOutcome> {
      const { promise, resolve } = Promise.withResolvers<InferOutcome>();
      asked.push({ chunk, context, answer: resolve });
      context.signal.addEventListener(
        "abort",
        () => resolve({ kind: "failed", scope: "service", reason: context.signal.reason.message }),
      );
      return promise;
    },
    close: () => void closed++,
  };
  const client: VisionInferenceClient = {
    openSession: () => new Promise((resolve) => opens.push(resolve)),
    prepare: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const open = () => opens.shift()!({ kind: "opened", session });
  const fail = (reason: string) => opens.shift()!({ kind: "unavailable", reason });
  return { client, asked, opens, open, fail, closed: () => closed };
}

function caption(text: string): InferOutcome {
  return {
    kind: "captioned",
    caption: text,
    latencyMs: 1,
    chunkStartS: 0,
    chunkEndS: 1,
    tokensGenerated: 1,
    model: null,
  };
}

const down = (reason: string): InferOutcome => ({ kind: "failed", scope: "service", reason });

interface StartOptions {
  readonly start?: Partial<CaptionerStart>;
  readonly givenUp?: "told" | "forgotten";
}

function start(
  limits: Partial<typeof LIMITS> = {},
  slots = new InferenceSlots(64),
  options: StartOptions = {},
) {
  const clock = createFakeClock();
  const model = createScriptedModel();
  const told: string[] = [];
  const inferred: string[] = [];
  const dispatched: DispatchedChunk[] = [];
  const backlog = { isBehind: false };
  const textOf = (outcome: InferOutcome) =>
    outcome.kind === "captioned" ? outcome.caption : `! ${outcome.reason}`;
  const captioner = new Captioner({
    inference: model.client,
    slots,
    clock,
    limits: { ...LIMITS, ...limits },
    identity: null,
    sessionId: "s",
    start: { nowS: 0, describedS: 0, history: [], prompt: "look", ...options.start },
    givenUp: options.givenUp ?? "told",
  }, {
    dispatched(chunk, outcome) {
      dispatched.push(chunk);
      outcome.then((outcome) => inferred.push(outcome ? textOf(outcome) : "forgotten"));
    },
    tell: (outcome) => void told.push(textOf(outcome)),
    isBehind: () => backlog.isBehind,
  });
  let number = 0;
  const offer = (capturedAtMs: number | null = null) => {
    const bytes = new Uint8Array(10);
    const fate = captioner.admit({ bytes, number: ++number, capturedAtMs });
    captioner.proceed();
    return fate;
  };
  /** A frame every half second, until `seconds` have passed. */
  const watch = async (seconds: number) => {
    for (let at = 0; at < 2 * seconds; at++) {
      await clock.tickAsync(500);
      offer();
    }
  };
  return { clock, model, told, inferred, dispatched, backlog, captioner, offer, watch };
}

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
