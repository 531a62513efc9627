import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import { systemClock } from "../../clock.ts";
import type { ChatMessage } from "../../inference/client.ts";
import { createOpenAiInference } from "../../inference/openai.ts";
import { startOpenAiServer } from "./_openai_server.ts";
import { type Asked, testPort } from "./_port_contract.ts";

const KEY = "sk-do-not-tell";
const { signal } = new AbortController();
const CONTEXT = { prompt: "look", history: [], sessionId: "s", questions: [], signal };

function inference(baseUrl: string, apiKey: string | null = KEY, timeoutMs = 10_000) {
  return createOpenAiInference({
    baseUrl,
    apiKey,
    model: "eyes",
    timeoutMs,
    clock: systemClock,
    fetch,
  });
}

testPort("OpenAI-compatible inference", (timeoutMs) => {
  const server = startOpenAiServer(KEY);
  return Promise.resolve({
    client: inference(server.baseUrl, KEY, timeoutMs),
    identity: null,
    secret: KEY,
    behave: server.behave,
    stop: server.stop,
    restart: server.restart,
    close: server.stop,
  });
});

/** What a server that says one thing after the other makes of a request for JSON, and what it saw. */
async function writtenBy(...said: string[]) {
  const server = startOpenAiServer(KEY);
  const chats: (readonly ChatMessage[])[] = [];
  server.behave({
    kind: "answers",
    say: ({ written }) => (chats.push(written!.messages), said.shift() ?? "no more"),
  });
  const opened = await inference(server.baseUrl).openSession(null, signal);
  assert(opened.kind === "opened");
  const schema = z.object({ cups: z.int().max(9) });
  const messages = [{ role: "user", content: "How many?" }] as const;
  const outcome = await opened.session.generate({ messages, schema, maxTokens: null }, signal);
  await server.stop();
  return { outcome, chats };
}

Deno.test("OpenAI-compatible inference asks for JSON in words too, and reads it out of a fence [M9]", async () => {
  for (const said of ['{"cups":2}', '```json\n{"cups":2}\n```', '```\n{"cups":2}```']) {
    const { outcome, chats } = await writtenBy(said);
    assert(outcome.kind === "generated", JSON.stringify(outcome));
    assertEquals(outcome.value, { cups: 2 });
    assertEquals(chats.length, 1);
    assertMatch(chats[0]![0]!.content, /^How many\?\n\nAnswer with JSON alone.*"maximum":9/s);
  }
});

Deno.test("OpenAI-compatible inference has JSON that is no good corrected, once [M9]", async () => {
  const { outcome, chats } = await writtenBy("Two cups.", '{"cups":2}');
  assert(outcome.kind === "generated", JSON.stringify(outcome));
  assertEquals(outcome.value, { cups: 2 });
  assertEquals(chats[1]!.map(({ role }) => role), ["user", "assistant", "user"]);
  assertEquals(chats[1]![1]!.content, "Two cups.");
  assertMatch(chats[1]![2]!.content, /^That was not valid: .*corrected JSON alone\.$/);
  const failed = await writtenBy("Two cups.", '{"cups":20}', '{"cups":2}');
  assert(failed.outcome.kind === "failed");
  assertEquals([failed.outcome.scope, failed.chats.length], ["chunk", 2]);
});

/** What becomes of a chunk and two questions if the model says these one after the other. */
async function captionedBy(...said: string[]) {
  const server = startOpenAiServer(KEY);
  const asked: Asked[] = [];
  server.behave({
    kind: "answers",
    say: (given) => (asked.push(given), said.shift() ?? "no more"),
  });
  const opened = await inference(server.baseUrl).openSession(null, signal);
  assert(opened.kind === "opened");
  const frames = [{ bytes: new Uint8Array([1]), atS: 0 }];
  const chunk = { frames, frameCount: 1, byteCount: 1, startS: 0, endS: 1 };
  const questions = [{ id: "a.1", text: "a dog" }, { id: "b.1", text: "a cat" }];
  const outcome = await opened.session.inferChunk(chunk, { ...CONTEXT, questions });
  await server.stop();
  assert(outcome.kind === "captioned", JSON.stringify(outcome));
  return { caption: outcome.caption, answers: outcome.answers, asked };
}

Deno.test("OpenAI-compatible inference reads caption and answers, in a fence too [M10]", async () => {
  const answers = [{ number: 2, yes: true, confidence: 0.9 }];
  const json = JSON.stringify({ caption: " A cat. ", answers });
  for (const said of [json, "```json\n" + json + "\n```"]) {
    const heard = await captionedBy(said);
    assertEquals(heard.caption, "A cat.");
    assertEquals(heard.answers, [{ id: "b.1", yes: true, confidence: 0.9 }]);
    assertEquals(heard.asked.length, 1);
  }
});

Deno.test("OpenAI-compatible inference takes a plain sentence for the caption that it is [M10]", async () => {
  const { caption, answers, asked } = await captionedBy("A cat on a sofa.");
  assertEquals([caption, answers, asked.length], ["A cat on a sofa.", [], 1]);
});

Deno.test("OpenAI-compatible inference asks for the caption alone where it cannot read both [M10]", async () => {
  for (const said of ['{"caption":"A ca', '{"answers":[]}', "[]", "```json\nA cat.\n```"]) {
    const { caption, answers, asked } = await captionedBy(said, "A cat.");
    assertEquals([caption, answers], ["A cat.", []]);
    assertEquals(asked.map(({ questions }) => questions.length), [2, 0]);
    assertEquals(asked[1]!.prompt, "look");
  }
});

async function captionWith(baseUrl: string, apiKey: string | null, bytes: Uint8Array) {
  const opened = await inference(baseUrl, apiKey).openSession(null, signal);
  assert(opened.kind === "opened");
  const chunk = { frames: [{ bytes, atS: 0 }], frameCount: 1, byteCount: 1, startS: 0, endS: 1 };
  return await opened.session.inferChunk(chunk, CONTEXT);
}

Deno.test("OpenAI-compatible inference says what each frame is, and counts tokens", async () => {
  const server = startOpenAiServer(KEY);
  const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13]);
  const outcome = await captionWith(`${server.baseUrl}/`, KEY, png);
  await captionWith(server.baseUrl, KEY, new Uint8Array([0xff, 0xd8]));
  await server.stop();
  assert(outcome.kind === "captioned", JSON.stringify(outcome));
  assertEquals([outcome.model, outcome.tokensGenerated], ["eyes-2026", 4]);
  assertEquals(server.seen.mediaTypes, ["image/png", "image/jpeg"]);
});

Deno.test("OpenAI-compatible inference takes a refused key for trouble of the service", async () => {
  const server = startOpenAiServer(KEY);
  for (const key of [null, "sk-wrong"]) {
    const outcome = await captionWith(server.baseUrl, key, new Uint8Array([1]));
    assert(outcome.kind === "failed");
    assertEquals([outcome.scope, outcome.reason], [
      "service",
      "The model server answered 401: bad key",
    ]);
  }
  await server.stop();
});

Deno.test("OpenAI-compatible inference reads no page of HTML aloud", async () => {
  const proxy = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) =>
      request.url.endsWith("/a/chat/completions")
        ? new Response("<html>Bad gateway</html>", { status: 502 })
        : new Response("<html>ok</html>"),
  );
  const at = `http://127.0.0.1:${proxy.addr.port}`;
  const refused = await captionWith(`${at}/a`, KEY, new Uint8Array([1]));
  const nonsense = await captionWith(`${at}/b`, KEY, new Uint8Array([1]));
  await proxy.shutdown();
  assert(refused.kind === "failed" && nonsense.kind === "failed");
  assertEquals(refused.reason, "The model server answered 502");
  assertStringIncludes(nonsense.reason, "answered with what is no JSON");
});
