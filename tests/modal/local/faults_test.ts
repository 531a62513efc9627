import { assertEquals, assertRejects } from "@std/assert";
import { RESULT_STATUS } from "../../../inference/modal_messages.ts";
import { type CallFault, GRPC_STATUS } from "../../../modal/local/server.ts";
import { createFakeClock } from "../../_fake_clock.ts";
import { until, withModal } from "./_fixture.ts";
import { StatusError, valueOf } from "./_raw_client.ts";

Deno.test("faults.calls fails the next runs, as often as asked, then no more", () =>
  withModal({}, async (modal, client) => {
    const functionId = await client.open();
    const cases: [CallFault, number][] = [
      [{ kind: "error", exception: "ValueError('x')" }, RESULT_STATUS.failure],
      [{ kind: "timeout" }, RESULT_STATUS.timeout],
      [{ kind: "internalFailure" }, RESULT_STATUS.internalFailure],
    ];
    for (const [fault] of cases) modal.faults.calls(fault, { times: 2 });
    for (const [, status] of cases) {
      for (let i = 0; i < 2; i++) {
        const { result } = await client.call(functionId, "add", { args: [1] });
        assertEquals(result.status, status);
      }
    }
    assertEquals(valueOf(await client.call(functionId, "add", { args: [1] })), 2);
  }));

Deno.test("faults.calls for one method spares the others", () =>
  withModal({}, async (modal, client) => {
    const functionId = await client.open();
    modal.faults.calls({ kind: "timeout" }, { method: "other" });
    assertEquals(valueOf(await client.call(functionId, "add", { args: [1] })), 2);
    modal.faults.calls({ kind: "error", exception: "E()" }, { method: "add" });
    const { result } = await client.call(functionId, "add", { args: [1] });
    assertEquals([result.status, result.exception], [RESULT_STATUS.failure, "E()"]);
  }));

Deno.test("faults.calls delays a run by delayMs", async () => {
  const clock = createFakeClock();
  await withModal({ clock }, async (modal, client) => {
    const functionId = await client.open();
    modal.faults.calls({ kind: "delay", delayMs: 300 });
    const { functionCallId } = await client.map(functionId, "add", { args: [1] });
    clock.tick(299);
    assertEquals(modal.seen.runningCalls, 1);
    clock.tick(1);
    assertEquals(valueOf(await client.output(functionCallId)), 2);
    assertEquals(clock.pendingTimers, 0);
  });
});

Deno.test("faults.calls hangs a run until it is cancelled", () =>
  withModal({}, async (modal, client) => {
    const functionId = await client.open();
    modal.faults.calls({ kind: "hang" });
    const { functionCallId } = await client.map(functionId, "add", { args: [1] });
    assertEquals(await client.output(functionCallId, 0.01), undefined);
    await client.rpc("functionCallCancel", { functionCallId });
    const { result } = await client.output(functionCallId);
    assertEquals(result.status, RESULT_STATUS.terminated);
    await until(() => modal.seen.runningCalls === 0);
  }));

Deno.test("faults.rpcs ends the next requests of one RPC with a status", () =>
  withModal({}, async (modal, client) => {
    const functionId = await client.open();
    const fault = { kind: "status", code: GRPC_STATUS.unavailable, message: "100 % gone" } as const;
    modal.faults.rpcs("functionMap", fault, { times: 2 });
    await client.look("app", "Counter");
    for (let i = 0; i < 2; i++) {
      const error = await assertRejects(() => client.map(functionId, "add", {}), StatusError);
      assertEquals([error.code, error.message], [GRPC_STATUS.unavailable, "100 % gone"]);
    }
    assertEquals(valueOf(await client.call(functionId, "add", { args: [1] })), 2);
    assertEquals(modal.seen.callCount, 1);
  }));

Deno.test("faults.rpcs can lose the answer of a request that was handled", () =>
  withModal({}, async (modal, client) => {
    const functionId = await client.open();
    modal.faults.rpcs("functionMap", { kind: "answerLost" });
    const options = { metadata: { "x-idempotency-key": "key-1" } };
    const map = () => client.map(functionId, "add", { args: [1] }, options);
    const error = await assertRejects(map, StatusError);
    assertEquals(error.code, GRPC_STATUS.unavailable);
    await client.output((await map()).functionCallId);
    assertEquals(modal.seen.callCount, 1);
  }));

Deno.test("faults.rpcs can answer with bytes that are no message", () =>
  withModal({}, async (modal, client) => {
    await client.login();
    modal.faults.rpcs("functionGet", { kind: "garbage" });
    await assertRejects(() => client.look("app", "Counter"));
    await client.look("app", "Counter");
  }));

Deno.test("faults.rpcs delays a request, or never answers it", async () => {
  const clock = createFakeClock();
  await withModal({ clock }, async (modal, client) => {
    await client.login();
    modal.faults.rpcs("functionGet", { kind: "delay", delayMs: 100 });
    const delayed = client.look("app", "Counter");
    await until(() => clock.pendingTimers === 1);
    clock.tick(100);
    await delayed;

    modal.faults.rpcs("blobGet", { kind: "hang" });
    const signal = AbortSignal.timeout(20);
    const hung = () => client.rpc("blobGet", { blobId: "bl-x" }, { signal });
    const error = await assertRejects(hung);
    assertEquals(error.name, "TimeoutError");
  });
});

Deno.test("faults.clear forgets what has not happened yet", () =>
  withModal({}, async (modal, client) => {
    modal.faults.refuseLogins(true);
    modal.faults.rpcs("functionGet", { kind: "status", code: GRPC_STATUS.internal });
    modal.faults.calls({ kind: "timeout" });
    modal.faults.clear();
    const functionId = await client.open();
    assertEquals(valueOf(await client.call(functionId, "add", { args: [1] })), 2);
  }));
