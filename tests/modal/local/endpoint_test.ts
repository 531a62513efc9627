import { assertEquals, assertStringIncludes } from "@std/assert";
import { Decoder, Encoder } from "cbor-x";
import { type LocalModal, startLocalModal } from "../../../modal/local/server.ts";
import { counter } from "./_fixture.ts";

const OPTIONS = { mapsAsObjects: true, useRecords: false, tagUint8Array: false };
const HEADERS = {
  "content-type": "application/cbor",
  "modal-key": "wk-1",
  "modal-secret": "ws-1",
};

async function withEndpoint(
  use: (url: string, modal: LocalModal) => Promise<void>,
  options: Partial<Parameters<typeof startLocalModal>[0]> = {},
): Promise<void> {
  const raise = {
    parameters: ["name"],
    call({ name }: Readonly<Record<string, unknown>>) {
      throw Object.assign(new Error('it\'s \n"so"'), { name });
    },
  };
  const served = counter({ raise, close: { parameters: [], call: () => null } });
  const modal = await startLocalModal({ classes: [served], ...options });
  try {
    await use(modal.endpointUrl(served), modal);
  } finally {
    await modal.close();
  }
}

/** The status and what was said, decoded where it is CBOR. */
async function post(
  url: string,
  args: unknown,
  init: RequestInit = {},
): Promise<[status: number, said: unknown]> {
  const body = new Uint8Array(new Encoder(OPTIONS).encode(args));
  const response = await fetch(url, { method: "POST", headers: HEADERS, body, ...init });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const isCbor = response.headers.get("content-type") === "application/cbor";
  const said = isCbor ? new Decoder(OPTIONS).decode(bytes) : new TextDecoder().decode(bytes);
  return [response.status, said];
}

Deno.test("the stand-in's endpoint calls a class's method by name, as Modal's gRPC does [M5]", () =>
  withEndpoint(async (url, modal) => {
    assertEquals(await post(`${url}/add`, { a: 40, b: 2 }), [200, 42]);
    assertEquals(await post(`${url}/add`, { a: 40 }), [200, 41]);
    assertEquals(modal.seen.calls.map(({ tokenId, args }) => [tokenId, args]), [
      ["wk-1", { a: 40, b: 2 }],
      ["wk-1", { a: 40, b: 1 }],
    ]);
    assertEquals(modal.seen.connections, 0, "no gRPC");
  }));

Deno.test("the stand-in's endpoint says in CBOR what the class raised [M6]", () =>
  withEndpoint(async (url) => {
    const raised: [name: string, status: number][] = [
      ["ValueError", 500],
      ["BadArgument", 422],
      ["NoFrameDecodable", 422],
      ["PromptTooLong", 422],
      ["Overloaded", 503],
    ];
    for (const [name, status] of raised) {
      const error = { name, message: 'it\'s \n"so"' };
      assertEquals(await post(`${url}/raise`, { name }), [status, { error }]);
    }
  }));

Deno.test("the stand-in's endpoint refuses what is no call [M6]", () =>
  withEndpoint(async (url) => {
    const nameOf = ([status, said]: [number, unknown]) => {
      const { error } = Object(said) as { error?: { name: string } };
      return [status, error?.name ?? said];
    };
    const json = { headers: { ...HEADERS, "content-type": "application/json" } };
    const cases: [[number, unknown], [number, unknown]][] = [
      [await post(`${url}/add`, { b: 1 }), [422, "BadArgument"]],
      [await post(`${url}/add`, { a: 1, c: 1 }), [422, "BadArgument"]],
      [await post(`${url}/add`, [1, 2]), [422, "BadArgument"]],
      [await post(`${url}/add`, {}, { body: new Uint8Array([0xff]) }), [422, "BadArgument"]],
      [await post(`${url}/add`, {}, json), [415, "UnsupportedMediaType"]],
      [await post(`${url}/add`, {}, { method: "GET", body: null }), [405, "NotServed"]],
      [await post(`${url}/toString`, {}), [404, "NotServed"]],
      [await post(`${url}/close`, {}), [404, "NotServed"]],
      [await post(`${url}/add/`, {}), [404, "NotServed"]],
      [await post(`${url}/%zz`, {}), [404, "NotServed"]],
      [await post(`${url}s/add`, {}), [404, "modal-http: invalid function call"]],
    ];
    for (const [told, expected] of cases) assertEquals(nameOf(told), expected);
  }));

Deno.test("the stand-in's endpoint lets nobody in without a proxy token [M5]", () =>
  withEndpoint(async (url, modal) => {
    const token = (id: string, secret: string) => ({
      headers: { ...HEADERS, "modal-key": id, "modal-secret": secret },
      body: new Uint8Array(400_000),
    });
    for (const [id, secret] of [["", "ws-1"], ["wk-1", ""], ["wk-1", "ws-2"], ["wk-2", "ws-1"]]) {
      const [status, said] = await post(`${url}/add`, {}, token(id!, secret!));
      assertEquals(status, 401);
      assertStringIncludes(String(said), "credentials for proxy authorization");
    }
    assertEquals(modal.seen.callCount, 0);
    assertEquals(await post(`${url}/add`, { a: 1 }), [200, 2]);
  }, { proxyTokens: { "wk-1": "ws-1" } }));

Deno.test("the stand-in's endpoint says in words what Modal itself is to blame for [M6]", () =>
  withEndpoint(async (url, modal) => {
    modal.faults.calls({ kind: "timeout" });
    modal.faults.calls({ kind: "internalFailure" });
    for (let turn = 0; turn < 2; turn++) {
      const [status, said] = await post(`${url}/add`, { a: 1 });
      assertEquals(status, 500);
      assertStringIncludes(String(said), "modal-http: ");
    }
    assertEquals(await post(`${url}/add`, { a: 1 }), [200, 2]);
  }));
