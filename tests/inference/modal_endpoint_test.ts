import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Decoder, Encoder } from "cbor-x";
import { systemClock } from "../../clock.ts";
import type { InferOutcome, VisionInferenceClient } from "../../inference/client.ts";
import { createModalEndpointInference } from "../../inference/modal_endpoint.ts";
import { startLocalModal } from "../../modal/local/server.ts";
import { servedEyes } from "./_eyes.ts";

const CBOR = { "content-type": "application/cbor" };
const { signal: NEVER } = new AbortController();
const CONTEXT = {
  prompt: "look",
  history: ["before"],
  sessionId: "s1",
  questions: [],
  signal: NEVER,
};
const CHUNK = {
  frames: [{ bytes: new Uint8Array([1, 2, 3]), atS: 0.5 }],
  frameCount: 1,
  byteCount: 3,
  startS: 0.5,
  endS: 2,
};

function inference(url: string, token = { id: "wk-1", secret: "ws-hush" }): VisionInferenceClient {
  return createModalEndpointInference({
    url,
    proxyTokenId: token.id,
    proxyTokenSecret: token.secret,
    timeoutMs: 10_000,
    clock: systemClock,
    fetch,
  });
}

async function ask(client: VisionInferenceClient, signal = NEVER): Promise<InferOutcome> {
  const opened = await client.openSession(null, NEVER);
  assert(opened.kind === "opened");
  return await opened.session.inferChunk(CHUNK, { ...CONTEXT, signal });
}

/** Runs `use` with a server of the test's own. */
async function withServer(
  handle: (request: Request) => Response | Promise<Response>,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const response = await handle(request);
    if (!request.bodyUsed) await request.body?.cancel();
    return response;
  });
  try {
    await use(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

function cborOf(value: unknown): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Encoder({ mapsAsObjects: true, useRecords: false }).encode(value));
}

function raised(status: number, name = "ValueError", message = "no good"): Response {
  return new Response(cborOf({ error: { name, message } }), { status, headers: CBOR });
}

/** What becomes of a chunk that is answered so. */
async function toldOf(response: () => Response): Promise<[scope: string, reason: string]> {
  let told: [string, string] | null = null;
  await withServer(response, async (url) => {
    const outcome = await ask(inference(url));
    assert(outcome.kind === "failed", JSON.stringify(outcome));
    told = [outcome.scope, outcome.reason];
  });
  return told!;
}

Deno.test("modal endpoint inference sends arguments by name, frames as byte strings, and Modal's headers [M5]", async () => {
  const seen: { path: string; headers: Headers; body: Uint8Array }[] = [];
  await withServer(async (request) => {
    const { method, url, headers } = request;
    const { pathname } = new URL(url);
    const body = new Uint8Array(await request.arrayBuffer());
    seen.push({ path: `${method} ${pathname}`, headers: new Headers(headers), body });
    return new Response(cborOf({ caption: "A ball.", tokens_generated: 3 }), { headers: CBOR });
  }, async (url) => {
    const outcome = await ask(inference(`${url}/app/Eyes/`));
    assert(outcome.kind === "captioned", JSON.stringify(outcome));
    assertEquals([outcome.caption, outcome.tokensGenerated], ["A ball.", 3]);
    assertEquals([outcome.chunkStartS, outcome.chunkEndS], [0.5, 2]);
  });
  const [{ path, headers, body }] = seen as [typeof seen[0]];
  assertEquals(path, "POST /app/Eyes/infer_chunk");
  const sent = ["content-type", "modal-key", "modal-secret", "authorization"];
  assertEquals(sent.map((name) => headers.get(name)), [
    "application/cbor",
    "wk-1",
    "ws-hush",
    null,
  ]);
  const plain = new Decoder({ mapsAsObjects: true, useRecords: false }).decode(body);
  assertEquals({ ...plain, frames: plain.frames.map((bytes: Uint8Array) => [...bytes]) }, {
    frames: [[1, 2, 3]],
    start_ts_s: 0.5,
    end_ts_s: 2,
    prompt: "look",
    history: ["before"],
    session_id: "s1",
  });
  // A list of one byte string of three bytes, without a tag before it: Python's [b"\x01\x02\x03"].
  assertStringIncludes(body.toHex(), "8143010203");
});

Deno.test("modal endpoint inference tells what the class raised from what stands before it [M6]", async () => {
  for (const status of [413, 422, 500]) {
    assertEquals(await toldOf(() => raised(status)), ["chunk", "ValueError: no good"]);
  }
  for (const status of [404, 405, 415, 503]) {
    assertEquals(await toldOf(() => raised(status)), ["service", "ValueError: no good"]);
  }
  const proxy: [status: number, reason: string][] = [
    [401, "Modal refused the proxy token"],
    [404, "There is no model at the endpoint's address"],
    [422, "The model's endpoint answered 422"],
    [500, "The model's endpoint answered 500"],
    [502, "The model's endpoint answered 502"],
  ];
  for (const [status, reason] of proxy) {
    const page = () => new Response("<html>ws-hush</html>", { status });
    assertEquals(await toldOf(page), ["service", reason]);
  }
  assertEquals(await toldOf(() => raised(500, "A".repeat(9000))), ["chunk", "A".repeat(500)]);
});

Deno.test("modal endpoint inference reads no answer that is none of the class's [M3, M6]", async () => {
  const noCbor = "The model's endpoint answered with what is no CBOR";
  const large = { caption: "", more: "x".repeat(300_000) };
  const answers = [
    new Response("<html>Welcome</html>", { headers: { "content-type": "text/html" } }),
    new Response("", { headers: CBOR }),
    new Response(new Uint8Array([0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), {
      headers: CBOR,
    }),
    new Response(cborOf(large), { headers: CBOR }),
  ];
  for (const answer of answers) assertEquals(await toldOf(() => answer), ["service", noCbor]);
  for (const nothing of [null, "A ball.", [], { text: "A ball." }]) {
    const [scope, reason] = await toldOf(() => new Response(cborOf(nothing), { headers: CBOR }));
    assertEquals(scope, "chunk");
    assertStringIncludes(reason, "Cannot read the model's answer");
  }
});

Deno.test("modal endpoint inference carries its token to no other address [M5, A4]", async () => {
  let elsewhere = 0;
  await withServer(() => (elsewhere++, new Response()), async (other) => {
    for (const status of [301, 303, 307, 308]) {
      const headers = { location: `${other}/infer_chunk` };
      const moved = () => new Response(null, { status, headers });
      assertEquals(await toldOf(moved), ["service", "The model's endpoint sends elsewhere"]);
    }
  });
  assertEquals(elsewhere, 0);
});

Deno.test("modal endpoint inference asks nobody without a proxy token [V8]", async () => {
  let asked = 0;
  await withServer(() => (asked++, new Response()), async (url) => {
    const identity = { tokenId: "ak-1", tokenSecret: "as-1", appName: "app", className: "Eyes" };
    for (const token of [{ id: "", secret: "" }, { id: "wk-1", secret: "" }]) {
      const client = inference(url, token);
      assertEquals(await client.openSession(identity, NEVER), { kind: "disabled" });
      assertEquals(client.serves(identity), false);
    }
  });
  assertEquals(asked, 0);
});

Deno.test("modal endpoint inference ends the call of who gives up, and no other [M7]", async () => {
  const eyes = servedEyes();
  const modal = await startLocalModal({ classes: [eyes.served] });
  const client = inference(modal.endpointUrl(eyes.served));
  eyes.behave({ kind: "hangs" });
  const leaving = new AbortController();
  const given = ask(client, leaving.signal);
  await until(() => modal.seen.runningCalls === 1);
  const patience = new AbortController();
  const waiting = ask(client, patience.signal);
  await until(() => modal.seen.runningCalls === 2);
  leaving.abort(new Error("the stream ended"));
  assertEquals(await given, { kind: "failed", scope: "service", reason: "the stream ended" });
  await until(() => modal.seen.cancelledCalls === 1 && modal.seen.runningCalls === 1);
  patience.abort(new Error("enough"));
  await waiting;
  await until(() => modal.seen.cancelledCalls === 2);
  await modal.close();
});

/** Waits for what happens on the other side of a socket. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((done) => setTimeout(done, 1));
}
