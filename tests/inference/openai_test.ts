import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { systemClock } from "../../clock.ts";
import { createOpenAiInference } from "../../inference/openai.ts";
import { startOpenAiServer } from "./_openai_server.ts";
import { testPort } from "./_port_contract.ts";

const KEY = "sk-do-not-tell";
const { signal } = new AbortController();
const CONTEXT = { prompt: "look", history: [], sessionId: "s", signal };

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
