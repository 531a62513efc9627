import { assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { createWorkerProcess, type WorkerProcess } from "../../../modal/local/worker_process.ts";

const { signal } = new AbortController();

async function withWorker(use: (worker: WorkerProcess) => Promise<void>): Promise<void> {
  const script = new URL("./_line_worker.ts", import.meta.url).pathname;
  const worker = createWorkerProcess({ command: "deno", args: ["run", "--no-prompt", script] });
  try {
    await use(worker);
  } finally {
    await worker.close();
  }
}

Deno.test("WorkerProcess.call sends arguments, bytes as base64, and keeps calls apart", () =>
  withWorker(async (worker) => {
    const calls = Array.from({ length: 20 }, (_, at) => {
      const frames = [new Uint8Array([at, 255]), Buffer.from([at])];
      return worker.call("echo", { frames, at }, signal);
    });
    assertEquals(
      await Promise.all(calls),
      Array.from({ length: 20 }, (_, at) => ({
        frames: [new Uint8Array([at, 255]).toBase64(), new Uint8Array([at]).toBase64()],
        at,
      })),
    );
  }));

Deno.test("WorkerProcess.call raises what the method raised, by its name", () =>
  withWorker(async (worker) => {
    const error = await assertRejects(() => worker.call("raise", {}, signal), Error, "no");
    assertEquals(error.name, "ValueError");
    assertEquals(await worker.call("echo", {}, signal), {});
  }));

Deno.test("WorkerProcess.call tells the process when it is given up", () =>
  withWorker(async (worker) => {
    const leaving = new AbortController();
    await worker.call("echo", {}, signal);
    const call = worker.call("hang", {}, leaving.signal);
    await worker.call("echo", {}, signal); // behind it, so the call has arrived
    leaving.abort();
    await assertRejects(() => call, Error, "given up");
  }));

Deno.test("WorkerProcess fails what runs when its process dies, and starts another for the next", () =>
  withWorker(async (worker) => {
    const call = worker.call("hang", {}, signal);
    const dying = worker.call("die", {}, signal);
    for (const lost of [call, dying]) {
      const error = await assertRejects(() => lost, Error, "ended before it answered");
      assertEquals(error.name, "WorkerDied");
    }
    assertEquals(await worker.call("echo", { again: true }, signal), { again: true });
  }));

Deno.test("WorkerProcess that cannot start says so to every caller", async () => {
  const worker = createWorkerProcess({ command: "deno", args: ["eval", "Deno.exit(1)"] });
  await assertRejects(() => worker.call("echo", {}, signal), Error, "ended before it answered");
  await worker.close();
});
