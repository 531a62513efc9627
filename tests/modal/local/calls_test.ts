import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { RESULT_STATUS } from "../../../inference/modal_messages.ts";
import { GRPC_STATUS } from "../../../modal/local/server.ts";
import { createFakeClock } from "../../_fake_clock.ts";
import { counter, heldMethod, until, withModal } from "./_fixture.ts";
import { functionInput, StatusError, valueOf } from "./_raw_client.ts";

Deno.test("calls above maxConcurrent wait and run in the order they came", async () => {
  const held = heldMethod();
  const served = counter({ held }, { maxConcurrent: 2 });
  await withModal({ classes: [served] }, async (modal, client) => {
    const functionId = await client.open();
    const callIds: string[] = [];
    for (const n of [0, 1, 2, 3]) {
      callIds.push((await client.map(functionId, "held", { args: [n] })).functionCallId);
    }
    assertEquals(held.begun, [0, 1]);
    held.release(1);
    assertEquals(valueOf(await client.output(callIds[1]!)), 1);
    assertEquals(held.begun, [0, 1, 2]);
    for (const n of [0, 2]) held.release(n);
    await client.output(callIds[2]!);
    held.release(3);
    assertEquals(valueOf(await client.output(callIds[3]!)), 3);
    assertEquals(modal.seen.maxConcurrent, 2);
    assertEquals(modal.seen.runningCalls, 0);
  });
});

Deno.test("the first calls wait for coldStartMs, later ones do not", async () => {
  const clock = createFakeClock();
  const served = counter({}, { coldStartMs: 5000 });
  await withModal({ clock, classes: [served] }, async (modal, client) => {
    const functionId = await client.open();
    const cold = [await client.map(functionId, "add", { args: [1] })];
    cold.push(await client.map(functionId, "add", { args: [2] }));
    clock.tick(4999);
    assertEquals(modal.seen.callCount, 0);
    clock.tick(1);
    assertEquals(valueOf(await client.output(cold[0].functionCallId)), 2);
    assertEquals(valueOf(await client.output(cold[1].functionCallId)), 3);
    assertEquals(valueOf(await client.call(functionId, "add", { args: [3] })), 4);
    assertEquals(clock.pendingTimers, 0);
  });
});

Deno.test("a run ends as timed out after timeoutMs, and its slot is free", async () => {
  const clock = createFakeClock();
  const held = heldMethod();
  const served = counter({ held }, { timeoutMs: 30_000, maxConcurrent: 1 });
  await withModal({ clock, classes: [served] }, async (_modal, client) => {
    const functionId = await client.open();
    const { functionCallId } = await client.map(functionId, "held", { args: [7] });
    clock.tick(29_999);
    assertEquals(held.aborted, []);
    clock.tick(1);
    assertEquals(held.aborted, [7]);
    const { result } = await client.output(functionCallId);
    assertEquals(result.status, RESULT_STATUS.timeout);
    assertStringIncludes(result.exception, "hit its timeout of 30s");
    assertEquals(valueOf(await client.call(functionId, "add", { args: [1] })), 2);
  });
});

Deno.test("FunctionGetOutputs is empty after its timeout, and full once there is an output", async () => {
  const clock = createFakeClock();
  const held = heldMethod();
  await withModal({ clock, classes: [counter({ held })] }, async (_modal, client) => {
    const functionId = await client.open();
    const { functionCallId } = await client.map(functionId, "held", { args: [5] });
    const runTimers = clock.pendingTimers;
    const first = client.output(functionCallId, 55);
    await until(() => clock.pendingTimers > runTimers);
    clock.tick(55_000);
    assertEquals(await first, undefined);
    const second = client.output(functionCallId, 55);
    await until(() => clock.pendingTimers > runTimers);
    held.release(5);
    assertEquals(valueOf(await second), 5);
    assertEquals(valueOf(await client.output(functionCallId, 0)), 5);
    assertEquals(clock.pendingTimers, 0);
  });
});

Deno.test("FunctionGetOutputs stops waiting when its client gives up; the call goes on", async () => {
  const clock = createFakeClock();
  const held = heldMethod();
  await withModal({ clock, classes: [counter({ held })] }, async (modal, client) => {
    const functionId = await client.open();
    const { functionCallId } = await client.map(functionId, "held", { args: [5] });
    const runTimers = clock.pendingTimers;
    const giveUp = new AbortController();
    const request = { functionCallId, timeout: 55 };
    const waiting = client.rpc("functionGetOutputs", request, { signal: giveUp.signal });
    await until(() => clock.pendingTimers > runTimers);
    giveUp.abort();
    await assertRejects(() => waiting);
    await until(() => clock.pendingTimers === runTimers);
    assertEquals(modal.seen.runningCalls, 1);
    assertEquals(held.aborted, []);
  });
});

Deno.test("FunctionGetOutputs ends as NOT_FOUND for an unknown call", () =>
  withModal({}, async (_modal, client) => {
    await client.login();
    const error = await assertRejects(() => client.output("fc-unknown"), StatusError);
    assertEquals(error.code, GRPC_STATUS.notFound);
  }));

Deno.test("FunctionCallCancel aborts a running call, and takes a waiting one from the queue", async () => {
  const held = heldMethod();
  const served = counter({ held }, { maxConcurrent: 1 });
  await withModal({ classes: [served] }, async (modal, client) => {
    const functionId = await client.open();
    const callIds: string[] = [];
    for (const n of [0, 1, 2]) {
      callIds.push((await client.map(functionId, "held", { args: [n] })).functionCallId);
    }
    for (const n of [1, 0, 0]) {
      await client.rpc("functionCallCancel", { functionCallId: callIds[n] });
    }
    assertEquals(held.aborted, [0]);
    for (const n of [0, 1]) {
      assertEquals((await client.output(callIds[n]!)).result.status, RESULT_STATUS.terminated);
    }
    await until(() => held.begun.length === 2);
    assertEquals(held.begun, [0, 2]);
    assertEquals(modal.seen.cancelledCalls, 2);
    held.release(0);
    held.release(2);
    assertEquals((await client.output(callIds[0]!)).result.status, RESULT_STATUS.terminated);
    assertEquals(valueOf(await client.output(callIds[2]!)), 2);
  });
});

Deno.test("FunctionMap with a repeated x-idempotency-key answers the same call", () =>
  withModal({}, async (modal, client) => {
    const functionId = await client.open();
    const options = { metadata: { "x-idempotency-key": "key-1" } };
    const once = () => client.map(functionId, "add", { args: [1] }, options);
    const both = await Promise.all([once(), once()]);
    const third = await once();
    assertEquals(new Set([...both, third].map((answer) => answer.functionCallId)).size, 1);
    await client.output(third.functionCallId);
    assertEquals(modal.seen.callCount, 1);
    const other = await client.map(functionId, "add", { args: [1] }, {
      metadata: { "x-idempotency-key": "key-2" },
    });
    assertEquals(other.functionCallId === third.functionCallId, false);
  }));

Deno.test("FunctionMap that failed is tried again under the same x-idempotency-key", () =>
  withModal({ classes: [] }, async (modal, client) => {
    modal.deploy(counter());
    const functionId = await client.open();
    const options = { metadata: { "x-idempotency-key": "key-1" } };
    const blobId = "bl-unknown";
    await assertRejects(() => client.map(functionId, "add", { blobId }, options), StatusError);
    await client.map(functionId, "add", { args: [1] }, options);
  }));

Deno.test("FunctionRetryInputs runs the same call again", () =>
  withModal({}, async (modal, client) => {
    const functionId = await client.open();
    modal.faults.calls({ kind: "internalFailure" });
    const mapped = await client.map(functionId, "add", { args: [1] });
    const failed = await client.output(mapped.functionCallId);
    assertEquals(failed.result.status, RESULT_STATUS.internalFailure);
    const { inputJwts } = await client.rpc("functionRetryInputs", {
      functionCallJwt: mapped.functionCallJwt,
      inputs: [{ inputJwt: mapped.pipelinedInputs[0].inputJwt, input: functionInput("add", {}) }],
    });
    assertEquals(inputJwts.length, 1);
    assertEquals(valueOf(await client.output(mapped.functionCallId)), 2);
    assertEquals(modal.seen.callCount, 2);
  }));

Deno.test("FunctionRetryInputs leaves alone what did not end with an internal failure", () =>
  withModal({}, async (modal, client) => {
    const functionId = await client.open();
    const { functionCallId, functionCallJwt } = await client.map(functionId, "add", { args: [1] });
    await client.output(functionCallId);
    await client.rpc("functionRetryInputs", { functionCallJwt, inputs: [{}] });
    assertEquals(valueOf(await client.output(functionCallId)), 2);
    assertEquals(modal.seen.callCount, 1);
    const forged = { functionCallJwt: functionCallId, inputs: [{}] };
    const retry = () => client.rpc("functionRetryInputs", forged);
    assertEquals((await assertRejects(retry, StatusError)).code, GRPC_STATUS.invalidArgument);
  }));

Deno.test("FunctionGetOutputs waits a minute at most", async () => {
  const clock = createFakeClock();
  const held = heldMethod();
  await withModal({ clock, classes: [counter({ held })] }, async (_modal, client) => {
    const functionId = await client.open();
    const { functionCallId } = await client.map(functionId, "held", { args: [5] });
    const runTimers = clock.pendingTimers;
    const waiting = client.output(functionCallId, 100);
    await until(() => clock.pendingTimers > runTimers);
    clock.tick(60_000);
    assertEquals(await waiting, undefined);
  });
});
