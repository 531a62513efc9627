import { assert, assertEquals, assertRejects } from "@std/assert";
import { connectGlasses } from "../dev/glasses.ts";
import { type LocalModal, startLocalModal } from "../modal/local/server.ts";
import { INFER_CHUNK_PARAMETERS } from "../modal/local/infer_chunk.ts";
import { MAGIC_WORD, SIGNING_KEY, type TestForesight, withForesight } from "./_foresight.ts";
import { startOpenAiServer } from "./inference/_openai_server.ts";
import { connectSession } from "./routes/_session.ts";
import { EYES, withModal } from "./routes/_vision.ts";
import { ask, bearing, type Issued, issueToken } from "./routes/_wearers.ts";

const SECRETS = {
  magicWord: MAGIC_WORD,
  signingKey: SIGNING_KEY,
  forgedToken: "fs1.do-not-t.ell-do-not-tell.do-not-tell",
  wrongHeader: "wrong-word-in-header",
  wrongQuery: "wrong-word/in query",
  resume: "resume-me-do-not-tell",
  houseId: "ak-house-do-not-tell",
  houseSecret: "as-house+do/not=tell",
  guestId: "ak-guest-do-not-tell",
  guestSecret: "as-guest-do-not-tell",
  pokeHouse: "poke-house/do+not=tell",
  pokeGuest: "pk_guest-do-not-tell",
  idempotencyKey: "idempotency-do-not-tell",
};
const MESSAGE = "a private message";
const CAPTION = "A stranger opens the green door";
const FRAME_MARK = "FRAME-BYTES-OF-A-WEARER";

const SETTINGS = {
  MODAL_TOKEN_ID: SECRETS.houseId,
  MODAL_TOKEN_SECRET: SECRETS.houseSecret,
  FORESIGHT_POKE_API_KEY: SECRETS.pokeHouse,
};
const GUEST = {
  "x-modal-token-id": SECRETS.guestId,
  "x-modal-token-secret": SECRETS.guestSecret,
};

/** A frame that tells the model what to do: to caption it, or to raise with whoever's tokens. */
function frameFor(wish: "caption" | "house" | "guest"): Uint8Array {
  return new TextEncoder().encode(`${wish} ${FRAME_MARK}`);
}

/** A model that remembers everything, and says more than it should. */
function inferChunk({ frames }: Readonly<Record<string, unknown>>): unknown {
  const [wish] = new TextDecoder().decode((frames as Uint8Array[])[0]).split(" ");
  if (wish === "caption") return { caption: CAPTION };
  const { houseId, houseSecret, guestId, guestSecret } = SECRETS;
  const [id, secret] = wish === "house" ? [houseId, houseSecret] : [guestId, guestSecret];
  throw new Error(`cannot log in as ${id} with ${secret} (${encodeURIComponent(secret)})`);
}

/** Wears glasses for a while; answers all that the server said. */
async function wear(
  { url }: TestForesight,
  wish: "house" | "guest",
  headers: Record<string, string>,
): Promise<string> {
  const glasses = await connectGlasses(url, { magicWord: MAGIC_WORD, headers });
  glasses.send(frameFor("caption"));
  await glasses.heard((ack) => ack.caption === CAPTION);
  glasses.send(frameFor(wish));
  await glasses.heard((ack) => "inference_error" in ack);
  glasses.send(frameFor("caption"));
  await glasses.leave();
  return JSON.stringify(glasses.acks);
}

/** Wears glasses that know sessions, over two connections; answers their secret. */
async function wearTwice({ url }: TestForesight): Promise<string> {
  const first = await connectSession(url, {}, { headers: GUEST });
  const { session, resume } = first.hello;
  first.glasses.send(frameFor("guest"));
  await first.heard("result", (result) => "inference_error" in result);
  first.glasses.vanish();
  const second = await connectSession(url, { session, resume, cursor: 0 }, { headers: GUEST });
  await second.heard("result");
  second.say({ type: "ask", id: "1", question: "What?" });
  await second.heard("error");
  await second.glasses.leave();
  await assertRejects(() => connectSession(url, { session, resume, cursor: -1 }), Error, "422");
  return resume;
}

/** Knocks on every door with what does not open it, or opens it and asks for nonsense. */
async function knock({ url }: TestForesight): Promise<string> {
  const { magicWord, wrongHeader, wrongQuery, resume, pokeGuest } = SECRETS;
  const query = `magic_word=${encodeURIComponent(wrongQuery)}&resume=${resume}`;
  const right = `magic_word=${magicWord}&resume=${resume}&cursor=1`;
  const asks: [path: string, init: RequestInit][] = [
    [`/vision/stream?${query}`, { headers: { upgrade: "websocket", ...GUEST } }],
    [`/vision/stream?${right}`, { headers: { ...GUEST } }],
    [`/vision/stream?${right}`, { headers: { upgrade: "websocket", ...GUEST } }],
    ["/poke/send", { method: "POST", headers: { "x-magic-word": wrongHeader } }],
    [`/nothing?${right}`, {}],
    [`/poke/send?${right}`, {
      method: "POST",
      headers: { "x-poke-api-key": pokeGuest },
      body: `{"message": 7, "resume": "x"}`,
    }],
    ["/health", { headers: { "x-request-id": `"${resume}"` } }],
  ];
  let said = "";
  for (const [path, init] of asks) said += await (await fetch(url + path, init)).text();
  return said;
}

/** Sends through a Poke that echoes the key, whether it takes the message or not. */
async function poke({ fetch }: TestForesight): Promise<string> {
  const send = async (headers: Record<string, string>) => {
    const body = JSON.stringify({ message: MESSAGE });
    return await (await fetch("/poke/send", { method: "POST", headers, body })).text();
  };
  const once = { "idempotency-key": SECRETS.idempotencyKey };
  const said = [await send({}), await send({ "x-poke-api-key": SECRETS.pokeGuest })];
  for (let turn = 0; turn < 3; turn++) said.push(await send(once));
  return said.join();
}

/** Goes about with a token, and is refused with it, with a forged one, and once it is revoked. */
async function goAbout(foresight: TestForesight, given: Issued): Promise<string> {
  const { url } = foresight;
  const glasses = await connectGlasses(url, { magicWord: "", query: { token: given.token } });
  await glasses.leave();
  const forged = { token: SECRETS.forgedToken };
  const list = `/wearers/${given.wearer}/tokens`;
  const said = [];
  for (
    const [bearer, method, path, body] of [
      [given, "GET", list],
      [given, "GET", "/wearers/bob/tokens"],
      [given, "POST", "/poke/send", { message: "x" }],
      [given, "POST", list, { scopes: ["poke"], expires_in_s: 60 }],
      [given, "POST", list, { scopes: given.token, expires_at: forged.token.repeat(2) }],
      [forged, "GET", list],
      [forged, "GET", `/vision/stream?token=${forged.token}`],
      [given, "DELETE", `${list}/${given.id}`],
      [given, "GET", list],
    ] as const
  ) said.push((await ask(foresight, bearer, method, path, body)).text);
  const revoked = await fetch(`${url}/vision/stream?token=${given.token}`, {
    headers: { ...bearing(given), upgrade: "websocket" },
  });
  return [...said, await revoked.text()].join("\n");
}

/** All that a value holds, as text, bytes included. */
function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return [...value].map((b) => String.fromCharCode(b)).join("");
  if (value instanceof Error) return String(value);
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value).map(([name, inner]) => `${name} ${textOf(inner)}`).join("\n");
}

/** Ways in which a text may be written down. */
function spellingsOf(secret: string): string[] {
  const bytes = new TextEncoder().encode(secret);
  const json = JSON.stringify(secret).slice(1, -1);
  return [secret, encodeURIComponent(secret), json, bytes.toBase64(), bytes.toHex(), String(bytes)];
}

function assertHidden(places: Record<string, string>, secrets: Record<string, string>): void {
  for (const [name, secret] of Object.entries(secrets)) {
    for (const spelling of spellingsOf(secret)) {
      for (const [place, text] of Object.entries(places)) {
        assert(!text.includes(spelling), `${name} is in ${place}: ${text}`);
      }
    }
  }
}

/** What a Foresight has left in its log and in its KV, as text. */
async function tracesOf({ logged, kv }: TestForesight) {
  const entries = await Array.fromAsync(kv.list({ prefix: [] }));
  const textsOf = (list: typeof entries) => list.map(({ key, value }) => textOf([key, value]));
  const isChunk = ({ key }: Deno.KvEntry<unknown>) => key[2] === "chunk";
  const isSegment = ({ key }: Deno.KvEntry<unknown>) => String(key[2]).startsWith("segment");
  return {
    logged: logged.map(textOf).join("\n"),
    stored: textsOf(entries).join("\n"),
    chunks: textsOf(entries.filter(isChunk)),
    elsewhere: textsOf(entries.filter((entry) => !isChunk(entry) && !isSegment(entry))).join("\n"),
  };
}

/** Runs `use` with a Poke that echoes the key: it refuses three messages and takes the others. */
async function withEchoingPoke(use: (url: string) => Promise<void>): Promise<void> {
  let messages = 0;
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const server = Deno.serve(options, async ({ headers, body }) => {
    await body?.cancel();
    const key = headers.get("authorization") ?? "";
    const said = { message: `what a key: ${key}`, spelled: encodeURIComponent(key) };
    return Response.json(said, { status: ++messages <= 3 ? 401 : 200 });
  });
  try {
    await use(`http://127.0.0.1:${server.addr.port}/`);
  } finally {
    await server.shutdown();
  }
}

/** What the clients of a busy day are told. */
async function bustle(foresight: TestForesight, modal: LocalModal): Promise<string> {
  const denied = `${SECRETS.guestId} (${SECRETS.guestSecret}) may not do that`;
  modal.faults.rpcs("functionGet", { kind: "status", code: 7, message: denied });
  const refused = await connectGlasses(foresight.url, { magicWord: MAGIC_WORD, headers: GUEST });
  await refused.heard((ack) => "inference_error" in ack);
  await refused.leave();
  const said = [
    JSON.stringify(refused.acks),
    await knock(foresight),
    ...await Promise.all([wear(foresight, "house", {}), wear(foresight, "guest", GUEST)]),
    await poke(foresight),
  ];
  return said.join("\n");
}

Deno.test("secrets stay out of logs, KV and answers; captions and frames lie in their place only [A4, P4]", () =>
  withEchoingPoke((pokeUrl) =>
    withModal({ ...SETTINGS, FORESIGHT_POKE_URL: pokeUrl }, async (foresight, modal) => {
      const infer_chunk = { parameters: INFER_CHUNK_PARAMETERS, call: inferChunk };
      modal.deploy({ ...EYES, methods: { infer_chunk } });
      const answers = await bustle(foresight, modal);
      const given = await wearTwice(foresight);
      const issued = await issueToken(foresight, "ann", ["stream", "admin"], { label: "phone" });
      const token = issued.token;
      const answersToToken = await goAbout(foresight, issued);
      const signature = token.split(".").at(-1)!;
      await foresight.streams.drain();
      const { logged, stored, chunks, elsewhere } = await tracesOf(foresight);

      // All of it has happened, so there was something to hide.
      assertEquals(chunks.filter((text) => text.includes(`caption ${CAPTION}`)).length, 4);
      assertEquals(chunks.filter((text) => text.includes("cannot log in as [redacted]")).length, 3);
      assertEquals(answers.split("what a key: Bearer [redacted]").length - 1, 5);
      for (const event of ["request", "stream.started", "stream.ended"]) {
        assert(logged.includes(`event ${event}`), logged);
      }
      assertHidden({ logged, stored, answers }, { ...SECRETS, frame: FRAME_MARK });
      assertHidden({ logged, stored }, { given });
      assert(stored.includes("label phone") && answersToToken.includes("must not be revoked"));
      assertHidden({ logged, stored, answersToToken }, { ...SECRETS, token, signature });
      assertHidden({ logged, elsewhere }, { caption: CAPTION });
      assertHidden({ logged, stored }, { message: MESSAGE });
    })
  ));

Deno.test("secrets stay out of all that another model server brings up [A4]", async () => {
  const key = "sk-openai/do+not=tell";
  const server = startOpenAiServer(key);
  server.behave({ kind: "refuses", reason: `${key} may not: ${encodeURIComponent(key)}` });
  const settings = {
    INFERENCE: "openai",
    OPENAI_BASE_URL: server.baseUrl,
    OPENAI_API_KEY: key,
    OPENAI_MODEL: "eyes",
    VISION_CHUNK_SECONDS: "0",
    VISION_RESULT_FLUSH_MS: "0",
  };
  await withForesight(settings, async (foresight) => {
    const glasses = await connectGlasses(foresight.url, { magicWord: MAGIC_WORD });
    glasses.send(frameFor("caption"));
    const told = await glasses.heard((ack) => "inference_error" in ack);
    assert(String(told.inference_error).endsWith("[redacted] may not: [redacted]"));
    await glasses.leave();
    await foresight.streams.drain();
    const { logged, stored, chunks } = await tracesOf(foresight);
    assertEquals(chunks.length, 1);
    const answers = JSON.stringify(glasses.acks);
    assertHidden({ logged, stored, answers }, { key, frame: FRAME_MARK });
  });
  await server.stop();
});

Deno.test("secrets stay out of all that Modal's endpoint brings up, also a stream's own [A4, V10]", async () => {
  const [id, key] = ["wk-proxy-do-not-tell", "ws-proxy/do+not=tell"];
  const call = () => {
    throw new Error(`${id} may not with ${key}: ${encodeURIComponent(key)}`);
  };
  const infer_chunk = { parameters: INFER_CHUNK_PARAMETERS, call };
  const served = { ...EYES, methods: { infer_chunk } };
  const modal = await startLocalModal({ classes: [served], proxyTokens: { [id]: key } });
  const settings = {
    MODAL_TRANSPORT: "http",
    MODAL_ENDPOINT_URL: modal.endpointUrl(served),
    MODAL_PROXY_TOKEN_ID: id,
    MODAL_PROXY_TOKEN_SECRET: key,
    VISION_CHUNK_SECONDS: "0",
    VISION_RESULT_FLUSH_MS: "0",
  };
  await withForesight(settings, async (foresight) => {
    const glasses = await connectGlasses(foresight.url, { magicWord: MAGIC_WORD, headers: GUEST });
    glasses.send(frameFor("caption"));
    const told = await glasses.heard((ack) => "inference_error" in ack);
    const reason = "Error: [redacted] may not with [redacted]: [redacted]";
    assertEquals(told.inference_error, reason);
    await glasses.leave();
    await foresight.streams.drain();
    const { logged, stored } = await tracesOf(foresight);
    const answers = JSON.stringify(glasses.acks);
    const { guestId, guestSecret } = SECRETS;
    assertHidden({ logged, stored, answers }, { id, key, guestId, guestSecret, frame: FRAME_MARK });
  });
  await modal.close();
});
