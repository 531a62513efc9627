import { assert, assertEquals, assertRejects } from "@std/assert";
import { RESULT_STATUS } from "../../../inference/modal_messages.ts";
import { GRPC_STATUS, type LocalModal } from "../../../modal/local/server.ts";
import { withModal } from "./_fixture.ts";
import { type Answer, functionInput, type RawClient, StatusError, valueOf } from "./_raw_client.ts";

async function attempt(modal: LocalModal, client: RawClient, functionId: string): Promise<Answer> {
  const url = modal.inputPlaneUrl ?? "";
  const input = { idx: 0, input: functionInput("add", { args: [1] }) };
  const { attemptToken } = await client.rpc("attemptStart", { functionId, input }, { url });
  return { url, input, attemptToken };
}

Deno.test("FunctionGet names the input plane when there is one", () =>
  withModal({ inputPlane: true }, async (modal, client) => {
    await client.login();
    const { handleMetadata } = await client.look("app", "Counter");
    assert(modal.inputPlaneUrl);
    assertEquals(modal.inputPlaneUrl === modal.url, false);
    assertEquals(handleMetadata.methodHandleMetadata.add.inputPlaneUrl, modal.inputPlaneUrl);
  }));

Deno.test("AttemptStart and AttemptAwait run a call on the input plane", () =>
  withModal({ inputPlane: true }, async (modal, client) => {
    const functionId = await client.open();
    const { url, attemptToken } = await attempt(modal, client, functionId);
    const request = { attemptToken, timeoutSecs: 10 };
    const { output } = await client.rpc("attemptAwait", request, { url });
    assertEquals(valueOf(output), 2);
    assertEquals(modal.seen.connections, 2);
    assertEquals(modal.seen.rpcs.functionMap, 0);
  }));

Deno.test("AttemptAwait is empty after its timeout", () =>
  withModal({ inputPlane: true }, async (modal, client) => {
    const functionId = await client.open();
    modal.faults.calls({ kind: "hang" });
    const { url, attemptToken } = await attempt(modal, client, functionId);
    const answer = await client.rpc("attemptAwait", { attemptToken, timeoutSecs: 0.01 }, { url });
    assertEquals(answer.output, undefined);
  }));

Deno.test("AttemptRetry runs the input again under a new token", () =>
  withModal({ inputPlane: true }, async (modal, client) => {
    const functionId = await client.open();
    modal.faults.calls({ kind: "internalFailure" });
    const first = await attempt(modal, client, functionId);
    const { url, input } = first;
    const wait = async (attemptToken: string) =>
      (await client.rpc("attemptAwait", { attemptToken, timeoutSecs: 10 }, { url })).output;
    const failed = await wait(first.attemptToken);
    assertEquals(failed.result.status, RESULT_STATUS.internalFailure);
    const retry = { functionId, input, attemptToken: first.attemptToken };
    const { attemptToken } = await client.rpc("attemptRetry", retry, { url });
    assertEquals(attemptToken === first.attemptToken, false);
    assertEquals(valueOf(await wait(attemptToken)), 2);
    const again = () => client.rpc("attemptRetry", { ...retry, attemptToken }, { url });
    assertEquals((await assertRejects(again, StatusError)).code, GRPC_STATUS.failedPrecondition);
  }));

Deno.test("the input plane wants the same login, and answers no other RPC", () =>
  withModal({ inputPlane: true }, async (modal, client) => {
    const functionId = await client.open();
    const url = modal.inputPlaneUrl ?? "";
    const look = () => client.rpc("functionGet", { appName: "app" }, { url });
    assertEquals((await assertRejects(look, StatusError)).code, GRPC_STATUS.unimplemented);
    client.metadata = { ...client.metadata, "x-modal-auth-token": "x" };
    const start = () => attempt(modal, client, functionId);
    assertEquals((await assertRejects(start, StatusError)).code, GRPC_STATUS.unauthenticated);
  }));
