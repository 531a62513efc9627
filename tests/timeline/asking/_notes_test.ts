import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { SegmentRecord } from "../../../kv/timeline_keys.ts";
import { citedIn, notesOn } from "../../../timeline/asking/_notes.ts";

const NOON_MS = Date.UTC(2026, 0, 1, 12);
const MOMENT = { nowMs: NOON_MS, zone: null };

function segment(index: number, caption: string): SegmentRecord {
  const startedAtMs = NOON_MS + index * 1000;
  return {
    version: 1,
    expiresAtMs: null,
    id: `s1.${index}`,
    wearer: "ann",
    session: "s1",
    startedAtMs,
    endedAtMs: startedAtMs + 1000,
    caption,
    chunkCount: 1,
    firstIndex: index,
    lastIndex: index,
  };
}

const bytesIn = (text: string) => new TextEncoder().encode(text).byteLength;

Deno.test("notesOn fits what a class takes, whatever was seen and asked [T9, M9]", () => {
  const text = fc.oneof(
    fc.string({ maxLength: 2_000 }),
    fc.string({ unit: "binary", maxLength: 2_000 }),
    fc.constantFrom("<".repeat(3_000), "\u0000".repeat(3_000), "😀".repeat(900), "\ud800"),
  );
  fc.assert(
    fc.property(fc.array(text, { maxLength: 60 }), text, (captions, question) => {
      const given = captions.map((caption, at) => segment(captions.length - at, caption));
      const { segments, request } = notesOn(question.slice(0, 500), given, MOMENT);
      const { content } = request.messages[0]!;
      assert(bytesIn(content) <= 7_000, `${bytesIn(content)}`);
      assert(content.isWellFormed());
      // The first of what was given, in the order of time.
      const kept = given.slice(0, segments.length).reverse();
      assertEquals(segments, kept);
      assertEquals([...content.matchAll(/^\[(\d+)\] /gm)].length, segments.length);
      assertEquals(content.split("\n<notes>\n").length, 2);
    }),
    { numRuns: 200 },
  );
});

Deno.test("notesOn leaves out the least promising, and cuts captions that are long", () => {
  const long = Array.from({ length: 60 }, (_, at) => segment(60 - at, `${at} ${"é".repeat(400)}`));
  const { segments, request } = notesOn("What?", long, MOMENT);
  assert(segments.length > 15 && segments.length < 25, `${segments.length}`);
  assertEquals(segments.at(-1), long[0]);
  assert(request.messages[0]!.content.includes(`"0 ${"é".repeat(119)}…"`));
});

Deno.test("citedIn gives each once, and none that is not there [T9]", () => {
  const notes = notesOn("What?", [segment(0, "a"), segment(1, "b")], MOMENT);
  const cited = (citations: number[]) =>
    citedIn(notes, { citations, known: true, answer: "x" }).map(({ id }) => id);
  assertEquals(cited([2, 1, 2, 3, 0, 999]), ["s1.1", "s1.0"]);
  assertEquals(cited([]), []);
});
