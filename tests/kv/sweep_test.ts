import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { sessionKey, type SessionRecord } from "../../kv/keys.ts";
import { streamPlacesKey } from "../../kv/ration_keys.ts";
import { sweepWearer } from "../../kv/sweep.ts";
import { retentionKey } from "../../kv/retention_keys.ts";
import { MAX_SEGMENT_MS as MAX_SWEPT_SEGMENT_MS } from "../../kv/_past.ts";
import { MAX_SEGMENT_MS } from "../../timeline/segments.ts";
import { FaultyKv } from "../faults/_faulty_kv.ts";
import { DAY_MS } from "./_sessions.ts";
import { entriesOf, NOW_MS, openSweeping, type Told } from "./_sweeping.ts";
import { withKv } from "./_temp_kv.ts";

const HOUR_S = 3600;

/** The newest moment that a record is of; read off all records, in whatever order they lie. */
// deno-lint-ignore no-explicit-any
function momentOf({ key, value }: { key: Deno.KvKey; value: any }, ends: Map<unknown, number>) {
  switch (key[2]) {
    case "chunk":
      return value.recordedAtMs;
    case "segment":
    case "segment_tail":
      return value.endedAtMs;
    case "segment_change":
      return value.startedAtMs + MAX_SEGMENT_MS;
    case "search":
      return value.endMs;
    case "session":
    case "session_start":
      return ends.get(key.at(-1));
    default:
      throw new Error(`What is ${String(key[2])}?`);
  }
}

function keysOf(entries: readonly Deno.KvEntry<unknown>[]): string[] {
  return entries.map(({ key }) => key.map(String).join("/"));
}

Deno.test("a sweep deletes exactly what is past, whatever the books hold, and search with it [A13]", () => {
  const told = fc.record({
    daysAgo: fc.double({ min: 0.5, max: 40, noNaN: true }),
    gapsS: fc.array(fc.integer({ min: 1, max: 3 * HOUR_S }), { maxLength: 8 }),
    isLive: fc.boolean(),
  });
  return fc.assert(
    fc.asyncProperty(
      fc.array(told, { maxLength: 6 }),
      fc.integer({ min: 1, max: 39 }),
      (many, days) =>
        withKv(async (kv) => {
          const books = openSweeping(kv);
          const sessions = many.map(({ daysAgo, gapsS, isLive }, at): Told => {
            let atS = 0;
            return { id: `s${at}`, daysAgo, isLive, seenAtS: gapsS.map((gapS) => atS += gapS) };
          });
          // About in the order of their commits, as streams write them.
          const inOrder = sessions.toSorted((one, other) => other.daysAgo - one.daysAgo);
          for (const session of inOrder) await books.tell(session);
          await books.tell({ id: "bobs", wearer: "bob", daysAgo: 40, seenAtS: [1], isLive: false });
          const ends = new Map(sessions.map(({ id, daysAgo, seenAtS }) => {
            const startedAtMs = NOW_MS - Math.round(daysAgo * DAY_MS);
            return [id, seenAtS.length ? startedAtMs + (seenAtS.at(-1)! + 1) * 1000 : startedAtMs];
          }));
          const bobs = await entriesOf(kv, "bob");
          const before = await entriesOf(kv);
          const cutoffMs = NOW_MS - days * DAY_MS;
          const stays = before.filter((entry) => momentOf(entry, ends)! > cutoffMs);
          await books.retention.set("ann", days);
          const outcome = await books.sweep();
          assertEquals(keysOf(await entriesOf(kv)), keysOf(stays));
          assertEquals(await entriesOf(kv, "bob"), bobs);
          if (outcome.kind !== "swept") {
            return assertEquals([outcome.kind, before], ["nothing", []]);
          }
          const { counts, leftOlder, atMs } = outcome.facts;
          const deleted = Object.values(counts).reduce((sum, count) => sum + count, 0);
          assertEquals([deleted, leftOlder, atMs], [before.length - stays.length, 0, NOW_MS]);
          const captions = stays.flatMap(({ key, value }) =>
            // deno-lint-ignore no-explicit-any
            key[2] === "chunk" ? [(value as any).outcome.caption] : []
          );
          assertEquals(await books.hits("saw"), captions.sort());
          assertEquals((await books.retention.get("ann")).lastSweep, outcome.facts);
        }),
    ),
    { numRuns: 60 },
  );
});

Deno.test("a sweep goes by the wearer's own time, 0 is for good, null is the default again [A13]", () =>
  withKv(async (kv) => {
    const books = openSweeping(kv, 30);
    const keep = async (wearer: string, days: number | null) => {
      await books.retention.set(wearer, 0);
      await books.tell({ id: wearer, wearer, daysAgo: 40, seenAtS: [1], isLive: false });
      await books.retention.set(wearer, days);
      const outcome = await books.sweep(wearer);
      return outcome.kind === "swept" && Object.keys(outcome.facts.counts).length > 0;
    };
    assertEquals(await keep("good", 0), false);
    assertEquals(await keep("long", 41), false);
    assertEquals(await keep("short", 39), true);
    assertEquals(await keep("default", null), true);
  }));

Deno.test("a sweep leaves what is live, and what its client may still come back to [A13]", () =>
  withKv(async (kv) => {
    const books = openSweeping(kv, 1);
    await books.retention.set("ann", 0);
    for (const id of ["open", "over"]) {
      await books.tell({ id, daysAgo: 3, seenAtS: [1], isLive: true });
    }
    // Its phone has been in a drawer.
    const waits = { secretHash: "x", untilMs: NOW_MS + 1 };
    const key = sessionKey("ann", "waits");
    await books.tell({ id: "waits", daysAgo: 3, seenAtS: [1], isLive: true });
    const { value } = await kv.get<SessionRecord>(key);
    await kv.set(key, { ...value, status: "interrupted", endedAtMs: 1, resume: waits });
    await books.retention.set("ann", 1);
    const place = { streamId: "open", leaseId: "x", untilMs: NOW_MS + 1 };
    await kv.set(streamPlacesKey("ann"), { version: 1, expiresAtMs: NOW_MS, places: [place] });
    await books.sweep();
    const sessions = await entriesOf(kv);
    const left = sessions.filter(({ key }) => String(key[2]).startsWith("session"));
    assertEquals(left.map(({ key }) => key.at(-1)), ["open", "waits", "open", "waits"]);
  }));

Deno.test("a sweep that dies midway is gone on with by another, and its counts are exact [A13]", () =>
  withKv(async (real) => {
    const faulty = new FaultyKv(real);
    const books = openSweeping(faulty.kv);
    const seenAtS = Array.from({ length: 150 }, (_, at) => at);
    await books.tell({ id: "s", daysAgo: 9, seenAtS, isLive: false });
    await books.retention.set("ann", 5);
    const before = await entriesOf(real);
    let commits = 0;
    faulty.afterCommit = () => {
      if (++commits === 2) throw new Error("killed");
      return Promise.resolve();
    };
    const died = await books.sweep("ann", "first").then(() => null, (error) => error.message);
    assertEquals(died, "killed");
    faulty.afterCommit = () => Promise.resolve();
    const midway = await entriesOf(real);
    assert(midway.length > 0 && midway.length < before.length, "some are gone");
    assertEquals(await books.sweep("ann", "second"), { kind: "taken" });
    await books.clock.tickAsync(60_001);
    const outcome = await books.sweep("ann", "second");
    assert(outcome.kind === "swept");
    const sum = Object.values(outcome.facts.counts).reduce((one, other) => one + other, 0);
    assertEquals([sum, await entriesOf(real)], [before.length, []]);
    assertEquals(outcome.facts.counts.chunk, 150);
  }));

Deno.test("a sweep passes over what was changed under it, and over a wearer who is gone [A13]", () =>
  withKv(async (kv) => {
    const books = openSweeping(kv);
    assertEquals(await books.sweep("nobody"), { kind: "nothing" });
    await books.retention.set("ann", 5);
    assertEquals(await books.sweep(), { kind: "nothing" });
    assertEquals((await kv.get(retentionKey("nobody"))).value, null);
    await books.tell({ id: "s", daysAgo: 9, seenAtS: [1, 2], isLive: false });
    const changing = new Proxy(kv, {
      get(target, name) {
        const member = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        if (name !== "list") return member.bind(target);
        return async function* (...asked: Parameters<Deno.Kv["list"]>) {
          for await (const entry of target.list(...asked)) {
            const isOpen = entry.key[2] === "search";
            const value = entry.value as { readonly endMs: number };
            // The session goes on as the sweep reads.
            if (isOpen && value.endMs < NOW_MS) {
              await kv.set(entry.key, { ...value, endMs: NOW_MS });
            }
            yield entry;
          }
        };
      },
    });
    const { clock } = books;
    const outcome = await sweepWearer(
      { kv: changing, clock, sweeperId: "me", retentionDays: 0 },
      "ann",
    );
    assert(outcome.kind === "swept");
    assertEquals([outcome.facts.counts.search, outcome.facts.leftOlder], [undefined, 0]);
    assertEquals((await entriesOf(kv)).map(({ key }) => key[2]), ["search"]);
  }));

Deno.test("a sweep knows how long a segment may be [A13]", () => {
  assertEquals(MAX_SWEPT_SEGMENT_MS, MAX_SEGMENT_MS);
});
