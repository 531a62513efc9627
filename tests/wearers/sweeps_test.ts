import { assert, assertEquals } from "@std/assert";
import { createCounters } from "../../counters.ts";
import { erasingKey } from "../../kv/erasing_keys.ts";
import { fencedKv } from "../../kv/fenced_kv.ts";
import { createLogger } from "../../log.ts";
import { FIRST_SWEEP_MS, SWEEP_MS, Sweeps } from "../../wearers/sweeps.ts";
import { FaultyKv } from "../faults/_faulty_kv.ts";
import { entriesOf, openSweeping } from "../kv/_sweeping.ts";
import { withKv } from "../kv/_temp_kv.ts";

/** Books with what is past for ann and bob, and the sweeps of one process, by a default of a week. */
async function open(real: Deno.Kv, kv = real) {
  const books = openSweeping(real, 0);
  for (const wearer of ["ann", "bob"]) {
    await books.tell({ id: `old-${wearer}`, wearer, daysAgo: 9, seenAtS: [1, 2], isLive: false });
    await books.tell({ id: `new-${wearer}`, wearer, daysAgo: 1, seenAtS: [1], isLive: false });
  }
  const { clock } = books;
  const lines: Record<string, unknown>[] = [];
  const log = createLogger("debug", (line) => void lines.push(JSON.parse(line)));
  const counters = createCounters();
  const newId = () => "me";
  const sweeps = new Sweeps({ kv: fencedKv(kv), clock, newId, retentionDays: 7, counters, log });
  /** Moves time, and waits for the line that a sweep of all leaves. */
  const after = async (ms: number, swept: number) => {
    await clock.tickAsync(ms);
    while (lines.filter(({ event }) => event === "retention.swept").length < swept) {
      await clock.tickAsync(0);
    }
    return lines.findLast(({ event }) => event === "retention.swept")!;
  };
  return { ...books, sweeps, lines, counters, after };
}

Deno.test("Sweeps soon after the start and then hourly, and logs what was deleted [A13]", () =>
  withKv(async (kv) => {
    const { sweeps, after, tell, clock, lines } = await open(kv);
    sweeps.start();
    await clock.tickAsync(FIRST_SWEEP_MS - 1);
    assertEquals(lines, []);
    const { at: _, took_ms, ...first } = await after(1, 1);
    assertEquals(first, {
      level: "info",
      event: "retention.swept",
      wearers: 2,
      chunk: 4,
      search: 2,
      segment: 4,
      segment_change: 4,
      segment_tail: 2,
      session: 2,
      session_start: 2,
      left_older: 0,
    });
    assertEquals(typeof took_ms, "number");
    await tell({ id: "late", daysAgo: 8, seenAtS: [], isLive: false });
    const second = await after(SWEEP_MS, 2);
    assertEquals([second.wearers, second.session, second.chunk], [2, 1, undefined]);
    await sweeps.close();
    assertEquals(clock.pendingTimers, 0);
  }));

Deno.test("Sweeps passes over a wearer who is being erased, and tries again where KV refused [A12, A13]", () =>
  withKv(async (real) => {
    const faulty = new FaultyKv(real);
    const { sweeps, counters, lines } = await open(real, faulty.kv);
    await real.set(erasingKey("ann"), {});
    const anns = await entriesOf(real);
    faulty.failCommits({ kind: "refused" }, 1);
    await sweeps.sweep("bob");
    assertEquals([counters.kvFailures, lines.map(({ event }) => event)], [1, ["kv.sweep_failed"]]);
    await sweeps.sweepAll();
    assertEquals(await entriesOf(real), anns);
    assertEquals(lines.at(-1)?.wearers, 1);
    const left = await entriesOf(real, "bob");
    assert(left.length > 0 && !left.some(({ key }) => key.includes("old-bob")));
    assertEquals(counters.kvFailures, 1);
    await sweeps.close();
  }));
