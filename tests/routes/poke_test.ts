import { assert, assertEquals } from "@std/assert";
import type { Environment } from "../../config.ts";
import { type TestForesight, withForesight } from "../_foresight.ts";

interface Received {
  readonly path: string;
  readonly authorization: string | null;
  readonly body: unknown;
}

/** Runs `use` against a Foresight whose Poke is this test's; `answer` says what it answers. */
async function withPoke(
  settings: Environment,
  use: (foresight: TestForesight, received: Received[]) => Promise<void>,
  answer: () => Response | Promise<Response> = () => Response.json({ success: true, id: 7 }),
): Promise<void> {
  const received: Received[] = [];
  const poke = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const authorization = request.headers.get("authorization");
    received.push({ path: pathname, authorization, body: await request.json() });
    return await answer();
  });
  const FORESIGHT_POKE_URL = `http://127.0.0.1:${poke.addr.port}/inbound`;
  const all = { FORESIGHT_POKE_URL, FORESIGHT_POKE_API_KEY: "sk-house", ...settings };
  try {
    await withForesight(all, (foresight) => use(foresight, received));
  } finally {
    await poke.shutdown();
  }
}

function send(
  { fetch }: TestForesight,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch("/poke/send", {
    method: "POST",
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

async function answerOf(response: Promise<Response>): Promise<[number, unknown]> {
  const { status, ...rest } = await response.then(async (got) => ({
    status: got.status,
    json: await got.json(),
  }));
  return [status, rest.json];
}

Deno.test("poke sends with the house's key and answers with Poke's JSON [P1, P2]", () =>
  withPoke({}, async (foresight, received) => {
    assertEquals(await answerOf(send(foresight, { message: "hello" })), [
      200,
      { success: true, data: { success: true, id: 7 }, error: null },
    ]);
    const authorization = "Bearer sk-house";
    assertEquals(received, [{ path: "/inbound", authorization, body: { message: "hello" } }]);
  }));

Deno.test("poke prefers the key that the request brings [P2]", () =>
  withPoke({}, async (foresight, received) => {
    await answerOf(send(foresight, { message: "hello" }, { "x-poke-api-key": "pk_mine" }));
    assertEquals(received[0]?.authorization, "Bearer pk_mine");
  }));

Deno.test("poke without any key is 500 and sends nothing [P2]", () =>
  withPoke({ FORESIGHT_POKE_API_KEY: "" }, async (foresight, received) => {
    const expected: [number, unknown] = [500, { detail: "Poke API key not configured" }];
    assertEquals(await answerOf(send(foresight, { message: "hello" })), expected);
    assertEquals(received.length, 0);
  }));

Deno.test("poke tells 422 which field, what it must be and what it is [P4, H2]", () =>
  withPoke({}, async (foresight, received) => {
    const must = "must be a text of 1 to 4000 characters";
    const cases: [unknown, string][] = [
      [{}, `message ${must}: current value is missing`],
      [{ message: 7 }, `message ${must}: current value is 7`],
      [{ message: "" }, `message ${must}: current value is ""`],
      [{ message: " \n" }, `message ${must}: current value is " \\n"`],
      [
        { message: "x".repeat(4001) },
        `message ${must}: current value is a text of 4001 characters`,
      ],
      ["{nonsense", 'the body must be a JSON object: current value is "{nonsense"'],
      ["", "the body must be a JSON object: current value is missing"],
      ["[]", "the body must be a JSON object: current value is []"],
    ];
    for (const [body, msg] of cases) {
      const [status, json] = await answerOf(send(foresight, body));
      assertEquals([status, (json as { detail: { msg: string }[] }).detail[0]?.msg], [422, msg]);
    }
    assertEquals(received.length, 0);
  }));

Deno.test("poke takes bodies up to a limit [H2]", () =>
  withPoke({}, async (foresight) => {
    const response = await send(foresight, { message: "x".repeat(70_000) });
    assertEquals([response.status, await response.json()], [
      413,
      { detail: "The body must be at most 65536 bytes" },
    ]);
  }));

Deno.test("poke is 502 with the cause when Poke refuses, and tells no key [P4, A4]", () =>
  withPoke({}, async (foresight) => {
    const [status, json] = await answerOf(send(foresight, { message: "hello" }));
    assertEquals(status, 502);
    const { detail } = json as { detail: string };
    assert(detail.startsWith("Poke answered 401: "), detail);
    assert(!detail.includes("sk-house"), detail);
  }, () => Response.json({ message: "no such key: sk-house" }, { status: 401 })));

Deno.test("poke sends once for an Idempotency-Key, and answers the same [P5]", () =>
  withPoke({}, async (foresight, received) => {
    const once = { "idempotency-key": "k1" };
    const first = await answerOf(send(foresight, { message: "hello" }, once));
    const again = await answerOf(send(foresight, { message: "hello" }, once));
    assertEquals(again, first);
    assertEquals(received.length, 1);
    const other = await answerOf(send(foresight, { message: "other" }, once));
    assertEquals(other, [422, { detail: "Idempotency-Key was used for another message" }]);
    await answerOf(send(foresight, { message: "hello" }, { "idempotency-key": "k2" }));
    assertEquals(received.length, 2);
  }));

Deno.test("poke sends once for requests with one key that come together [P5]", async () => {
  const { promise: mayAnswer, resolve } = Promise.withResolvers<void>();
  await withPoke({}, async (foresight, received) => {
    const once = { "idempotency-key": "k1" };
    const all = [1, 2, 3].map(() => answerOf(send(foresight, { message: "hello" }, once)));
    while (received.length === 0) await new Promise((done) => setTimeout(done, 1));
    resolve();
    const answers = await Promise.all(all);
    assertEquals(answers[1], answers[0]!);
    assertEquals(answers[2], answers[0]!);
    assertEquals([answers[0]![0], received.length], [200, 1]);
  }, async () => {
    await mayAnswer;
    return Response.json({ success: true });
  });
});

Deno.test("poke sends again under the same key when Poke had refused [P5]", () => {
  const answers = [Response.json({}, { status: 503 }), Response.json({ ok: true })];
  return withPoke({}, async (foresight, received) => {
    const once = { "idempotency-key": "k1" };
    assertEquals((await answerOf(send(foresight, { message: "hello" }, once)))[0], 502);
    assertEquals((await answerOf(send(foresight, { message: "hello" }, once)))[0], 200);
    assertEquals(received.length, 2);
  }, () => answers.shift()!);
});

Deno.test("poke sends so many per hour, says when again, and does not count repeats", () =>
  withPoke({ RATE_LIMIT_POKE_PER_HOUR: "2" }, async (foresight, received) => {
    const once = { "idempotency-key": "k1" };
    for (let at = 0; at < 4; at++) {
      assertEquals((await answerOf(send(foresight, { message: "hello" }, once)))[0], 200);
    }
    assertEquals((await answerOf(send(foresight, { message: "again" })))[0], 200);
    const refused = await send(foresight, { message: "too much" }, { "idempotency-key": "k2" });
    assertEquals(refused.status, 429);
    const seconds = Number(refused.headers.get("retry-after"));
    assert(seconds > 3500 && seconds <= 3600, String(seconds));
    assertEquals(await refused.json(), { detail: "Messages may be sent 2 times per hour" });
    assertEquals(received.length, 2);
    const other = { "x-poke-api-key": "sk-other" };
    assertEquals((await answerOf(send(foresight, { message: "hello" }, other)))[0], 200);
  }));

Deno.test("poke does not send what it cannot count", async () => {
  const kv = await Deno.openKv(":memory:");
  kv.close();
  const received: unknown[] = [];
  const poke = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
    received.push(1);
    return Response.json({});
  });
  const settings = {
    FORESIGHT_POKE_URL: `http://127.0.0.1:${poke.addr.port}/`,
    FORESIGHT_POKE_API_KEY: "sk-house",
  };
  await withForesight(settings, async (foresight) => {
    for (const headers of [{}, { "idempotency-key": "k1" }]) {
      const response = await send(foresight, { message: "hello" }, headers);
      assertEquals([response.status, response.headers.get("retry-after")], [503, "1"]);
      await response.body?.cancel();
    }
    assertEquals((await (await foresight.fetch("/health")).json()).kv_failures, 2);
  }, { kv });
  assertEquals(received.length, 0);
  await poke.shutdown();
});
