import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { chunkPrefix, type ChunkRecord } from "../../kv/keys.ts";
import type { SessionWriter } from "../../kv/session_writer.ts";
import { saysTheSame } from "../../timeline/_same.ts";
import { MAX_GAP_MS } from "../../timeline/segments.ts";
import { claim, type Fate, faultyKv, resumable, SECRET } from "../kv/_sessions.ts";
import { withKv } from "../kv/_temp_kv.ts";
import {
  segmentChangePrefix,
  type SegmentChangeRecord,
  type SegmentRecord,
} from "../../kv/timeline_keys.ts";
import { createTimelineStore, NOON_MS, second, segmentsIn } from "./_timeline.ts";

/** What happens to a session, one after another. */
const STEP = fc.oneof(
  { weight: 6, arbitrary: fc.record({ says: fc.constantFrom("A dog.", "a dog", "A cat.", null) }) },
  { weight: 1, arbitrary: fc.constant("resumes" as const) },
  { weight: 1, arbitrary: fc.constant("pauses" as const) },
);
const FATE = fc.constantFrom<Fate>("answers", "answers", "refused", "answer_lost");

/** Lives through the steps on a KV that fails as told; a write is tried until it is heard of. */
async function live(kv: Deno.Kv, steps: readonly unknown[], fates: readonly Fate[]): Promise<void> {
  const left = [...fates];
  const { store } = createTimelineStore(faultyKv(kv, () => left.shift() ?? "answers"));
  const session = { ...await resumable(NOON_MS * 2), startedAtMs: NOON_MS };
  let writer: SessionWriter = store.begin(session);
  const write = async (...args: Parameters<SessionWriter["write"]>) => {
    for (let attempts = 0; attempts < 100; attempts++) {
      try {
        return assertEquals(await writer.write(...args), "written");
      } catch { /* once more */ }
    }
    throw new Error("never written");
  };
  await write(session);
  let [index, owners, atS] = [0, 0, 0];
  let owner = session.owner;
  for (const step of steps as ("resumes" | "pauses" | { says: string | null })[]) {
    if (step === "pauses") atS += 100;
    else if (step === "resumes") {
      owner = `owner ${++owners}`;
      while (true) {
        // A take-over whose answer is lost is done again by the client, under another name.
        const taken = await store.takeOver(claim(owner, SECRET)).catch(() => null);
        if (taken?.kind === "taken") {
          writer = taken.writer;
          break;
        }
      }
    } else {
      const chunk = { ...second(index, step.says), startS: atS, endS: ++atS };
      await write({ ...session, owner, chunkCount: ++index }, chunk);
    }
  }
}

function captionedIndexes(chunks: readonly ChunkRecord[]): number[] {
  return chunks.flatMap(({ outcome, index }) => outcome.status === "captioned" ? [index] : []);
}

/** The chunks that the segment stands for. */
function indexesOf(segment: SegmentRecord, captioned: readonly number[]): number[] {
  return captioned.filter((index) => index >= segment.firstIndex && index <= segment.lastIndex);
}

Deno.test("segments tile the captioned chunks of a session exactly, whatever happens [T1]", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(STEP, { maxLength: 25 }),
      fc.array(FATE, { maxLength: 40 }),
      (steps, fates) =>
        withKv(async (kv) => {
          await live(kv, steps, fates);
          const prefix = chunkPrefix("ann", "s1");
          const chunks = await Array.fromAsync(kv.list<ChunkRecord>({ prefix }));
          const captioned = captionedIndexes(chunks.map(({ value }) => value));
          const segments = await segmentsIn(kv);
          assertEquals(segments.flatMap((segment) => indexesOf(segment, captioned)), captioned);
          for (const [at, segment] of segments.entries()) {
            assertEquals(segment.chunkCount, indexesOf(segment, captioned).length);
            const [first, last] = [segment.firstIndex, segment.lastIndex].map((index) =>
              chunks[index]!.value
            );
            assertEquals(segment.startedAtMs, NOON_MS + first!.startS * 1000);
            assertEquals(segment.endedAtMs, NOON_MS + last!.endS * 1000);
            const next = segments[at + 1];
            const isApart = !next || next.startedAtMs - segment.endedAtMs > MAX_GAP_MS ||
              !saysTheSame(segment.caption, next.caption);
            assert(isApart, "what belongs together is one");
          }
          await assertOneChangeEach(kv, segments);
        }),
    ),
    { numRuns: 60 },
  ));

async function assertOneChangeEach(kv: Deno.Kv, segments: readonly SegmentRecord[]) {
  const prefix = segmentChangePrefix("ann");
  const changes = await Array.fromAsync(kv.list<SegmentChangeRecord>({ prefix }));
  assertEquals(
    changes.map(({ value }) => value.firstIndex),
    segments.map(({ firstIndex }) => firstIndex),
  );
}
