import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import { systemClock } from "../../../clock.ts";
import { createScene } from "../../../dev/scene.ts";
import type {
  AnswerOutcome,
  Chunk,
  InferOutcome,
  VisionInferenceSession,
} from "../../../inference/client.ts";
import { createModalInference } from "../../../inference/modal.ts";
import { createModalEndpointInference } from "../../../inference/modal_endpoint.ts";
import {
  createDescriberGemma,
  createWorkerGemma,
  LOCAL_MODEL,
  type LocalGemma,
} from "../../../modal/local/gemma.ts";
import { startLocalModal } from "../../../modal/local/server.ts";

const { signal } = new AbortController();
const CONTEXT = { prompt: "look", history: [], sessionId: "s", questions: [], signal };

/** The served class behind the real adapter, over a real connection. */
async function withGemma(
  use: (session: VisionInferenceSession, overHttps: VisionInferenceSession) => Promise<void>,
  gemma: LocalGemma = createDescriberGemma(),
): Promise<void> {
  const modal = await startLocalModal({ classes: [gemma.served] });
  const client = createModalInference({
    serverUrl: modal.url,
    environment: "main",
    transport: "fetch",
    timeoutMs: 20_000,
    clock: systemClock,
    newId: () => crypto.randomUUID(),
  });
  const endpoint = createModalEndpointInference({
    url: modal.endpointUrl(gemma.served),
    proxyTokenId: "wk-local",
    proxyTokenSecret: "ws-local",
    timeoutMs: 20_000,
    clock: systemClock,
    fetch,
  });
  try {
    const { app: appName, name: className } = gemma.served;
    const identity = { tokenId: "ak-local", tokenSecret: "as-local", appName, className };
    const opened = await client.openSession(identity, signal);
    const openedToo = await endpoint.openSession(identity, signal);
    assert(opened.kind === "opened" && openedToo.kind === "opened");
    await use(opened.session, openedToo.session);
  } finally {
    await client.close();
    await modal.close();
    await gemma.close();
  }
}

function chunkOf(pictures: readonly Uint8Array[]): Chunk {
  const frames = pictures.map((bytes, at) => ({ bytes, atS: at / 3 }));
  return { frames, frameCount: frames.length, byteCount: 0, startS: 0, endS: 1 };
}

function captionOf(outcome: InferOutcome): string {
  assert(outcome.kind === "captioned", JSON.stringify(outcome));
  assertEquals([outcome.model, outcome.chunkEndS], [LOCAL_MODEL, 1]);
  return outcome.caption;
}

Deno.test("local Gemma describes frames that travelled all the way [M1, M2]", () =>
  withGemma(async (session) => {
    const scene = createScene({ widthPx: 320, heightPx: 180 });
    const garbage = new TextEncoder().encode("not a picture");
    const rolling = [await scene.frameAt(2), garbage, await scene.frameAt(2.4)];
    const caption = captionOf(await session.inferChunk(chunkOf(rolling), CONTEXT));
    assert(/red.*moves right/.test(caption), caption);
    const lying = [await scene.frameAt(6), await scene.frameAt(6.4)];
    const still = captionOf(await session.inferChunk(chunkOf(lying), CONTEXT));
    assert(/^Nothing moves/.test(still), still);
    assertEquals(await session.inferChunk(chunkOf([garbage, garbage]), CONTEXT), {
      kind: "failed",
      scope: "chunk",
      reason:
        "UndecodableFramesError('Cannot describe 2 frames: none of them is a JPEG that can be" +
        " decoded')",
    });
  }));

Deno.test("local Gemma answers no frames with an empty caption [M2]", () =>
  withGemma(async (session) => {
    assertEquals(await session.inferChunk(chunkOf([]), CONTEXT), {
      kind: "captioned",
      caption: "",
      chunkStartS: 0,
      chunkEndS: 1,
      latencyMs: 0,
      tokensGenerated: 0,
      model: LOCAL_MODEL,
      answers: [],
    });
  }));

Deno.test("local Gemma's close() changes nothing for anybody [M4]", async () => {
  const gemma = createDescriberGemma();
  const close = gemma.served.methods.close!;
  assertEquals(await close.call({}, signal), null);
  const described = await gemma.served.methods.infer_chunk!.call({
    frames: [await createScene({ widthPx: 160, heightPx: 90 }).frameAt(0)],
    start_ts_s: 0,
    end_ts_s: 1,
  }, signal);
  assert((described as { caption: string }).caption.length > 0);
  await gemma.close();
});

function failureOf(outcome: AnswerOutcome): [scope: string, reason: string] {
  assert(outcome.kind === "failed", JSON.stringify(outcome));
  return [outcome.scope, outcome.reason];
}

Deno.test("local Gemma answers with what it measures, and says that it cannot read the question [M8]", () =>
  withGemma(async (...sessions) => {
    const scene = createScene({ widthPx: 320, heightPx: 180 });
    const rolling = [await scene.frameAt(2), await scene.frameAt(2.4)];
    for (const session of sessions) {
      const outcome = await session.answer(rolling, "What moves?", CONTEXT);
      assert(outcome.kind === "answered", JSON.stringify(outcome));
      const { text } = outcome;
      assert(/^I cannot read questions, .*red.*moves right/.test(text), text);
    }
  }));

Deno.test("local Gemma answers nothing about no pictures, nor about what is none [M8]", () =>
  withGemma(async (...sessions) => {
    const garbage = new TextEncoder().encode("not a picture");
    for (const session of sessions) {
      const [scope, reason] = failureOf(await session.answer([], "What moves?", CONTEXT));
      assertEquals(scope, "chunk");
      assertStringIncludes(reason, "frames must be at least one");
      const undecodable = failureOf(await session.answer([garbage], "What moves?", CONTEXT));
      assertEquals(undecodable[0], "chunk");
      assertStringIncludes(undecodable[1], "not a JPEG that can be decoded");
    }
  }));

Deno.test("local Gemma answers conditions about what it measures beside the caption, and no others [M10]", () =>
  withGemma(async (...sessions) => {
    const scene = createScene({ widthPx: 320, heightPx: 180 });
    const questions = [
      { id: "moves", text: "something red moves" },
      { id: "bus", text: "bus 22 comes" },
      { id: "dark", text: 'Can this be seen: "it gets dark"?' },
    ];
    for (const session of sessions) {
      const rolling = chunkOf([await scene.frameAt(2), await scene.frameAt(2.4)]);
      const asked = await session.inferChunk(rolling, { ...CONTEXT, questions });
      assert(asked.kind === "captioned", JSON.stringify(asked));
      const plain = await session.inferChunk(rolling, CONTEXT);
      assert(plain.kind === "captioned", JSON.stringify(plain));
      assertEquals([asked.caption, plain.answers], [plain.caption, []]);
      assertEquals(asked.answers.map(({ id, yes }) => [id, yes]), [["moves", true], [
        "dark",
        false,
      ]]);
      assert(asked.answers.every(({ confidence }) => confidence > 0.75 && confidence <= 1));
      const night = chunkOf([await scene.frameAt(15.2), await scene.frameAt(15.6)]);
      const dark = await session.inferChunk(night, { ...CONTEXT, questions });
      assert(dark.kind === "captioned", JSON.stringify(dark));
      assertEquals(dark.answers.map(({ id, yes }) => [id, yes]), [["moves", false], [
        "dark",
        true,
      ]]);
      const none = await session.inferChunk(chunkOf([]), { ...CONTEXT, questions });
      assert(none.kind === "captioned", JSON.stringify(none));
      assertEquals([none.caption, none.answers], ["", []]);
    }
  }));

Deno.test("local Gemma answers with yes or no what it can measure, and then says what it sees [M8, M10]", () =>
  withGemma(async (...sessions) => {
    const scene = createScene({ widthPx: 320, heightPx: 180 });
    const night = [await scene.frameAt(15.2), await scene.frameAt(15.6)];
    for (const session of sessions) {
      const textOf = async (question: string) => {
        const outcome = await session.answer(night, question, CONTEXT);
        assert(outcome.kind === "answered", JSON.stringify(outcome));
        return outcome.text;
      };
      assert(/^Yes: .*dark.*\.$/.test(await textOf("Is it dark?")), await textOf("Is it dark?"));
      assert(/^No: .*dark.*\.$/.test(await textOf("does anything move?")));
      assert(/^I cannot read questions/.test(await textOf("Does bus 22 come?")));
    }
  }));

Deno.test("local Gemma hands a question to the process of the real class [M8]", () => {
  const script = new URL("./_line_worker.ts", import.meta.url).pathname;
  const gemma = createWorkerGemma({ command: "deno", args: ["run", "--no-prompt", script] });
  return withGemma(async (...sessions) => {
    for (const session of sessions) {
      const frames = [new Uint8Array([1, 2, 3])];
      const context = { ...CONTEXT, history: ["before"] };
      const outcome = await session.answer(frames, "Why?", context);
      assert(outcome.kind === "answered", JSON.stringify(outcome));
      assertEquals(JSON.parse(outcome.text), {
        frames: [frames[0]!.toBase64()],
        question: "Why?",
        history: ["before"],
      });
    }
  }, gemma);
});

const MESSAGES = [{ role: "user", content: "Why?" }] as const;

Deno.test("local Gemma writes nothing, as it is no language model, and says so [M9]", () =>
  withGemma(async (...sessions) => {
    for (const session of sessions) {
      const request = { messages: MESSAGES, schema: null, maxTokens: null };
      assertEquals(await session.generate(request, signal), {
        kind: "failed",
        scope: "chunk",
        reason: "This model only looks at pictures: it was deployed without `generate`",
      });
    }
  }));

Deno.test("local Gemma hands a chat to the process of the real class [M9]", () => {
  const script = new URL("./_line_worker.ts", import.meta.url).pathname;
  const gemma = createWorkerGemma({ command: "deno", args: ["run", "--no-prompt", script] });
  return withGemma(async (...sessions) => {
    for (const session of sessions) {
      const request = { messages: MESSAGES, schema: null, maxTokens: 9 };
      const text = await session.generate(request, signal);
      assert(text.kind === "generated", JSON.stringify(text));
      const given = { messages: MESSAGES, schema: null, max_tokens: 9 };
      assertEquals(JSON.parse(text.value), given);
      const schema = z.object({ schema: z.object({ type: z.literal("object") }) });
      const json = await session.generate({ ...request, schema }, signal);
      assert(json.kind === "generated", JSON.stringify(json));
      assertEquals(json.value, { schema: { type: "object" } });
    }
  }, gemma);
});
