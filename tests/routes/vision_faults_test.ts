import { assert, assertEquals } from "@std/assert";
import { connectGlasses } from "../../dev/glasses.ts";
import { MAGIC_WORD, withForesight } from "../_foresight.ts";
import { frame, withModal } from "./_vision.ts";

Deno.test("vision stream acks while Modal is silent [V2]", () =>
  withModal({}, async (foresight, modal) => {
    modal.faults.rpcs("functionGet", { kind: "hang" });
    const glasses = await connectGlasses(foresight.url, { magicWord: MAGIC_WORD });
    for (let at = 1; at <= 20; at++) glasses.send(frame(at));
    await glasses.heard((ack) => ack.frame === 20);
    await glasses.leave();
  }));

Deno.test("vision stream goes on, counts and logs when KV fails", async () => {
  const kv = await Deno.openKv(":memory:");
  kv.close();
  await withForesight({}, async (foresight) => {
    const glasses = await connectGlasses(foresight.url, { magicWord: MAGIC_WORD });
    glasses.send(frame(1));
    await glasses.heard((ack) => ack.frame === 1);
    await glasses.leave();
    await foresight.streams.drain();
    const health = await (await foresight.fetch("/health")).json();
    assert(health.kv_failures >= 2, JSON.stringify(health));
    assert(foresight.logged.some((line) => line.event === "kv.write_failed"));
  }, { kv });
});

Deno.test("vision stream loses nothing to fifty GOAWAYs and lost connections, idle and mid-call", () =>
  withModal({}, async ({ url }, modal) => {
    const glasses = await connectGlasses(url, { magicWord: MAGIC_WORD });
    for (let turn = 1; turn <= 50; turn++) {
      if (turn % 2) modal.faults.calls({ kind: "delay", delayMs: 5 });
      glasses.send(frame(turn));
      const isMidCall = turn % 2 === 1;
      if (isMidCall) {
        while (modal.seen.callCount < turn) await new Promise((done) => setTimeout(done, 1));
      } else await glasses.heard((ack) => String(ack.caption).startsWith(`saw ${turn} `));
      if (turn % 4 < 2) modal.goaway();
      else modal.killConnections();
      await glasses.heard((ack) => String(ack.caption).startsWith(`saw ${turn} `));
    }
    assertEquals(glasses.acks.filter((ack) => "inference_error" in ack), []);
    await glasses.leave();
  }));

Deno.test("vision stream goes on through a Modal that goes away and comes back [V8]", () =>
  withModal({}, async ({ url }, modal) => {
    const glasses = await connectGlasses(url, { magicWord: MAGIC_WORD });
    glasses.send(frame(1));
    await glasses.heard((ack) => String(ack.caption).startsWith("saw 1 "));
    await modal.stop();
    glasses.send(frame(2));
    const told = await glasses.heard((ack) => "inference_error" in ack);
    assert(String(told.inference_error).startsWith("Modal cannot be reached"));
    await modal.restart();
    glasses.send(frame(3));
    await glasses.heard((ack) => String(ack.caption).startsWith("saw 3 "));
    assertEquals(glasses.acks.filter((ack) => "inference_error" in ack).length, 1);
    await glasses.leave();
  }));

Deno.test("vision streams share INFERENCE_MAX_CONCURRENT fairly, over the whole process [V3]", () =>
  // Without budgets: at a hundred times their pace a stream may wait for KV, and lose its turn.
  withModal({
    INFERENCE_MAX_CONCURRENT: "2",
    BUDGET_CALLS_PER_MINUTE: "0",
    BUDGET_CALLS_PER_DAY: "0",
  }, async ({ url }, modal) => {
    modal.faults.calls({ kind: "delay", delayMs: 5 }, { times: 1000 });
    const wearers = await Promise.all(
      Array.from({ length: 6 }, () => connectGlasses(url, { magicWord: MAGIC_WORD })),
    );
    const feeding = setInterval(() => wearers.forEach((glasses) => glasses.send(frame(1))), 2);
    while (modal.seen.callCount < 60) await new Promise((done) => setTimeout(done, 5));
    clearInterval(feeding);
    const served = Map.groupBy(modal.seen.calls, (call) => call.args.session_id);
    const counts = [...served.values()].map((calls) => calls.length);
    assertEquals([modal.seen.maxConcurrent, served.size], [2, 6]);
    // A stream whose next frame is a little late misses a turn.
    assert(Math.max(...counts) - Math.min(...counts) <= 2, `served ${counts}`);
    await Promise.all(wearers.map((glasses) => glasses.leave()));
  }));
