import { assertEquals } from "@std/assert";
import { counter, withModal } from "./_fixture.ts";
import type { SdkJob, SdkOutcome } from "./_sdk_client.ts";
import type { LocalMethod } from "../../../modal/local/classes.ts";

const LARGE_BYTES = 3 * 1024 * 1024;

const size: LocalMethod = {
  parameters: ["data"],
  call: ({ data }) => (data as Uint8Array).byteLength,
};
const text: LocalMethod = {
  parameters: ["length"],
  call: ({ length }) => "x".repeat(Number(length)),
};
const fails: LocalMethod = {
  parameters: [],
  call() {
    throw new RangeError("no frames");
  },
};
const classes = [counter({ size, text, fails }, { environment: "dev" })];

/** Runs jobs in one process with the real SDK and its own channel; answers what came of each. */
async function runSdk(url: string, jobs: Partial<SdkJob>[]): Promise<SdkOutcome[]> {
  const defaults: SdkJob = {
    app: "app",
    className: "Counter",
    method: "add",
    environment: "dev",
    args: [],
    kwargs: {},
    paddingBytes: 0,
  };
  const script = new URL("./_sdk_client.ts", import.meta.url).pathname;
  const { stdout, stderr, success } = await new Deno.Command("deno", {
    args: [
      "run",
      "--no-prompt",
      "--allow-net=127.0.0.1,localhost",
      "--allow-env=MODAL_SERVER_URL",
      "--ignore-env",
      script,
      JSON.stringify(jobs.map((job) => ({ ...defaults, ...job }))),
    ],
    env: { MODAL_SERVER_URL: url },
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr));
  return JSON.parse(decoder.decode(stdout));
}

for (const inputPlane of [false, true]) {
  const plane = inputPlane ? "input plane" : "control plane";
  Deno.test(`the SDK's own channel is served by the ${plane}`, () =>
    withModal({ classes, inputPlane }, async (modal) => {
      modal.faults.calls({ kind: "internalFailure" }, { method: "add", times: 2 });
      const outcomes = await runSdk(modal.url, [
        { args: [40, 2] },
        { kwargs: { a: 1 } },
        { method: "size", paddingBytes: LARGE_BYTES },
        { method: "text", args: [LARGE_BYTES] },
        { method: "fails" },
        { kwargs: { history: [] } },
        { className: "Other" },
      ]);
      const [sum, defaulted, bytes, long, failed, unbound, missing] = outcomes;
      assertEquals(sum, { kind: "value", value: 42 });
      assertEquals(defaulted, { kind: "value", value: 2 });
      assertEquals(bytes, { kind: "value", value: LARGE_BYTES });
      assertEquals(long?.kind === "value" && String(long.value).length, LARGE_BYTES);
      assertEquals(failed, {
        kind: "error",
        name: "RemoteError",
        message: "Remote error: RangeError('no frames')",
      });
      assertEquals(unbound, {
        kind: "error",
        name: "RemoteError",
        message:
          `Remote error: TypeError("Counter.add() got an unexpected keyword argument 'history'")`,
      });
      assertEquals(missing?.kind === "error" && missing.name, "NotFoundError");
      assertEquals(modal.seen.rpcs[inputPlane ? "attemptRetry" : "functionRetryInputs"], 2);
      assertEquals(modal.seen.rpcs.blobCreate, 1);
      assertEquals(modal.seen.rpcs.blobGet, 1);
      assertEquals(modal.seen.blobs, 0);
    }));
}
