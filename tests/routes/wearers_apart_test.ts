import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { connectGlasses } from "../../dev/glasses.ts";
import { INFER_CHUNK_PARAMETERS } from "../../modal/local/infer_chunk.ts";
import type { LocalModal } from "../../modal/local/server.ts";
import { wearerPrefix } from "../../kv/keys.ts";
import { rulePrefix } from "../../kv/rule_keys.ts";
import { TOKEN_SCOPES, type TokenScope } from "../../kv/token_keys.ts";
import { messageIdOf } from "../../messaging/_message_id.ts";
import { MAGIC_WORD, type TestForesight, withForesight } from "../_foresight.ts";
import { connectSession, type Remembered } from "./_session.ts";
import { EYES, frame, withModal } from "./_vision.ts";
import { ask, bearing, type Issued, issueToken, keepPokeKey } from "./_wearers.ts";

/** What only ann has seen and said. */
const MARK = "ONLY-ANN-KNOWS";
const MOMENT_MS = 30;
const MESSAGE = {
  channel: "pigeon",
  text: MARK,
  cause: { kind: "rule", id: MARK },
  atMs: 1,
  name: "a firing",
};
const TAKES_FROM_ITSELF = new Set(["DELETE /wearers/:wearer", "DELETE /wearers/:wearer/poke-key"]);
const SETTINGS = {
  // Nothing is written about ann while nobody acts for ann.
  BUDGET_CALLS_PER_DAY: "0",
  // Nobody is there, so that each message is counted and none arrives.
  FORESIGHT_POKE_URL: "http://127.0.0.1:9/",
  FORESIGHT_POKE_API_KEY: "sk-house",
};

/** A wearer's session: described once, then left. */
async function wear({ url, streams }: TestForesight, token: Issued): Promise<Remembered> {
  const options = { magicWord: "", headers: bearing(token) };
  const { glasses, hello, heard } = await connectSession(url, {}, options);
  glasses.send(frame(1));
  await heard("result", (result) => result.caption === MARK);
  glasses.vanish();
  while (streams.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  return { session: hello.session, resume: hello.resume, cursor: 0 };
}

/** Runs `use` with all that there is of ann: a token, a session, a chunk. */
function withAnn(
  use: (foresight: TestForesight, ann: Issued, hers: Remembered) => Promise<void>,
): Promise<void> {
  return withModal(SETTINGS, async (foresight, modal: LocalModal) => {
    const infer_chunk = { parameters: INFER_CHUNK_PARAMETERS, call: () => ({ caption: MARK }) };
    modal.deploy({ ...EYES, methods: { infer_chunk } });
    const ann = await issueToken(foresight, "ann", ["stream", "admin", "rules"], {
      label: MARK,
    });
    const hers = await wear(foresight, ann);
    const kept = await ask(foresight, ann, "POST", "/rules", { name: MARK, when: "a dog" });
    assertEquals(kept.status, 201, kept.text);
    await keepPokeKey(foresight, "ann", `sk-${MARK}`);
    await say(foresight);
    await settled(foresight);
    await use(foresight, ann, hers);
  });
}

/** A message to ann that could not be sent: there is something to be read, and to be sent again. */
async function say({ kv, outbox }: TestForesight): Promise<void> {
  const commit = kv.atomic();
  await outbox.enqueue(commit, { ...MESSAGE, wearer: "ann" });
  await commit.commit();
  await outbox.sweep();
}

/** Waits until nothing more is written of ann. */
async function settled({ kv }: TestForesight): Promise<void> {
  for (let before = "";;) {
    const now = await dump(kv, "ann");
    if (now === before) return;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function dump(kv: Deno.Kv, wearer: string): Promise<string> {
  const entries = await Array.fromAsync(kv.list({ prefix: wearerPrefix(wearer) }));
  return entries.map((entry) => Deno.inspect(entry, { depth: 20, strAbbreviateSize: 1e6 })).join();
}

/** A request as somebody makes it who is not ann and knows much about her. */
interface Probe {
  readonly bearer: Issued;
  readonly route: string;
  readonly names: readonly string[];
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

/** Any request to any route, also to those that are not there yet. */
function anyProbe(routes: readonly string[], bearers: readonly Issued[], known: string[]) {
  const word = fc.oneof(
    fc.constantFrom(...known, "ann", "bob", "default", "..", "*"),
    fc.string(),
  );
  const query = fc.dictionary(
    fc.constantFrom("session", "resume", "cursor", "wearer", "token", "id", "q", "from", "profile"),
    word,
  );
  const scopes = fc.subarray([...TOKEN_SCOPES], { minLength: 1 });
  return fc.record<Probe>({
    bearer: fc.constantFrom(...bearers),
    route: fc.constantFrom(...routes),
    names: fc.array(word, { minLength: 4, maxLength: 4 }),
    query,
    body: fc.oneof(
      fc.record({ scopes, expires_in_s: fc.integer({ min: 1, max: 500 }), wearer: word }),
      fc.record({ message: fc.constant("hi"), wearer: word }),
      fc.record({ key: word, wearer: word }),
      fc.record({ question: word, wearer: word }),
      fc.record({ when: fc.constantFrom("a dog", "a cat"), enabled: fc.boolean() }),
      fc.json(),
    ),
    headers: fc.dictionary(fc.constantFrom("x-wearer", "idempotency-key", "x-magic-word"), word)
      .map((headers) =>
        Object.fromEntries(
          Object.entries(headers).filter(([, value]) => /^[\x21-\x7e]*$/.test(value)),
        )
      ),
  });
}

/** Makes the request; answers status, headers and body as one text. */
async function answerTo({ url }: TestForesight, probe: Probe): Promise<string> {
  const [method, pattern] = probe.route.split(" ") as [string, string];
  let at = 0;
  const path = pattern.replaceAll(/:\w+/g, () => encodeURIComponent(probe.names[at++ % 4]!));
  const response = await fetch(`${url}${path}?${new URLSearchParams(probe.query)}`, {
    method,
    headers: { ...probe.headers, ...bearing(probe.bearer) },
    ...method === "GET" ? {} : { body: JSON.stringify(probe.body) },
  });
  assert(response.status !== 500, probe.route);
  return `${[...response.headers].join()} ${await textOf(response)}`;
}

/** The body; of one that goes on for ever what comes in a moment. */
async function textOf(response: Response): Promise<string> {
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
    return await response.text();
  }
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const timer = setTimeout(() => reader.cancel(), MOMENT_MS);
  let text = "";
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    text += piece.value;
  }
  clearTimeout(timer);
  return text;
}

Deno.test("wearers: no request of one touches or returns anything of another, on any route [A6]", () =>
  withAnn(async (foresight, ann, hers) => {
    const { kv, routes } = foresight;
    const bearers = [
      await issueToken(foresight, "bob", [...TOKEN_SCOPES]),
      await issueToken(foresight, "bob", ["read", "stream"]),
      await issueToken(foresight, "an", ["admin"]),
      await issueToken(foresight, "ann2", ["admin", "read"]),
      await issueToken(foresight, "default", [...TOKEN_SCOPES]),
    ];
    await keepPokeKey(foresight, "bob", "sk-bob");
    const before = await dump(kv, "ann");
    assert(before.split(MARK).length > 2, "there is something to be found");
    const [rule] = await Array.fromAsync(kv.list({ prefix: rulePrefix("ann") }));
    const ruleId = String(rule!.key.at(-1));

    const probes = anyProbe(routes, bearers, [
      ann.id,
      hers.session,
      hers.resume,
      ruleId,
      messageIdOf(MESSAGE.atMs, MESSAGE.name),
    ]);
    // Chance alone may never send one.
    const message: Probe = {
      bearer: bearers[0]!,
      route: "POST /poke/send",
      names: [],
      query: { wearer: "ann" },
      body: { message: "hi", wearer: "ann" },
      headers: { "x-wearer": "ann" },
    };
    const question: Probe = {
      ...message,
      route: "POST /ask",
      body: { question: MARK.replaceAll("-", " "), wearer: "ann" },
    };
    const resend: Probe = {
      bearer: bearers[0]!,
      route: "POST /outbox/:id/resend",
      names: [messageIdOf(MESSAGE.atMs, MESSAGE.name)],
      query: { wearer: "ann" },
      body: { even_if_arrived: true },
      headers: {},
    };
    await fc.assert(
      fc.asyncProperty(probes, async (probe) => {
        // Who has erased itself has no token to ask on with, and without a Poke key sends fail.
        const isOwn = probe.names[0] === probe.bearer.wearer;
        fc.pre(!isOwn || !TAKES_FROM_ITSELF.has(probe.route));
        const answer = await answerTo(foresight, probe);
        assert(!answer.includes(MARK), answer);
        assertEquals(await dump(kv, "ann"), before);
      }),
      { numRuns: 400, examples: [[message], [question], [resend]] },
    );
    const sends = await Array.fromAsync(
      kv.list({ prefix: ["wearer", "bob", "rate_limit", "poke"] }),
    );
    assert(sends.length > 0, "messages were sent for who asked");
    const own = new Set(["ann", ...bearers.map(({ wearer }) => wearer)]);
    for await (const { key } of kv.list({ prefix: [] })) {
      // That messages wait is said beside the wearers, so that they are found without asking all.
      const isKnown = key[0] === "wearer" || key[0] === "outbox" && key.length === 2;
      assert(isKnown && own.has(String(key[1])), String(key));
    }
  }));

Deno.test("wearers: a session is not gone on with by another wearer, and is by its own [A6, S4]", () =>
  withAnn(async (foresight, ann, hers) => {
    const { url, kv } = foresight;
    const bob = await issueToken(foresight, "bob", ["stream"]);
    const before = await dump(kv, "ann");
    const claims = [
      { magicWord: "", headers: bearing(bob) },
      { magicWord: "", query: { ...hers, cursor: "0", token: bob.token } },
      { magicWord: MAGIC_WORD },
    ];
    for (const options of claims) {
      const theirs = await connectSession(url, hers, options);
      assert(theirs.hello.session !== hers.session, "a new session");
      assertEquals([theirs.hello.cursor, theirs.hello.frame], [0, 0]);
      theirs.glasses.vanish();
    }
    assertEquals(await dump(kv, "ann"), before);
    const again = await connectSession(url, hers, { magicWord: "", headers: bearing(ann) });
    assertEquals(again.hello.session, hers.session);
    const told = await again.heard("result");
    assertEquals(told.caption, MARK);
    again.glasses.vanish();
  }));

Deno.test("wearers: limits and places are each wearer's own [A6]", () => {
  const settings = { BUDGET_STREAMS: "1", RATE_LIMIT_STREAMS_PER_MINUTE: "2" };
  return withForesight(settings, async (foresight) => {
    const connect = async (wearer: string, scopes: TokenScope[] = ["stream"]) => {
      const { token } = await issueToken(foresight, wearer, scopes);
      return await connectGlasses(foresight.url, { magicWord: "", query: { token } });
    };
    const open = [await connect("ann"), await connect("bob")];
    for (const glasses of open) {
      glasses.send(frame(1));
      await glasses.heard((ack) => ack.frame === 1);
    }
    for (const expected of ["At most 1 streams", "Streams may be opened 2 times"]) {
      const { token } = await issueToken(foresight, "ann", ["stream"]);
      const response = await fetch(`${foresight.url}/vision/stream`, {
        headers: { ...bearing({ token }), upgrade: "websocket" },
      });
      const { detail } = await response.json();
      assertEquals(response.status, 429);
      assert(detail.startsWith(expected), detail);
    }
    open.push(await connect("default"));
    await Promise.all(open.map((glasses) => glasses.leave()));
  });
});

Deno.test("wearers: a stream ends as its token expires, and its session goes on with another [A8]", () =>
  withForesight({}, async (foresight) => {
    const { url, kv } = foresight;
    // Long enough to connect with on a busy machine.
    const short = await issueToken(foresight, "ann", ["stream"], { expires_in_s: 3 });
    const old = await connectSession(url, {}, { magicWord: "", headers: bearing(short) });
    const word = await connectSession(url);
    old.glasses.send(frame(1));
    await old.heard("ack");
    const reason = "the token has expired: connect with another";
    assertEquals(await old.glasses.ended, { code: 1008, reason });
    const long = await issueToken(foresight, "ann", ["stream"]);
    const { session, resume } = old.hello;
    const options = { magicWord: "", headers: bearing(long) };
    const again = await connectSession(url, { session, resume, cursor: 0 }, options);
    assertEquals(again.hello.session, session);
    word.say({ type: "bye" });
    assertEquals((await word.glasses.ended).code, 1000);
    await again.glasses.leave();
    assert((await dump(kv, "ann")).includes(session));
  }));
