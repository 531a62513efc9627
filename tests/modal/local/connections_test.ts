import { assertEquals, assertRejects } from "@std/assert";
import { startLocalModal } from "../../../modal/local/server.ts";
import { counter, heldMethod, until, withModal } from "./_fixture.ts";
import { RawClient, valueOf } from "./_raw_client.ts";

Deno.test("LocalModal.goaway ends idle connections; the next call takes a new one", () =>
  withModal({}, async (modal, client) => {
    await client.open();
    modal.goaway();
    await until(() => modal.seen.openConnections === 0);
    await client.look("app", "Counter");
    assertEquals(modal.seen.connections, 2);
  }));

Deno.test("LocalModal.goaway lets a request under way have its answer", async () => {
  const held = heldMethod();
  await withModal({ classes: [counter({ held })] }, async (modal, client) => {
    const functionId = await client.open();
    const waiting = client.call(functionId, "held", { args: [3] });
    await until(() => modal.seen.rpcs.functionGetOutputs === 1);
    modal.goaway();
    for (let i = 0; i < 1000 && modal.seen.connections < 2; i++) {
      await client.look("app", "Counter");
    }
    assertEquals([modal.seen.connections, modal.seen.openConnections], [2, 2]);
    held.release(3);
    assertEquals(valueOf(await waiting), 3);
    await until(() => modal.seen.openConnections === 1);
  });
});

Deno.test("LocalModal.killConnections breaks requests off; the call goes on running", async () => {
  const held = heldMethod();
  await withModal({ classes: [counter({ held })] }, async (modal, client) => {
    const functionId = await client.open();
    const { functionCallId } = await client.map(functionId, "held", { args: [3] });
    const waiting = client.output(functionCallId);
    await until(() => modal.seen.rpcs.functionGetOutputs === 1);
    modal.killConnections();
    await assertRejects(() => waiting);
    assertEquals(held.aborted, []);
    held.release(3);
    assertEquals(valueOf(await client.output(functionCallId)), 3);
  });
});

Deno.test("LocalModal.stop refuses connections until restart, on the same port", async () => {
  const held = heldMethod();
  await withModal({ classes: [counter({ held })] }, async (modal, client) => {
    const functionId = await client.open();
    const { functionCallId } = await client.map(functionId, "held", { args: [3] });
    const waiting = client.output(functionCallId);
    const broken = assertRejects(() => waiting);
    await until(() => modal.seen.rpcs.functionGetOutputs === 1);
    const url = modal.url;
    await modal.stop();
    await broken;
    await assertRejects(() => client.look("app", "Counter"));
    await modal.restart();
    assertEquals(modal.url, url);
    held.release(3);
    assertEquals(valueOf(await client.output(functionCallId)), 3);
    await modal.restart();
    await modal.stop();
    await modal.stop();
  });
});

Deno.test("LocalModal.restart that found its port taken can be tried again", () =>
  withModal({}, async (modal, client) => {
    await modal.stop();
    const port = Number(new URL(modal.url).port);
    const squatter = Deno.listen({ hostname: "127.0.0.1", port });
    await assertRejects(() => modal.restart());
    squatter.close();
    await modal.restart();
    await client.open();
  }));

Deno.test("LocalModal.close ends running calls, open requests and cold starts", async () => {
  const held = heldMethod();
  const modal = await startLocalModal({
    classes: [
      counter({ held }, { maxConcurrent: 1 }),
      counter({}, { name: "Cold", coldStartMs: 600_000 }),
    ],
  });
  const client = new RawClient(modal.url);
  const functionId = await client.open();
  const coldId = (await client.look("app", "Cold")).functionId;
  await client.map(coldId, "add", { args: [1] });
  const waiting = [1, 2].map((n) => client.call(functionId, "held", { args: [n] }));
  const broken = Promise.all(waiting.map((call) => assertRejects(() => call)));
  await until(() => modal.seen.rpcs.functionGetOutputs === 2);
  await modal.close();
  await broken;
  assertEquals(held.aborted, [1]);
  client[Symbol.dispose]();
});

Deno.test("fifty GOAWAYs and kills in a row, idle and mid-call, lose no later call", () =>
  withModal({}, async (modal, client) => {
    const functionId = await client.open();
    for (let round = 0; round < 50; round++) {
      const call = client.call(functionId, "add", { args: [round] }).catch(() => null);
      if (round % 2 === 0) modal.goaway();
      else modal.killConnections();
      await call;
    }
    await until(() => modal.seen.runningCalls === 0);
    assertEquals(valueOf(await client.call(functionId, "add", { args: [1] })), 2);
  }));

Deno.test("startLocalModal shrugs off clients that speak no HTTP/2", () =>
  withModal({}, async (modal, client) => {
    const port = Number(new URL(modal.url).port);
    const stranger = await Deno.connect({ hostname: "127.0.0.1", port });
    await stranger.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n".repeat(9)));
    await new Response(stranger.readable).bytes().catch(() => {});
    await client.open();
  }));

Deno.test("startLocalModal survives clients that leave, even where freed memory is poisoned", async () => {
  const script = new URL("./_leaving_clients.ts", import.meta.url).pathname;
  const { stdout, stderr, signal } = await new Deno.Command("deno", {
    args: ["run", "--no-prompt", "--allow-net=127.0.0.1", "--ignore-env", script],
    env: { MALLOC_PERTURB_: "165" },
  }).output();
  const [output, complaints] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals([signal, output], [null, "done"], complaints);
});
