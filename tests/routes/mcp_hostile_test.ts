import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { MAGIC_WORD, type TestForesight, withForesight } from "../_foresight.ts";

const HEADERS = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
  "x-magic-word": MAGIC_WORD,
};
const PING = { jsonrpc: "2.0", id: 1, method: "ping" };
const MODERN = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};
const ANSWER_TIMEOUT_MS = 10_000;
const TRANSPORTS = ["ws", "native"];

/** What is answered: its status, and its body if that is JSON. */
async function send(
  { url }: Pick<TestForesight, "url">,
  body: BodyInit | null,
  { method = "POST", ...headers }: Record<string, string> = {},
) {
  const response = await fetch(`${url}/mcp`, {
    method,
    headers: { ...HEADERS, ...headers },
    ...body === null ? {} : { body },
    // An answer that never comes fails the test.
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  const text = await response.text();
  const type = response.headers.get("content-type") ?? "";
  return {
    status: response.status,
    headers: response.headers,
    body: text && type.startsWith("application/json") ? JSON.parse(text) : text,
  };
}

for (const SOCKET_TRANSPORT of TRANSPORTS) {
  Deno.test(`/mcp has no sessions and no streams: it takes POST alone, over ${SOCKET_TRANSPORT} [C1]`, () =>
    withForesight({ SOCKET_TRANSPORT }, async (foresight) => {
      for (const method of ["GET", "DELETE", "PUT", "PATCH", "OPTIONS"]) {
        const { status, headers, body } = await send(foresight, null, { method });
        assertEquals([status, headers.get("allow")], [405, "POST"], method);
        const detail = `The method must be POST: current value is ${method}`;
        assertEquals(body, { detail }, method);
      }
      assertEquals((await send(foresight, null, { method: "HEAD" })).status, 405);
      const { status, headers, body } = await send(foresight, JSON.stringify(PING));
      assertEquals([status, body], [200, { jsonrpc: "2.0", id: 1, result: {} }]);
      assertEquals(headers.get("mcp-session-id"), null);
      assertEquals(headers.get("content-type"), "application/json");
    }));

  Deno.test(`/mcp answers what is no message with 4xx and goes on, over ${SOCKET_TRANSPORT} [C1, H2]`, () =>
    withForesight({ SOCKET_TRANSPORT }, async (foresight) => {
      const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
      const call = (args: string) =>
        `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"timeline","arguments":${args}}}`;
      const batch = (many: number) => JSON.stringify(Array.from({ length: many }, () => PING));
      const wrong: [body: BodyInit, status: number, headers?: Record<string, string>][] = [
        ["", 400],
        ["not json", 400],
        ['"text"', 400],
        ["null", 400],
        ["7", 400],
        ["{}", 400],
        ["[]", 400],
        ["[[]]", 400],
        ["[null]", 400],
        ['{"jsonrpc":"1.0","id":1,"method":"ping"}', 400],
        [new Uint8Array([0xff, 0xfe, 0, 0x7b]), 400],
        [deep(30_000), 400],
        [batch(21), 400],
        [batch(1_000), 400],
        [`"${"x".repeat(64 * 1024)}"`, 413],
        [JSON.stringify(PING), 415, { "content-type": "text/plain" }],
        [JSON.stringify(PING), 415, { "content-type": "application/jsonp" }],
        [JSON.stringify(PING), 415, { "content-type": "multipart/form-data; boundary=x" }],
        [JSON.stringify(PING), 406, { accept: "text/html" }],
        [JSON.stringify(PING), 400, { "mcp-protocol-version": "1999-01-01" }],
        [JSON.stringify(PING), 400, { "mcp-protocol-version": "2026-07-28" }],
      ];
      for (const [body, status, headers] of wrong) {
        const answer = await send(foresight, body, headers);
        assertEquals(answer.status, status, `${String(body).slice(0, 80)} ${answer.body}`);
        assert(answer.body.error ?? answer.body.detail, String(answer.body));
      }
      const list = await send(foresight, call(deep(25_000)));
      assertEquals([list.status, list.body.error.code], [200, -32602], "told by the protocol");
      const { body } = await send(foresight, call(`{"from":${deep(25_000)}}`));
      assertEquals(body.result.isError, true, "told by the tool");
      const proto = await send(foresight, call('{"__proto__":{"limit":7}}'));
      assertEquals([proto.status, Object.hasOwn(Object.prototype, "limit")], [200, false]);
      assertEquals((await send(foresight, JSON.stringify(PING))).status, 200);
      assertEquals(foresight.logged.filter(({ level }) => level === "error"), []);
    }));
}

Deno.test("/mcp answers each request of a batch, also one that is cancelled or said twice [C1]", () =>
  withForesight({}, async (foresight) => {
    const cancelled = { method: "notifications/cancelled", params: { requestId: 1 } };
    const cancel = { jsonrpc: "2.0", ...cancelled };
    const ask = async (messages: unknown) => await send(foresight, JSON.stringify(messages));
    const result = { jsonrpc: "2.0", id: 1, result: {} };
    const both = [PING, { ...PING, id: "two" }];
    assertEquals((await ask(both)).body, [result, { ...result, id: "two" }]);
    assertEquals((await ask([PING, cancel])).body, result);
    assertEquals((await ask([PING, PING])).body, result);
    for (const nothing of [cancel, [cancel], [cancel, cancel]]) {
      const { status, body } = await ask(nothing);
      assertEquals([status, body], [202, ""]);
    }
    const initialized = { jsonrpc: "2.0", method: "notifications/initialized" };
    assertEquals((await ask(initialized)).status, 202);
    assertEquals((await ask(Array.from({ length: 20 }, () => PING))).status, 200);
  }));

Deno.test("/mcp keeps nobody's stream of notifications open [C1]", () =>
  withForesight({}, async (foresight) => {
    const listen = {
      jsonrpc: "2.0",
      id: 1,
      method: "subscriptions/listen",
      params: {
        notifications: {
          toolsListChanged: true,
          resourcesListChanged: true,
          resourceSubscriptions: ["foresight://timeline/today"],
        },
        _meta: MODERN,
      },
    };
    const { status, body } = await send(foresight, JSON.stringify(listen), {
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "subscriptions/listen",
    });
    assertEquals(status, 200);
    assert(body.includes('"resultType":"complete"'), body);
  }));

/** Asks as a page's browser does that has come by a name of its own: `fetch` names no other host. */
async function statusFor({ url }: TestForesight, host: string, origin: string): Promise<number> {
  const { hostname, port } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const body = JSON.stringify(PING);
  const own = { host, origin, connection: "close", "content-length": String(body.length) };
  const lines = Object.entries({ ...HEADERS, ...own }).map((field) => `${field.join(": ")}\r\n`);
  const request = `POST /mcp HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
  await connection.write(new TextEncoder().encode(request));
  const answer = await new Response(connection.readable).text();
  return Number(answer.split(" ")[1]);
}

Deno.test("/mcp refuses what another site's page asks, wherever its name leads [C1]", () =>
  withForesight({}, async (foresight) => {
    const { host, port } = new URL(foresight.url);
    const foreign = ["https://evil.example", `http://evil.example:${port}`, "null", "x", ""];
    foreign.push(`https://evil.example/${host}`, `http://localhost:${port}`, "http://127.0.0.1:1");
    for (const origin of foreign) {
      const { status, body } = await send(foresight, JSON.stringify(PING), { origin });
      assertEquals(status, 403, origin);
      assertEquals(body, { detail: "Origin must be this server's own, or left out" });
    }
    const byName: [host: string, origin: string, status: number][] = [
      ["evil.example", "http://evil.example", 403],
      ["evil.example:8000", "http://evil.example:8000", 403],
      ["127.0.0.1.evil.example", "http://127.0.0.1.evil.example", 403],
      ["glasses.example", "https://glasses.example", 200],
      ["localhost:8000", "http://localhost:8000", 200],
      ["[::1]:8000", "http://[::1]:8000", 200],
      ["localhost:8000", "http://localhost:9000", 403],
    ];
    for (const [name, origin, status] of byName) {
      assertEquals(await statusFor(foresight, name, origin), status, origin);
    }
    for (const origin of [`http://${host}`, `https://${host}`]) {
      assertEquals((await send(foresight, JSON.stringify(PING), { origin })).status, 200, origin);
    }
  }));

Deno.test("/mcp never answers 500, whatever is sent [C1]", () =>
  withForesight({}, (foresight) => {
    const method = fc.constantFrom(
      "initialize",
      "tools/list",
      "tools/call",
      "resources/read",
      "resources/list",
      "server/discover",
      "subscriptions/listen",
      "completion/complete",
      "logging/setLevel",
      "notifications/cancelled",
      "nothing",
    );
    const name = fc.constantFrom(
      "timeline",
      "search_sight",
      "what_am_i_seeing",
      "pause_camera",
      "add_rule",
      "remove_rule",
      "list_rules",
    );
    const args = fc.dictionary(
      fc.constantFrom(
        ...["query", "from", "to", "limit", "order", "zone", "cursor", "id", "minutes"],
        ...["when", "kind", "message", "active_hours", "hold_s"],
      ),
      fc.oneof(fc.jsonValue(), fc.constantFrom("2026-11-20", "Europe/Berlin", 5)),
    );
    const params = fc.oneof(
      fc.record({ name, arguments: args, _meta: fc.constantFrom(MODERN, {}, null) }, {
        requiredKeys: [],
      }),
      fc.record({ uri: fc.oneof(fc.webUrl(), fc.string()), _meta: fc.constant(MODERN) }, {
        requiredKeys: ["uri"],
      }),
      fc.jsonValue(),
    );
    const id = fc.oneof(fc.integer(), fc.string(), fc.constant(null));
    const message = fc.record({ jsonrpc: fc.constant("2.0"), id, method, params }, {
      requiredKeys: ["jsonrpc", "method"],
    });
    const headers = fc.record({
      "mcp-protocol-version": fc.constantFrom("2026-07-28", "2025-06-18", "x"),
      "mcp-method": method,
    }, { requiredKeys: [] });
    return fc.assert(
      fc.asyncProperty(
        fc.oneof(message, fc.array(message, { maxLength: 4 }), fc.jsonValue()),
        headers,
        async (body, given) => {
          const { status } = await send(foresight, JSON.stringify(body), given);
          assert(status < 500, `${status}`);
        },
      ),
      { numRuns: 200 },
    );
  }));
