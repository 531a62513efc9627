import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import type { DeliveryOutcome } from "../../messaging/channel.ts";
import { createPokeChannel, POKE_V1_URL, POKE_V2_URL } from "../../messaging/poke.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { withPokeSink, withRawSink } from "./_poke_sink.ts";

const KEY = "v2-secret/key+1";
const MESSAGE = { text: "The door is open, says “the hall”." };

const deliver = (urlOverride: string, key = KEY) =>
  createPokeChannel({ fetch, urlOverride }).deliver(MESSAGE, { key });

/** What becomes of a message when Poke answers this. */
const outcomeOf = async (answer: () => Response, key = KEY): Promise<DeliveryOutcome> => {
  let outcome!: DeliveryOutcome;
  await withPokeSink(answer, async (url) => void (outcome = await deliver(url, key)));
  return outcome;
};

const jsonAnswer = (status: number, body: unknown) => () => Response.json(body, { status });

Deno.test("PokeChannel posts the message as JSON with the key as bearer token [P3]", async () => {
  const answer = { success: true, message: "Message sent successfully", channel: "sms" };
  await withPokeSink(jsonAnswer(200, answer), async (url, requests) => {
    assertEquals(await deliver(url), { kind: "delivered", answer });
    assertEquals(requests.length, 1);
    const { method, path, headers, body } = requests[0]!;
    assertEquals([method, path], ["POST", "/sink"]);
    assertEquals(headers.get("authorization"), `Bearer ${KEY}`);
    assertEquals(headers.get("content-type"), "application/json");
    assertEquals(JSON.parse(body), { message: MESSAGE.text });
  });
});

Deno.test("PokeChannel sends pk_ keys to the V1 URL, other keys to the V2 URL [P3]", async () => {
  await withPokeSink(jsonAnswer(200, {}), async (sinkUrl) => {
    const asked: string[] = [];
    const toSink: typeof fetch = (input, init) => {
      asked.push(String(input));
      return fetch(sinkUrl, init);
    };
    const channel = createPokeChannel({ fetch: toSink });
    for (const key of ["pk_1", "v2", "PK_1", "a-pk_1"]) await channel.deliver(MESSAGE, { key });
    assertEquals(asked, [POKE_V1_URL, POKE_V2_URL, POKE_V2_URL, POKE_V2_URL]);
    assertEquals(POKE_V1_URL, "https://poke.com/api/v1/inbound-sms/webhook");
    assertEquals(POKE_V2_URL, "https://poke.com/api/v1/inbound/api-message");
  });
});

Deno.test("PokeChannel sends every key to urlOverride where one is set [P3]", async () => {
  await withPokeSink(jsonAnswer(200, {}), async (url, requests) => {
    for (const key of ["pk_1", "v2"]) await deliver(url, key);
    assertEquals(requests.map(({ path }) => path), ["/sink", "/sink"]);
  });
});

Deno.test("createPokeChannel refuses an urlOverride that is no URL", () => {
  assertThrows(() => createPokeChannel({ fetch, urlOverride: "nowhere" }), TypeError);
});

Deno.test("PokeChannel passes on text that is no JSON, and null for an empty answer [P1]", async () => {
  const text = { kind: "delivered", answer: { text: "thanks" } } as const;
  assertEquals(await outcomeOf(() => new Response("thanks")), text);
  const none = { kind: "delivered", answer: null } as const;
  assertEquals(await outcomeOf(() => new Response(null, { status: 204 })), none);
});

Deno.test("PokeChannel fails with the status and Poke's own words [P4]", async () => {
  const said: [number, unknown, string][] = [
    [401, { message: "invalid key" }, "Poke answered 401: invalid key"],
    [400, { error: "no\n such\tfield" }, "Poke answered 400: no such field"],
    [403, { success: false, error: { message: "revoked" } }, "Poke answered 403: revoked"],
    [404, { detail: "gone" }, "Poke answered 404: gone"],
    [422, { nothing: 1 }, "Poke answered 422"],
    [402, "pay first", "Poke answered 402: pay first"],
  ];
  for (const [status, body, cause] of said) {
    const failed = { kind: "failed", cause, retryable: false } as const;
    assertEquals(await outcomeOf(jsonAnswer(status, body)), failed);
  }
  const plain = await outcomeOf(() => new Response("busy", { status: 503 }));
  assertEquals(plain, { kind: "failed", cause: "Poke answered 503: busy", retryable: true });
  const page = await outcomeOf(() => new Response("<html>Bad gateway</html>", { status: 502 }));
  assertEquals(page, { kind: "failed", cause: "Poke answered 502", retryable: true });
});

Deno.test("PokeChannel tells what may succeed later: 429 and 5xx [P4]", async () => {
  for (
    const [status, retryable] of [[400, false], [429, true], [500, true], [599, true]] as const
  ) {
    const outcome = await outcomeOf(jsonAnswer(status, {}));
    assertEquals(outcome, { kind: "failed", cause: `Poke answered ${status}`, retryable });
  }
});

Deno.test("PokeChannel does not follow redirects, so the key stays where it was sent [P4]", async () => {
  await withPokeSink(jsonAnswer(200, {}), async (elsewhere, requests) => {
    for (const status of [301, 302, 303, 307, 308]) {
      const outcome = await outcomeOf(() => Response.redirect(elsewhere, status));
      const cause = `Poke answered ${status}: redirects are not followed`;
      assertEquals(outcome, { kind: "failed", cause, retryable: false });
    }
    assertEquals(requests, []);
  });
});

Deno.test("PokeChannel never shows the key that Poke echoes, in causes and answers [P4] [A4]", async () => {
  const echo = `no such key: ${KEY}, ${encodeURIComponent(KEY)}, ${KEY}`;
  const clean = "no such key: [redacted], [redacted], [redacted]";
  assertEquals(await outcomeOf(jsonAnswer(401, { message: echo })), {
    kind: "failed",
    cause: `Poke answered 401: ${clean}`,
    retryable: false,
  });
  const text = await outcomeOf(() => new Response(echo, { status: 500 }));
  assertEquals(text, { kind: "failed", cause: `Poke answered 500: ${clean}`, retryable: true });
  const escaped = `{"message":"${KEY.replace("/", "\\/").replace("1", "\\u0031")}","a":["${KEY}"]}`;
  assertEquals(await outcomeOf(() => new Response(escaped)), {
    kind: "delivered",
    answer: { message: "[redacted]", a: ["[redacted]"] },
  });
});

Deno.test("PokeChannel bounds causes and reads 64 KiB of an answer at most [P4]", async () => {
  const endless = () => {
    const part = new TextEncoder().encode(`${KEY} `.repeat(100));
    return new ReadableStream({ pull: (controller) => controller.enqueue(part) });
  };
  const failed = await outcomeOf(() => new Response(endless(), { status: 400 }));
  assert(failed.kind === "failed" && failed.cause.length < 350, JSON.stringify(failed));
  const delivered = await outcomeOf(() => new Response(endless()));
  assert(delivered.kind === "delivered");
  const { text } = delivered.answer as { text: string };
  assertMatch(text, /^(\[redacted\] )+/);
  assertEquals(text.length, 1000);
});

Deno.test("PokeChannel shows no piece of a key that the end of the reading cut through [A4]", async () => {
  // Redacted, 64 KiB of this spelling are a short text, so the piece at its end would show.
  const echo = `${"%6b".repeat(512)}!`.repeat(50);
  const outcome = await outcomeOf(() => new Response(echo), "k".repeat(512));
  assert(outcome.kind === "delivered");
  const { text } = outcome.answer as { text: string };
  assert(!text.includes("%6b"), text);
});

Deno.test("PokeChannel fails without sending where a header cannot carry the key [P4] [A4]", async () => {
  await withPokeSink(jsonAnswer(200, {}), async (url, requests) => {
    for (const key of ["", "a\nb", "ключ", "a b", "x".repeat(513)]) {
      const outcome = await deliver(url, key);
      assert(outcome.kind === "failed" && !outcome.retryable);
      assert(key === "" || !outcome.cause.includes(key));
    }
    assertEquals(requests, []);
  });
});

Deno.test("PokeChannel fails, to be retried, where no connection is made [P4]", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  assertEquals(await deliver(`http://127.0.0.1:${port}/?token=hidden`), {
    kind: "failed",
    cause: "Poke could not be reached: connection refused",
    retryable: true,
  });
});

Deno.test("PokeChannel fails where TLS is not spoken, as the message never left [P4]", async () => {
  await withRawSink("HTTP/1.1 400 Bad Request\r\n\r\n", async (url) => {
    assertEquals(await deliver(url.replace("http:", "https:")), {
      kind: "failed",
      cause: "Poke could not be reached: no secure connection could be made",
      retryable: true,
    });
  });
});

Deno.test("PokeChannel fails where this process may not connect [P4]", async () => {
  const cause = "Poke could not be reached: this process may not connect to it";
  const failed = { kind: "failed", cause, retryable: false } as const;
  assertEquals(await deliver("http://127.0.0.1:1/"), failed);
});

Deno.test("PokeChannel is uncertain when the connection is lost after the request left [P4]", async () => {
  const cause = "The connection to Poke was lost; the message may have arrived";
  const answers = ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", "no HTTP at all\r\n\r\n"];
  for (const bytes of answers) {
    await withRawSink(bytes, async (url) => {
      assertEquals(await deliver(url), { kind: "uncertain", cause });
    });
  }
});

Deno.test("PokeChannel knows a refusal by its status though its words are lost [P4]", async () => {
  await withRawSink("HTTP/1.1 500 No\r\ncontent-length: 100\r\n\r\n{", async (url) => {
    const failed = { kind: "failed", cause: "Poke answered 500", retryable: true } as const;
    assertEquals(await deliver(url), failed);
  });
});

Deno.test("PokeChannel is uncertain when no answer comes in time [P4]", async () => {
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const { promise: answer, resolve: letGo } = Promise.withResolvers<Response>();
  const sink = () => {
    arrive();
    return answer;
  };
  await withPokeSink(sink, async (urlOverride) => {
    const clock = createFakeClock();
    const channel = createPokeChannel({ fetch, urlOverride, clock });
    const outcome = channel.deliver(MESSAGE, { key: KEY });
    try {
      await arrived;
      clock.tick(9_999);
      assertEquals(clock.pendingTimers, 1);
      clock.tick(1);
      const cause = "Poke did not answer within 10 s; the message may have arrived";
      assertEquals(await outcome, { kind: "uncertain", cause });
    } finally {
      letGo(new Response());
    }
  });
});

Deno.test("PokeChannel is uncertain when the answer does not end in time [P4]", async () => {
  const hanging = () => {
    const start = new TextEncoder().encode("{");
    return new Response(new ReadableStream({ start: (controller) => controller.enqueue(start) }));
  };
  await withPokeSink(hanging, async (urlOverride) => {
    const channel = createPokeChannel({ fetch, urlOverride, timeoutMs: 100 });
    const outcome = await channel.deliver(MESSAGE, { key: KEY });
    assert(outcome.kind === "uncertain");
    assertStringIncludes(outcome.cause, "within 0.1 s");
  });
});

Deno.test("PokeChannel leaves no timer behind when Poke answers", async () => {
  await withPokeSink(jsonAnswer(200, {}), async (urlOverride) => {
    const clock = createFakeClock();
    const channel = createPokeChannel({ fetch, urlOverride, clock });
    await channel.deliver(MESSAGE, { key: KEY });
    assertEquals(clock.pendingTimers, 0);
  });
});
