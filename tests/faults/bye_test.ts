import { assertEquals } from "@std/assert";
import type { Environment } from "../../config.ts";
import type { LocalModal } from "../../modal/local/server.ts";
import { connectSession } from "../routes/_session.ts";
import { frame, withModal } from "../routes/_vision.ts";

/** Sends two frames, the first of which meets the fault, says bye, and hears what became of them. */
async function heardAtBye(
  settings: Environment,
  spoil: (modal: LocalModal) => Promise<void> | void,
  awaited: "failed" | "hung" | "never reached",
): Promise<unknown[]> {
  let results: unknown[] = [];
  await withModal(settings, async ({ url }, modal) => {
    await spoil(modal);
    const client = await connectSession(url);
    client.glasses.send(frame(1));
    if (awaited !== "never reached") await asked(modal);
    client.glasses.send(frame(2));
    await client.heard("ack", (ack) => ack.frame === 2);
    if (awaited !== "hung") await client.heard("notice");
    client.say({ type: "bye" });
    assertEquals((await client.glasses.ended).code, 1000);
    results = client.of("result").map((result) => [
      result.frame,
      result.caption ?? String(result.inference_error).slice(0, 12),
    ]);
  });
  return results;
}

async function asked(modal: LocalModal): Promise<void> {
  while (modal.seen.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

Deno.test("bye while the stream stays away from the model: the rest is described [S6]", async () => {
  const hang = (modal: LocalModal) => modal.faults.calls({ kind: "hang" });
  const results = await heardAtBye({ VISION_INFERENCE_TIMEOUT_SECONDS: "0.2" }, hang, "failed");
  assertEquals(results, [[1, "Modal did no"], [2, "saw 2 after "]]);
});

Deno.test("bye while the model does not answer: what is given up is told [S6]", async () => {
  const hang = (modal: LocalModal) => modal.faults.calls({ kind: "hang" }, { times: 2 });
  const results = await heardAtBye({ VISION_DRAIN_SECONDS: "0.2" }, hang, "hung");
  assertEquals(results, [[1, "The stream e"], [2, "The stream e"]]);
});

Deno.test("bye where the model was never reached: that is told [S6]", async () => {
  const results = await heardAtBye({}, (modal) => modal.stop(), "never reached");
  assertEquals(results.length, 1);
  assertEquals((results[0] as unknown[])[0], 2);
});
