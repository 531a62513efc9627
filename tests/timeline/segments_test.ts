import { assertEquals } from "@std/assert";
import { chunkKey } from "../../kv/keys.ts";
import { MAX_GAP_MS, MAX_SEGMENT_MS } from "../../timeline/segments.ts";
import { DAY_MS } from "../kv/_sessions.ts";
import { withKv } from "../kv/_temp_kv.ts";
import {
  segmentChangePrefix,
  type SegmentChangeRecord,
  segmentKey,
  segmentTailKey,
} from "../../kv/timeline_keys.ts";
import { createTimelineStore, noon, NOON_MS, second, segmentsIn, tell } from "./_timeline.ts";

Deno.test("segments join captions that say the same, with their time and chunks [T1]", () =>
  withKv(async (kv) => {
    await tell(kv, ["A dog.", "a dog", "A cat.", "A dog."]);
    const common = { wearer: "ann", session: "s1" };
    const facts = (await segmentsIn(kv)).map(({ version: _, expiresAtMs: __, ...rest }) => rest);
    assertEquals(facts, [
      {
        ...common,
        id: "s1.0",
        startedAtMs: NOON_MS,
        endedAtMs: NOON_MS + 2000,
        caption: "A dog.",
        chunkCount: 2,
        firstIndex: 0,
        lastIndex: 1,
      },
      {
        ...common,
        id: "s1.2",
        startedAtMs: NOON_MS + 2000,
        endedAtMs: NOON_MS + 3000,
        caption: "A cat.",
        chunkCount: 1,
        firstIndex: 2,
        lastIndex: 2,
      },
      {
        ...common,
        id: "s1.3",
        startedAtMs: NOON_MS + 3000,
        endedAtMs: NOON_MS + 4000,
        caption: "A dog.",
        chunkCount: 1,
        firstIndex: 3,
        lastIndex: 3,
      },
    ]);
  }));

Deno.test("segments are made of what was said: failures and silence neither count nor part [T1]", () =>
  withKv(async (kv) => {
    await tell(kv, [null, "A dog.", null, "  ", "A dog.", null]);
    const made = await segmentsIn(kv);
    assertEquals(
      made.map(({ firstIndex, lastIndex, chunkCount }) => [
        firstIndex,
        lastIndex,
        chunkCount,
      ]),
      [[1, 4, 2]],
    );
  }));

Deno.test("segments end with a long gap, and before they are too long [T1]", () =>
  withKv(async (kv) => {
    const { store } = createTimelineStore(kv);
    const writer = store.begin(noon);
    const gapS = MAX_GAP_MS / 1000;
    const longS = MAX_SEGMENT_MS / 1000;
    const spans = [[0, 1], [1 + gapS, 40], [41 + gapS, 80], [80, 41 + gapS + longS], [4000, 4001]];
    for (const [index, [startS, endS]] of spans.entries()) {
      const chunk = { ...second(index, "A dog."), startS: startS!, endS: endS! };
      await writer.write({ ...noon, chunkCount: index + 1 }, chunk);
    }
    const made = await segmentsIn(kv);
    assertEquals(made.map(({ firstIndex, lastIndex }) => [firstIndex, lastIndex]), [
      [0, 1],
      [2, 3],
      [4, 4],
    ]);
  }));

Deno.test("segments compare with their first caption, so none drifts into another [T1]", () =>
  withKv(async (kv) => {
    const words = "one two three four five six seven eight nine ten eleven twelve thirteen".split(
      " ",
    );
    const drift = (changed: number) =>
      words.map((word, at) => at < changed ? `${word}x` : word).join(" ");
    await tell(kv, [0, 1, 2, 3].map(drift));
    assertEquals((await segmentsIn(kv)).map(({ chunkCount }) => chunkCount), [2, 2]);
  }));

Deno.test("segments come into the books in the commit of their chunk, and leave with it [T1]", () =>
  withKv(async (kv) => {
    const { store, clock } = createTimelineStore(kv);
    await store.begin(noon).write(noon, second(0, "A dog."));
    const [segment] = await segmentsIn(kv);
    const prefix = segmentChangePrefix("ann");
    const [change] = await Array.fromAsync(kv.list<SegmentChangeRecord>({ prefix }));
    const found = await kv.getMany([
      chunkKey("ann", "s1", 0),
      segmentKey("ann", segment!),
      segmentTailKey("ann", "s1"),
      change!.key,
    ]);
    const [{ versionstamp }] = found;
    assertEquals(found.map((entry) => entry.versionstamp), found.map(() => versionstamp));
    assertEquals(change!.key.at(-1), versionstamp);
    const expiries = found.map(({ value }) => (value as { expiresAtMs: number }).expiresAtMs);
    assertEquals(expiries, found.map(() => clock.epochMs() + 30 * DAY_MS));
  }));

Deno.test("a segment that is too old is not extended [T1]", () =>
  withKv(async (kv) => {
    const { store, clock } = createTimelineStore(kv, 1);
    const writer = store.begin(noon);
    await writer.write(noon, second(0, "A dog."));
    clock.setEpochMs(NOON_MS + DAY_MS);
    await writer.write(noon, second(1, "A dog."));
    assertEquals((await segmentsIn(kv)).map(({ firstIndex }) => firstIndex), [0, 1]);
  }));
