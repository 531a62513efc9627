import { assert, assertEquals } from "@std/assert";
import { claimErasure } from "../../kv/erasing.ts";
import { fencedKv } from "../../kv/fenced_kv.ts";
import { wearerPrefix } from "../../kv/keys.ts";
import { messagePrefix, outboxPrefix } from "../../kv/outbox_keys.ts";
import { sweepWearer } from "../../kv/sweep.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { createBench, keysIn, REFUSED, WEARER } from "./_outbox.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

Deno.test("an erasure leaves no message, and nothing that says that there was one [A12, O6]", () =>
  withKv(async (kv) => {
    const { outbox, clock, once, add } = createBench(fencedKv(kv));
    once.outcomes = [REFUSED];
    for (const wearer of [WEARER, "bob"]) await add({ wearer });
    await outbox.sweep();
    const claimed = await claimErasure({ kv, clock, workerId: "w" }, WEARER, true);
    assert(claimed.kind === "claimed");
    clock.tick(10_000);
    await outbox.sweep();
    while (await claimed.erasing.erase()) { /* until nothing is left */ }
    await claimed.erasing.finish();
    assertEquals(await keysIn(kv, wearerPrefix(WEARER)), []);
    assertEquals(await keysIn(kv, outboxPrefix()), [["outbox", "bob"]]);
    await outbox.close();
  }));

Deno.test("a sweep deletes messages that are over, and none that waits [A13, O1]", () =>
  withKv(async (kv) => {
    const { outbox, clock, once, add, get } = createBench(kv);
    await add();
    await outbox.sweep();
    clock.tick(3 * DAY_MS);
    once.outcomes = [REFUSED];
    const waiting = await add({ goodForMs: 9 * DAY_MS });
    await outbox.sweep();
    const sweep = { kv, clock, sweeperId: "s", retentionDays: 2 };
    await clock.tickUntil(sweepWearer(sweep, WEARER), 1);
    assertEquals((await keysIn(kv, messagePrefix(WEARER))).map((key) => key.at(-1)), [waiting]);
    clock.tick(3 * DAY_MS);
    await outbox.quiet();
    await clock.tickUntil(sweepWearer(sweep, WEARER), 1);
    await outbox.quiet();
    assertEquals((await get(waiting)).state.kind, "queued");
    await outbox.close();
  }));
