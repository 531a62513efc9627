import { assert, assertEquals } from "@std/assert";
import { createInferenceChain } from "../../inference/chain.ts";
import type {
  AnswerOutcome,
  GenerateOutcome,
  InferOutcome,
  OpenOutcome,
  VisionInferenceClient,
  VisionInferenceSession,
} from "../../inference/client.ts";
import { createFakeClock } from "../_fake_clock.ts";

const { signal } = new AbortController();
const CHUNK = { frames: [], frameCount: 1, byteCount: 1, startS: 0, endS: 1 };
const CONTEXT = { prompt: "look", history: [], sessionId: "s", questions: [], signal };

/** A model that answers as it is told to. */
function createModel(name: string) {
  const model = {
    calls: 0,
    closed: 0,
    opens: "opened" as OpenOutcome["kind"] | "never",
    answers: "captioned" as "captioned" | "chunk" | "service",
  };
  const session: VisionInferenceSession = {
    inferChunk(): Promise<InferOutcome> {
      model.calls++;
      if (model.answers !== "captioned") {
        return Promise.resolve({ kind: "failed", scope: model.answers, reason: `${name} failed` });
      }
      return Promise.resolve({
        kind: "captioned",
        caption: name,
        chunkStartS: 0,
        chunkEndS: 1,
        latencyMs: 1,
        tokensGenerated: 1,
        model: name,
        answers: [],
      });
    },
    answer(): Promise<AnswerOutcome> {
      model.calls++;
      return Promise.resolve(
        model.answers === "captioned"
          ? { kind: "answered", text: name, latencyMs: 1 }
          : { kind: "failed", scope: model.answers, reason: `${name} failed` },
      );
    },
    generate<T>(): Promise<GenerateOutcome<T>> {
      model.calls++;
      return Promise.resolve(
        model.answers === "captioned"
          ? { kind: "generated", value: name as T, latencyMs: 1 }
          : { kind: "failed", scope: model.answers, reason: `${name} failed` },
      );
    },
    close: () => void model.closed++,
  };
  const client: VisionInferenceClient = {
    serves: () => model.opens !== "disabled",
    openSession() {
      switch (model.opens) {
        case "never":
          return new Promise(() => {});
        case "opened":
          return Promise.resolve({ kind: "opened", session });
        case "disabled":
          return Promise.resolve({ kind: "disabled" });
        case "unavailable":
          return Promise.resolve({ kind: "unavailable", reason: `${name} is away` });
      }
    },
    prepare: () => Promise.resolve(),
    close: () => Promise.resolve(void model.closed++),
  };
  return Object.assign(model, { client });
}

function createPair() {
  const clock = createFakeClock();
  const [first, second] = [createModel("first"), createModel("second")];
  const chain = createInferenceChain([first.client, second.client], clock);
  const open = async () => {
    const opened = await chain.openSession(null, signal);
    assert(opened.kind === "opened", JSON.stringify(opened));
    return opened.session;
  };
  return { clock, first, second, chain, open };
}

function textOf(outcome: InferOutcome | AnswerOutcome | GenerateOutcome<string>): string {
  if (outcome.kind === "failed") return `! ${outcome.reason}`;
  if (outcome.kind === "generated") return outcome.value;
  return outcome.kind === "captioned" ? outcome.caption : outcome.text;
}

const ask = (session: VisionInferenceSession) => session.answer([], "Why?", CONTEXT);
const write = (session: VisionInferenceSession, within = signal) =>
  session.generate({ messages: [], schema: null, maxTokens: null }, within);

Deno.test("chain asks the preferred model, and it alone, while that answers", async () => {
  const { first, second, open } = createPair();
  const session = await open();
  assertEquals(textOf(await session.inferChunk(CHUNK, CONTEXT)), "first");
  assertEquals([first.calls, second.calls], [1, 0]);
});

Deno.test("chain answers from the next model when one fails, in the same chunk", async () => {
  const { first, second, open } = createPair();
  const session = await open();
  first.answers = "service";
  assertEquals(textOf(await session.inferChunk(CHUNK, CONTEXT)), "second");
  assertEquals([first.calls, second.calls], [1, 1]);
});

Deno.test("chain leaves a failing model alone for longer each time, and comes back by itself", async () => {
  const { clock, first, open } = createPair();
  const session = await open();
  first.answers = "service";
  const asked: number[] = [];
  for (let second = 0; second < 64; second++) {
    await session.inferChunk(CHUNK, CONTEXT);
    if (first.calls > asked.length) asked.push(second);
    clock.tick(1000);
  }
  // Forgiven once, then after 1, 2, 4, 8, 16 and 30 seconds.
  assertEquals(asked, [0, 1, 2, 4, 8, 16, 32, 62]);
  first.answers = "captioned";
  clock.tick(30_000);
  assertEquals(textOf(await session.inferChunk(CHUNK, CONTEXT)), "first");
});

Deno.test("chain's streams learn from each other", async () => {
  const { first, open } = createPair();
  const [one, other] = [await open(), await open()];
  first.answers = "service";
  await one.inferChunk(CHUNK, CONTEXT);
  await one.inferChunk(CHUNK, CONTEXT);
  await other.inferChunk(CHUNK, CONTEXT);
  assertEquals(first.calls, 2);
});

Deno.test("chain tries a model that rests with one call, not with all", async () => {
  const { clock, first, second, open } = createPair();
  const session = await open();
  first.answers = "service";
  await session.inferChunk(CHUNK, CONTEXT);
  await session.inferChunk(CHUNK, CONTEXT);
  clock.tick(1000);
  await Promise.all([1, 2, 3].map(() => session.inferChunk(CHUNK, CONTEXT)));
  assertEquals([first.calls, second.calls], [3, 5]);
});

Deno.test("chain does not ask another model about frames that one refused", async () => {
  const { first, second, open } = createPair();
  const session = await open();
  first.answers = "chunk";
  assertEquals(textOf(await session.inferChunk(CHUNK, CONTEXT)), "! first failed");
  assertEquals(second.calls, 0);
});

Deno.test("chain says the same reason while nobody can be asked", async () => {
  const { first, second, open } = createPair();
  const session = await open();
  first.answers = second.answers = "service";
  const reasons = [];
  for (let at = 0; at < 4; at++) reasons.push(textOf(await session.inferChunk(CHUNK, CONTEXT)));
  assertEquals(reasons, Array(4).fill("! second failed"));
  assertEquals([first.calls, second.calls], [2, 2]);
});

Deno.test("chain opens as soon as one model does, and takes the other in when it is there", async () => {
  const { clock, first, open } = createPair();
  first.opens = "unavailable";
  const session = await open();
  first.opens = "opened";
  assertEquals(textOf(await session.inferChunk(CHUNK, CONTEXT)), "second");
  await clock.tickAsync(1);
  assertEquals(textOf(await session.inferChunk(CHUNK, CONTEXT)), "first");
});

Deno.test("chain does not wait for a model that is slow to open", async () => {
  const { first, open } = createPair();
  first.opens = "never";
  const session = await open();
  assertEquals(textOf(await session.inferChunk(CHUNK, CONTEXT)), "second");
});

Deno.test("chain passes over a model that a stream has no identity for [V8]", async () => {
  const { first, second, chain, open } = createPair();
  first.opens = "disabled";
  const session = await open();
  assertEquals(textOf(await session.inferChunk(CHUNK, CONTEXT)), "second");
  second.opens = "disabled";
  assertEquals(await chain.openSession(null, signal), { kind: "disabled" });
  first.opens = "unavailable";
  const away = { kind: "unavailable" as const, reason: "first is away" };
  assertEquals(await chain.openSession(null, signal), away);
});

Deno.test("chain learns nothing from a caller that gave up", async () => {
  const { first, second, open } = createPair();
  const session = await open();
  first.answers = "service";
  const gone = { ...CONTEXT, signal: AbortSignal.abort(new Error("left")) };
  for (let at = 0; at < 3; at++) await session.inferChunk(CHUNK, gone);
  assertEquals([first.calls, second.calls], [3, 0]);
});

Deno.test("chain closes what it opened", async () => {
  const { first, second, chain, open } = createPair();
  (await open()).close();
  await chain.close();
  assertEquals([first.closed, second.closed], [2, 2]);
});

Deno.test("chain answers a question from the next model when one cannot be reached", async () => {
  const { first, second, open } = createPair();
  const session = await open();
  first.answers = "service";
  assertEquals(textOf(await ask(session)), "second");
  assertEquals([first.calls, second.calls], [1, 1]);
  first.answers = "chunk";
  assertEquals(textOf(await ask(session)), "! first failed");
  assertEquals(second.calls, 1, "a refused question is refused");
});

Deno.test("chain learns from questions what it learns from chunks", async () => {
  const { clock, first, second, open } = createPair();
  const session = await open();
  first.answers = "service";
  await ask(session);
  await ask(session);
  assertEquals(textOf(await session.inferChunk(CHUNK, CONTEXT)), "second");
  assertEquals(first.calls, 2, "it rests");
  clock.tick(1000);
  first.answers = "captioned";
  assertEquals(textOf(await ask(session)), "first");
  assertEquals(textOf(await session.inferChunk(CHUNK, CONTEXT)), "first");
  assertEquals(second.calls, 3);
});

Deno.test("chain learns nothing from a question that was given up", async () => {
  const { first, second, open } = createPair();
  const session = await open();
  first.answers = "service";
  const gone = { ...CONTEXT, signal: AbortSignal.abort(new Error("left")) };
  for (let at = 0; at < 3; at++) await session.answer([], "Why?", gone);
  assertEquals([first.calls, second.calls], [3, 0]);
});

Deno.test("chain has the next model write when one cannot be reached, and learns from it [M9]", async () => {
  const { clock, first, second, open } = createPair();
  const session = await open();
  first.answers = "service";
  assertEquals(textOf(await write(session)), "second");
  assertEquals(textOf(await write(session)), "second");
  assertEquals(textOf(await session.inferChunk(CHUNK, CONTEXT)), "second");
  assertEquals([first.calls, second.calls], [2, 3], "the first rests");
  clock.tick(1000);
  first.answers = "chunk";
  assertEquals(textOf(await write(session)), "! first failed");
  assertEquals(second.calls, 3, "what one refused is refused");
  first.answers = "captioned";
  assertEquals(textOf(await write(session)), "first");
});

Deno.test("chain learns nothing from a text that was given up [M9]", async () => {
  const { first, second, open } = createPair();
  const session = await open();
  first.answers = "service";
  const gone = AbortSignal.abort(new Error("left"));
  for (let at = 0; at < 3; at++) await write(session, gone);
  assertEquals([first.calls, second.calls], [3, 0]);
});

Deno.test("chain serves who is served by any of its models [V8]", () => {
  const { first, second, chain } = createPair();
  first.opens = "disabled";
  assertEquals(chain.serves(null), true);
  second.opens = "disabled";
  assertEquals(chain.serves(null), false);
});
