import { assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { GRPC_STATUS } from "../../../modal/local/server.ts";
import { counter, until, withModal } from "./_fixture.ts";
import { type RawClient, StatusError, toCbor } from "./_raw_client.ts";

const LARGE_BYTES = 3 * 1024 * 1024;

const size = {
  parameters: ["data"],
  call: ({ data }: Record<string, unknown>) => (data as Uint8Array).byteLength,
};
const fill = {
  parameters: ["length"],
  call: ({ length }: Record<string, unknown>) => new Uint8Array(Number(length)).fill(7),
};
const classes = [counter({ size, fill })];

function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("base64");
}

function create(client: RawClient, bytes: Uint8Array) {
  return client.rpc("blobCreate", { contentMd5: md5(bytes), contentLength: bytes.byteLength });
}

async function put(url: string, body: Uint8Array<ArrayBuffer>, contentMd5 = md5(body)) {
  const headers = { "content-type": "application/octet-stream", "content-md5": contentMd5 };
  const response = await fetch(url, { method: "PUT", headers, body });
  await response.body?.cancel();
  return response.status;
}

Deno.test("arguments may come as a blob, which is gone once it was used", () =>
  withModal({ classes }, async (modal, client) => {
    const functionId = await client.open();
    const payload = toCbor([[new Uint8Array(LARGE_BYTES)], {}]);
    const { blobId, uploadUrl } = await create(client, payload);
    assertEquals(await put(uploadUrl, payload), 204);
    assertEquals(modal.seen.blobs, 1);
    const output = await client.call(functionId, "size", { blobId });
    assertEquals([...output.result.data], [...toCbor(LARGE_BYTES)]);
    assertEquals(modal.seen.blobs, 0);
    const again = () => client.map(functionId, "size", { blobId });
    assertEquals((await assertRejects(again, StatusError)).code, GRPC_STATUS.notFound);
  }));

Deno.test("a blob is taken only with the length and MD5 that were announced", () =>
  withModal({ classes }, async (_modal, client) => {
    const functionId = await client.open();
    const payload = toCbor([[new Uint8Array(9)], {}]);
    const { blobId, uploadUrl } = await create(client, payload);
    const other = payload.toReversed();
    assertEquals(await put(uploadUrl, payload.slice(1)), 400);
    assertEquals(await put(uploadUrl, other), 400);
    assertEquals(await put(uploadUrl, other, md5(payload)), 400);
    assertEquals(await put(uploadUrl, payload, md5(other)), 400);
    await assertRejects(() => client.map(functionId, "size", { blobId }), StatusError);
    assertEquals(await put(uploadUrl, payload), 204);
    assertEquals(await put(uploadUrl, payload), 404);
    const announced = { contentMd5: md5(payload), contentLength: payload.byteLength + 1 };
    const longer = await client.rpc("blobCreate", announced);
    assertEquals(await put(longer.uploadUrl, payload), 400);
    await client.map(functionId, "size", { blobId });
  }));

Deno.test("a blob above 100 MiB is refused", () =>
  withModal({}, async (_modal, client) => {
    await client.login();
    const request = { contentMd5: "x", contentLength: 100 * 1024 * 1024 + 1 };
    const error = await assertRejects(() => client.rpc("blobCreate", request), StatusError);
    assertEquals(error.code, GRPC_STATUS.invalidArgument);
  }));

Deno.test("a result above maxObjectSizeBytes goes as a blob, which is gone once fetched", () =>
  withModal({ classes, maxObjectSizeBytes: 1000 }, async (modal, client) => {
    const functionId = await client.open();
    const small = await client.call(functionId, "fill", { args: [900] });
    assertEquals(small.result.dataBlobId, undefined);
    const { result } = await client.call(functionId, "fill", { args: [1001] });
    assertEquals(result.data, undefined);
    const { downloadUrl } = await client.rpc("blobGet", { blobId: result.dataBlobId });
    const bytes = await (await fetch(downloadUrl)).bytes();
    assertEquals([...bytes], [...toCbor(new Uint8Array(1001).fill(7))]);
    await until(() => modal.seen.blobs === 0);
    const again = await fetch(downloadUrl);
    await again.body?.cancel();
    assertEquals(again.status, 404);
    const get = () => client.rpc("blobGet", { blobId: result.dataBlobId });
    assertEquals((await assertRejects(get, StatusError)).code, GRPC_STATUS.notFound);
  }));

Deno.test("LocalModal.close does not wait for an upload that never ends", () =>
  withModal({}, async (_modal, client) => {
    await client.login();
    const { uploadUrl } = await create(client, new Uint8Array(100));
    const { port, pathname } = new URL(uploadUrl);
    using half = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    const head = `PUT ${pathname} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n0123`;
    await half.write(new TextEncoder().encode(head));
  }));
