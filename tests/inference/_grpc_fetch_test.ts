import { assertEquals, assertMatch, assertStrictEquals } from "@std/assert";
import type { Rpc } from "../../inference/_call_scope.ts";
import { createGrpcFetchClient, GRPC_STATUS, GrpcError } from "../../inference/_grpc_fetch.ts";
import { MODAL_CODECS } from "../../inference/modal_messages.ts";
import { createFakeClock, type FakeClock } from "../_fake_clock.ts";
import { withRawSink } from "../messaging/_poke_sink.ts";
import { until } from "../modal/local/_fixture.ts";
import { framed } from "../modal/local/_raw_client.ts";

const REQUEST = { appName: "app", objectTag: "Eyes.*", environmentName: "main" };
const { request, response } = MODAL_CODECS.functionGet;
const FOUND = framed(response.encode({ functionId: "fu-1" })) as Uint8Array<ArrayBuffer>;

/** One request as it came over the wire. */
interface Asked {
  readonly path: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** A client whose time is the test's. */
interface Bench {
  readonly clock: FakeClock;
  /** How long it has paused, in milliseconds, pause by pause. */
  readonly pauses: number[];
  /** Requests that it sent, whether they arrived or not. */
  readonly sent: () => number;
  readonly functionGet: Rpc;
}

function createBench(serverUrl: string): Bench {
  const clock = createFakeClock();
  const pauses: number[] = [];
  let [sent, ids] = [0, 0];
  const client = createGrpcFetchClient({
    serverUrl,
    fetch: (url, init) => {
      sent++;
      return fetch(url, init);
    },
    metadata: (method) => Promise.resolve({ "x-modal-token-id": "ak", "x-method": method }),
    clock: {
      ...clock,
      after(delayMs, run) {
        pauses.push(delayMs);
        return clock.after(delayMs, run);
      },
    },
    newId: () => `id-${++ids}`,
  });
  return { clock, pauses, sent: () => sent, functionGet: client.functionGet! };
}

/** A real HTTP server; `answer` hears how many requests came before. */
async function withServer(
  answer: (before: number) => Response | Promise<Response>,
  use: (bench: Bench, asked: Asked[]) => Promise<void>,
): Promise<void> {
  const asked: Asked[] = [];
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const server = Deno.serve(options, async ({ url, headers, body }) => {
    const bytes = new Uint8Array(await new Response(body).arrayBuffer());
    asked.push({ path: new URL(url).pathname, headers, body: bytes });
    return answer(asked.length - 1);
  });
  try {
    await use(createBench(`http://127.0.0.1:${server.addr.port}`), asked);
  } finally {
    await server.shutdown();
  }
}

/** Code and message of the error that the RPC ends with. */
async function failureOf({ clock, functionGet }: Bench): Promise<[number, string]> {
  try {
    await clock.tickUntil(functionGet(REQUEST));
  } catch (error) {
    if (error instanceof GrpcError) return [error.code, error.message];
    throw error;
  }
  throw new Error("the RPC should have failed");
}

Deno.test("grpc over fetch posts one framed message with its metadata, and reads the answer", () =>
  withServer(() => new Response(FOUND), async ({ functionGet, clock }, asked) => {
    assertEquals((await functionGet(REQUEST)).functionId, "fu-1");
    const [{ path, headers, body }] = asked as [Asked];
    assertEquals(path, "/modal.client.ModalClient/FunctionGet");
    assertEquals([...body.subarray(0, 5)], [0, 0, 0, 0, body.byteLength - 5]);
    assertEquals(request.decode(body.subarray(5)), REQUEST);
    const names = ["content-type", "x-modal-token-id", "x-method", "x-idempotency-key"];
    assertEquals(names.map((name) => headers.get(name)), [
      "application/grpc+proto",
      "ak",
      "functionGet",
      "id-1",
    ]);
    assertEquals([headers.get("x-retry-attempt"), clock.pendingTimers], ["0", 0]);
  }));

Deno.test("grpc over fetch takes an empty message for one whose fields are all defaults", () =>
  withServer(() => new Response(new Uint8Array(5)), async ({ functionGet }) => {
    assertEquals((await functionGet(REQUEST)).functionId, "");
  }));

Deno.test("grpc over fetch takes the status from the headers, and decodes its message", async () => {
  const said: [message: string, heard: string][] = [
    ["no%20such%20class%3A%20caf%C3%A9%0A%25", "no such class: café\n%"],
    ["100% lost", "100% lost"],
    ["", "gRPC status 5"],
  ];
  for (const [message, heard] of said) {
    const headers = { "grpc-status": "5", ...message && { "grpc-message": message } };
    await withServer(() => new Response(null, { headers }), async (bench, asked) => {
      assertEquals(await failureOf(bench), [GRPC_STATUS.notFound, heard]);
      assertEquals(asked.length, 1);
    });
  }
});

Deno.test("grpc over fetch does not repeat what would fail again", async () => {
  for (const code of [1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 16]) {
    const headers = { "grpc-status": String(code), "grpc-message": "no" };
    await withServer(() => new Response(null, { headers }), async (bench, asked) => {
      assertEquals(await failureOf(bench), [code, "no"]);
      assertEquals([asked.length, bench.pauses], [1, []], `code ${code}`);
    });
  }
});

Deno.test("grpc over fetch repeats transient codes 3 times, under one idempotency key", async () => {
  for (const code of [GRPC_STATUS.unknown, GRPC_STATUS.internal, GRPC_STATUS.unavailable]) {
    const headers = { "grpc-status": String(code), "grpc-message": "busy" };
    await withServer(() => new Response(null, { headers }), async (bench, asked) => {
      assertEquals(await failureOf(bench), [code, "busy"]);
      assertEquals(bench.pauses, [100, 200, 400]);
      const told = (name: string) => asked.map((each) => each.headers.get(name));
      assertEquals(told("x-retry-attempt"), ["0", "1", "2", "3"]);
      assertEquals(told("x-idempotency-key"), Array(4).fill("id-1"));
      assertEquals(new Set(asked.map(({ body }) => body.toHex())).size, 1);
    });
  }
});

Deno.test("grpc over fetch answers what a repeat gets, and names the next call anew", () => {
  const answer = (before: number) =>
    before === 1 ? new Response(FOUND) : new Response("busy", { status: 503 });
  return withServer(answer, async (bench, asked) => {
    const { clock, functionGet } = bench;
    assertEquals((await clock.tickUntil(functionGet(REQUEST))).functionId, "fu-1");
    await failureOf(bench);
    const keys = asked.map(({ headers }) => headers.get("x-idempotency-key"));
    assertEquals(keys, ["id-1", "id-1", "id-2", "id-2", "id-2", "id-2"]);
    assertEquals(clock.pendingTimers, 0);
  });
});

Deno.test("grpc over fetch understands a proxy that answers HTTP alone", async () => {
  const answers: [status: number, code: number, attempts: number][] = [
    [401, GRPC_STATUS.unauthenticated, 1],
    [403, GRPC_STATUS.permissionDenied, 1],
    [404, GRPC_STATUS.unavailable, 4],
    [429, GRPC_STATUS.unavailable, 4],
    [502, GRPC_STATUS.unavailable, 4],
  ];
  for (const [status, code, attempts] of answers) {
    const page = () => new Response("<html>sorry</html>", { status });
    await withServer(page, async (bench, asked) => {
      assertEquals(await failureOf(bench), [code, `Modal answered HTTP ${status}`]);
      assertEquals(asked.length, attempts);
    });
  }
});

Deno.test("grpc over fetch takes a success without a message for a lost status", () =>
  withServer(() => new Response(null), async (bench, asked) => {
    const expected: [number, string] = [GRPC_STATUS.unknown, "Modal answered without a message"];
    assertEquals(await failureOf(bench), expected);
    assertEquals(asked.length, 4);
  }));

Deno.test("grpc over fetch reads no message that is cut off, too long, compressed, or none", async () => {
  const [whole, tooLong, compressed] = [[...FOUND], [...FOUND, 0], [1, ...FOUND.subarray(1)]];
  const bodies = [whole.slice(0, -1), whole.slice(0, 3), tooLong, compressed];
  bodies.push([...new TextEncoder().encode("<html>welcome to this network</html>")]);
  for (const body of bodies) {
    await withServer(() => new Response(Uint8Array.from(body)), async (bench, asked) => {
      assertEquals(await failureOf(bench), [
        GRPC_STATUS.internal,
        "Modal answered with a message that is cut off",
      ]);
      assertEquals(asked.length, 4);
    });
  }
});

Deno.test("grpc over fetch repeats where no connection is made, or the answer is lost midway", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const nobody = createBench(`http://127.0.0.1:${port}`);
  const [code, message] = await failureOf(nobody);
  assertEquals([code, nobody.sent()], [GRPC_STATUS.unavailable, 4]);
  assertMatch(message, /^Modal cannot be reached: .*refused/);
  await withRawSink("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n\0\0", async (url) => {
    const bench = createBench(url);
    const [code, message] = await failureOf(bench);
    assertEquals([code, bench.sent()], [GRPC_STATUS.unavailable, 4]);
    assertMatch(message, /^Modal cannot be reached: ./);
  });
});

Deno.test("grpc over fetch stops pausing when it is aborted, with the reason", () =>
  withServer(() => new Response(null, { status: 503 }), async (bench, asked) => {
    const { clock, functionGet } = bench;
    const leaving = new AbortController();
    const reason = new Error("the stream ended");
    const call = functionGet(REQUEST, { signal: leaving.signal }).catch((error) => error);
    await until(() => clock.pendingTimers === 1);
    leaving.abort(reason);
    assertStrictEquals(await call, reason);
    assertEquals([asked.length, clock.pendingTimers], [1, 0]);
  }));

Deno.test("grpc over fetch stops waiting for an answer when it is aborted, and repeats nothing", () => {
  const { promise: silence, resolve: answer } = Promise.withResolvers<Response>();
  return withServer(() => silence, async (bench, asked) => {
    const leaving = new AbortController();
    const reason = new Error("the stream ended");
    const call = bench.functionGet(REQUEST, { signal: leaving.signal }).catch((error) => error);
    await until(() => asked.length === 1);
    leaving.abort(reason);
    assertStrictEquals(await call, reason);
    answer(new Response(null));
    assertEquals([asked.length, bench.pauses], [1, []]);
  });
});

Deno.test("grpc over fetch passes on why it has no login, and sends nothing", async () => {
  let sent = 0;
  const client = createGrpcFetchClient({
    serverUrl: "http://127.0.0.1",
    fetch: () => {
      sent++;
      return Promise.resolve(new Response());
    },
    metadata: () => Promise.reject(new GrpcError(GRPC_STATUS.unauthenticated, "refused")),
    clock: createFakeClock(),
    newId: () => "id",
  });
  const error = await client.functionGet!(REQUEST).catch((error) => error);
  assertEquals([error instanceof GrpcError, error.message, sent], [true, "refused", 0]);
});
