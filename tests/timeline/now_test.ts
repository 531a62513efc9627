import { assertEquals } from "@std/assert";
import type { LiveSession } from "../../kv/keys.ts";
import type { StreamPlacesRecord } from "../../kv/ration_keys.ts";
import { streamPlacesKey } from "../../kv/ration_keys.ts";
import { lookNow } from "../../timeline/now.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { noon, NOON_MS, tell } from "./_timeline.ts";

const LATER_MS = NOON_MS + 3_600_000;

/** Says that the session's stream has a place until then. */
async function hold(kv: Deno.Kv, streamId: string, untilMs: number): Promise<void> {
  const places = [{ streamId, leaseId: "l", untilMs }];
  const record: StreamPlacesRecord = { version: 1, expiresAtMs: untilMs, places };
  await kv.set(streamPlacesKey("ann"), record);
}

async function ids(kv: Deno.Kv, nowMs: number, wearer = "ann") {
  const { streams } = await lookNow({ kv, clock: createFakeClock(nowMs) }, wearer, 5);
  return streams.map(({ id }) => id);
}

Deno.test("lookNow knows a stream by its place, or by a frame of the last minute [C3]", () =>
  withKv(async (kv) => {
    const frameAt = (lastFrameAtMs: number | null): LiveSession => ({ ...noon, lastFrameAtMs });
    await tell(kv, [null], frameAt(LATER_MS - 59_999));
    assertEquals(await ids(kv, LATER_MS), ["s1"]);
    assertEquals(await ids(kv, LATER_MS + 1), [], "its process may have died");
    await hold(kv, "s1", LATER_MS + 10);
    assertEquals(await ids(kv, LATER_MS + 9), ["s1"], "nothing new to be seen");
    assertEquals(await ids(kv, LATER_MS + 10), []);
    assertEquals(await ids(kv, NOON_MS, "bob"), []);
    await tell(kv, [], { ...frameAt(null), id: "s2", startedAtMs: LATER_MS });
    assertEquals(await ids(kv, LATER_MS + 59_999), ["s2"], "without a frame yet");
    await hold(kv, "gone", LATER_MS + 99_999);
    assertEquals(await ids(kv, LATER_MS + 60_000), []);
  }));

Deno.test("lookNow knows no stream that is over, also if its place is not free yet [C3]", () =>
  withKv(async (kv) => {
    const over = { ...noon, status: "ended", endedAtMs: LATER_MS, closeCode: 1000, reason: "bye" };
    await tell(kv, ["a dog"], { ...over, lastFrameAtMs: LATER_MS } as unknown as LiveSession);
    await hold(kv, "s1", LATER_MS + 10);
    assertEquals(await ids(kv, LATER_MS), []);
  }));

Deno.test("lookNow finds what an old stream still sees before what began later and is over [C3]", () =>
  withKv(async (kv) => {
    await tell(kv, ["x1", "x2", "x3", "x4", "x5"], { ...noon, id: "short" });
    const long = { ...noon, id: "long", startedAtMs: NOON_MS - 60_000 };
    await tell(kv, Array.from({ length: 90 }, () => "a long road"), long);
    await hold(kv, "long", LATER_MS);
    const { segments } = await lookNow({ kv, clock: createFakeClock(NOON_MS + 30_000) }, "ann", 2);
    assertEquals(segments.map(({ caption }) => caption), ["a long road", "x5"]);
  }));
