import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { MODAL_CODECS, MODAL_SERVICE } from "../../../inference/modal_messages.ts";
import { GRPC_STATUS, startLocalModal } from "../../../modal/local/server.ts";
import { counter, withModal } from "./_fixture.ts";
import { framed, StatusError, valueOf } from "./_raw_client.ts";

Deno.test("startLocalModal serves a class: look up, map, get outputs", () =>
  withModal({}, async (modal, client) => {
    const functionId = await client.open();
    const output = await client.call(functionId, "add", { args: [40, 2] });
    assertEquals(valueOf(output), 42);
    assertEquals(output.dataFormat, 4);
    assertEquals(modal.seen.callCount, 1);
    assertEquals(modal.seen.calls, [{
      app: "app",
      className: "Counter",
      method: "add",
      args: { a: 40, b: 2 },
      tokenId: "ak-1",
    }]);
    assertEquals(modal.seen.rpcs.functionMap, 1);
    assertEquals(modal.seen.connections, 1);
  }));

Deno.test("startLocalModal keeps no more calls listed than keepCalls", () =>
  withModal({ keepCalls: 2 }, async (modal, client) => {
    const functionId = await client.open();
    for (const a of [1, 2, 3]) await client.call(functionId, "add", { args: [a] });
    assertEquals(modal.seen.calls.map((call) => call.args.a), [2, 3]);
    assertEquals(modal.seen.callCount, 3);
  }));

Deno.test("FunctionGet tells formats, size limit and methods", () =>
  withModal({ maxObjectSizeBytes: 1234 }, async (_modal, client) => {
    await client.login();
    const { functionId, handleMetadata } = await client.look("app", "Counter");
    assertStringIncludes(functionId, "fu-");
    assertEquals(handleMetadata.functionName, "Counter.*");
    const add = handleMetadata.methodHandleMetadata.add;
    assertEquals(add.functionName, "Counter.add");
    assertEquals(add.useMethodName, "add");
    assertEquals(add.isMethod, true);
    for (const metadata of [handleMetadata, add]) {
      assertEquals(metadata.supportedInputFormats, [1, 4]);
      assertEquals(metadata.supportedOutputFormats, [1, 4]);
      assertEquals(metadata.maxObjectSizeBytes, 1234);
      assertEquals(metadata.inputPlaneUrl, undefined);
    }
  }));

Deno.test("FunctionGet ends as NOT_FOUND for an unknown app, class, environment or tag", () =>
  withModal({ classes: [counter({}, { environment: "dev" })] }, async (_modal, client) => {
    await client.login();
    const lookups: [string, string, string][] = [
      ["other", "Counter", "dev"],
      ["app", "Other", "dev"],
      ["app", "Counter", ""],
      ["app", "Counter", "main"],
    ];
    for (const lookup of lookups) {
      const error = await assertRejects(() => client.look(...lookup), StatusError);
      assertEquals(error.code, GRPC_STATUS.notFound);
    }
    const plain = { appName: "app", objectTag: "Counter", environmentName: "dev" };
    const error = await assertRejects(() => client.rpc("functionGet", plain), StatusError);
    assertEquals(error.code, GRPC_STATUS.notFound);
    await client.look("app", "Counter", "dev");
  }));

Deno.test("LocalModal.deploy over a class keeps its function id and serves the newer one", () =>
  withModal({}, async (modal, client) => {
    const functionId = await client.open();
    modal.deploy(counter({ add: { parameters: [], call: () => "newer" } }));
    assertEquals((await client.look("app", "Counter")).functionId, functionId);
    assertEquals(valueOf(await client.call(functionId, "add", {})), "newer");
  }));

Deno.test("LocalModal.undeploy makes class and function id unknown", () =>
  withModal({}, async (modal, client) => {
    const functionId = await client.open();
    modal.undeploy({ app: "app", name: "Counter" });
    const mapping = await assertRejects(() => client.map(functionId, "add", {}), StatusError);
    assertEquals(mapping.code, GRPC_STATUS.notFound);
    await assertRejects(() => client.look("app", "Counter"), StatusError);
    modal.deploy(counter());
    assertEquals((await client.look("app", "Counter")).functionId === functionId, false);
  }));

Deno.test("FunctionMap ends as NOT_FOUND for a method that the class lacks", () =>
  withModal({}, async (_modal, client) => {
    const functionId = await client.open();
    for (const method of ["subtract", "constructor"]) {
      const error = await assertRejects(() => client.map(functionId, method, {}), StatusError);
      assertEquals(error.code, GRPC_STATUS.notFound);
    }
  }));

Deno.test("startLocalModal ends an unknown RPC as UNIMPLEMENTED, with a readable message", () =>
  withModal({}, async (_modal, client) => {
    await client.login();
    for (const name of ["Größe%20", "AttemptStart"]) {
      const path = `/${MODAL_SERVICE}/${name}`;
      const post = () => client.post(path, framed(new Uint8Array()));
      const error = await assertRejects(post, StatusError);
      assertEquals(error.code, GRPC_STATUS.unimplemented);
      assertStringIncludes(error.message, "Unknown method");
    }
  }));

Deno.test("startLocalModal ends messages that are none with a status and lives on", () =>
  withModal({ maxMessageBytes: 1000 }, async (_modal, client) => {
    const functionId = await client.open();
    const { path } = MODAL_CODECS.functionGet;
    const compressed = framed(new Uint8Array(3));
    compressed[0] = 1;
    const request = { appName: "app", objectTag: "Counter.*" };
    const longerThanSaid = framed(MODAL_CODECS.functionGet.request.encode(request));
    longerThanSaid[4]!--;
    const cases: [Uint8Array, number][] = [
      [new Uint8Array(), GRPC_STATUS.internal],
      [longerThanSaid, GRPC_STATUS.internal],
      [framed(new Uint8Array([0xff, 0xff])), GRPC_STATUS.internal],
      [compressed, GRPC_STATUS.unimplemented],
      [framed(new Uint8Array(1001)), GRPC_STATUS.resourceExhausted],
    ];
    for (const [body, code] of cases) {
      const error = await assertRejects(() => client.post(path, body), StatusError);
      assertEquals(error.code, code);
    }
    assertEquals(valueOf(await client.call(functionId, "add", { args: [1] })), 2);
  }));

Deno.test("startLocalModal fails on a port that is taken, and leaves nothing behind", () =>
  withModal({}, async (modal) => {
    const port = Number(new URL(modal.url).port);
    await assertRejects(() => startLocalModal({ classes: [], port }), Error);
  }));
