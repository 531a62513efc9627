import { assert, assertEquals } from "@std/assert";
import { writeDay } from "../../bench/_day_books.ts";
import { findThings, readChunks, readExport, readTimeline } from "../../bench/_day_reading.ts";
import { scriptOf } from "../../bench/_day_script.ts";
import { withForesight } from "../_foresight.ts";
import { withKvPath } from "../kv/_temp_kv.ts";

const CHUNKS = 2000;

Deno.test("a day is loaded, listed, found and exported, all of it and once [T1, T2, T3, A11]", () =>
  withKvPath(async (path) => {
    const kv = await Deno.openKv(path);
    const script = scriptOf(CHUNKS);
    const { captionCount, segmentCount, sessions, sightings } = script;
    assert(sessions.length > 3 && segmentCount > 30, "a day worth the name");
    assert(captionCount < CHUNKS, "some chunks fail");
    assert([...sightings.values()].every((seen) => seen.length >= 3));
    await writeDay(kv, script);
    await withForesight({}, async ({ fetch }) => {
      for (const order of ["newest", "oldest"] as const) {
        const { items, chunks } = await readTimeline(fetch, order);
        assertEquals({ items, chunks }, { items: segmentCount, chunks: captionCount });
      }
      assertEquals((await readChunks(fetch, script)).items, CHUNKS);
      assertEquals((await findThings(fetch, script)).length, sightings.size);
      const { counts, lines } = await readExport(fetch);
      assertEquals(lines, Object.values(counts).reduce((sum, count) => sum + count) + 1);
      const { search, ...others } = counts;
      assert(search! >= sessions.length);
      assertEquals(others, {
        chunk: CHUNKS,
        segment: segmentCount,
        segment_change: segmentCount,
        segment_tail: sessions.length,
        session: sessions.length,
        session_start: sessions.length,
      });
    }, { kv });
    kv.close();
  }));
