import { assert, assertEquals, assertRejects } from "@std/assert";
import { systemClock } from "../../clock.ts";
import { connectGlasses } from "../../dev/glasses.ts";
import { DEFAULT_WEARER } from "../../kv/keys.ts";
import { callBudgetKey, type CallBudgetRecord } from "../../kv/ration_keys.ts";
import { MAGIC_WORD, type TestForesight, withForesight } from "../_foresight.ts";
import { frame, withModal } from "./_vision.ts";

/** The settings that are there when nobody sets any. */
const DEFAULTS = { BUDGET_STREAMS: undefined };

const connect = ({ url }: TestForesight) => connectGlasses(url, { magicWord: MAGIC_WORD });

/** Connects as soon as there is a place: that of a stream comes free soon after its end. */
async function connectSoon(foresight: TestForesight) {
  const endsAtMs = systemClock.monotonicMs() + 5_000;
  for (;;) {
    try {
      return await connect(foresight);
    } catch (error) {
      if (systemClock.monotonicMs() > endsAtMs) throw error;
      await new Promise((done) => setTimeout(done, 10));
    }
  }
}

Deno.test("vision stream acks on and says once that the budget is used up [V2]", () =>
  withModal({ BUDGET_CALLS_PER_MINUTE: "2" }, async (foresight, modal) => {
    const glasses = await connect(foresight);
    for (let at = 1; at <= 2; at++) {
      glasses.send(frame(at));
      await glasses.heard((ack) => String(ack.caption).startsWith(`saw ${at} `));
    }
    glasses.send(frame(3));
    const told = await glasses.heard((ack) => "inference_error" in ack);
    const text = /^The budget of calls per minute is used up: it goes on in 6[0-2] s$/;
    assert(text.test(String(told.inference_error)), String(told.inference_error));
    for (let at = 4; at <= 30; at++) glasses.send(frame(at));
    await glasses.heard((ack) => ack.frame === 30);
    // Another stream of the same wearer shares the budget.
    const other = await connect(foresight);
    other.send(frame(9));
    await other.heard((ack) => "inference_error" in ack);
    await glasses.leave();
    await other.leave();
    assertEquals(glasses.acks.filter((ack) => "inference_error" in ack).length, 1);
    assertEquals(modal.seen.callCount, 2);
  }));

Deno.test("vision stream books its calls and what they cost by the time the process ends", async () => {
  const kv = await Deno.openKv(":memory:");
  await withModal({}, async (foresight) => {
    const glasses = await connect(foresight);
    for (let at = 1; at <= 3; at++) {
      glasses.send(frame(at));
      await glasses.heard((ack) => String(ack.caption).startsWith(`saw ${at} `));
    }
    await glasses.leave();
  }, { kv });
  const { value } = await kv.get<CallBudgetRecord>(callBudgetKey(DEFAULT_WEARER));
  const sum = (at: 1 | 2) => value!.quarters.reduce((all, tally) => all + tally[at], 0);
  assertEquals([sum(1), Math.round(sum(2) * 1000), value!.lots], [3, 15, []]);
  kv.close();
});

Deno.test("vision stream has room for four at once, and says when to come back", () =>
  withForesight(DEFAULTS, async (foresight) => {
    const all = [];
    for (let at = 0; at < 4; at++) all.push(await connect(foresight));
    await assertRejects(() => connect(foresight));
    const refused = await foresight.fetch("/vision/stream", { headers: { upgrade: "websocket" } });
    const seconds = Number(refused.headers.get("retry-after"));
    assert(refused.status === 429 && seconds > 0 && seconds <= 30, `${refused.status} ${seconds}`);
    assertEquals(await refused.json(), { detail: "At most 4 streams may be open at once" });
    await all.pop()!.leave();
    all.push(await connectSoon(foresight));
    await Promise.all(all.map((glasses) => glasses.leave()));
  }));

Deno.test("vision stream frees its place when it ends, and when it never begins", () =>
  withForesight({ BUDGET_STREAMS: "1" }, async (foresight) => {
    const broken = await foresight.fetch("/vision/stream", { headers: { upgrade: "websocket" } });
    assertEquals(broken.status, 400);
    await broken.body?.cancel();
    for (let at = 0; at < 3; at++) {
      const glasses = await connectSoon(foresight);
      await assertRejects(() => connect(foresight));
      await glasses.leave();
    }
  }));

Deno.test("vision stream is let in when KV cannot say how many there are", async () => {
  const kv = await Deno.openKv(":memory:");
  kv.close();
  await withForesight(DEFAULTS, async (foresight) => {
    const glasses = await connect(foresight);
    glasses.send(frame(1));
    await glasses.heard((ack) => ack.frame === 1);
    await glasses.leave();
    assert(foresight.logged.some(({ event }) => event === "kv.stream_place_failed"));
  }, { kv });
});
