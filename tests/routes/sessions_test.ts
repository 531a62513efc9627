import { assertEquals } from "@std/assert";
import { withForesight } from "../_foresight.ts";
import { FaultyKv } from "../faults/_faulty_kv.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { NOON_MS } from "../timeline/_timeline.ts";
import { different, list, listAll, seen } from "./_timeline.ts";

Deno.test("sessions are listed by their beginning, and shown one by one, without secrets [T5]", () =>
  withForesight({}, async (foresight) => {
    const resume = { secretHash: "the hash", untilMs: 0 };
    await seen(foresight, different(2), { id: "b", resume });
    await seen(foresight, [], { id: "a", startedAtMs: NOON_MS + 1000 });
    await seen(foresight, [], { id: "c", startedAtMs: NOON_MS - 1000 });
    const { items } = await list(foresight, "/sessions?zone=Asia/Kolkata");
    assertEquals(items.map(({ id }) => id), ["a", "b", "c"]);
    const one = await list(foresight, "/sessions/b?zone=Asia/Kolkata");
    assertEquals(one, { status: 200, ...items[1] });
    assertEquals(items[1], {
      id: "b",
      status: "live",
      started_at: "2026-01-01T12:00:00.000Z",
      started_at_local: "2026-01-01T17:30:00.000+05:30",
      last_frame_at: null,
      last_frame_at_local: null,
      ended_at: null,
      ended_at_local: null,
      close_code: null,
      close_reason: null,
      prompt: "look",
      frames: 0,
      bytes: 0,
      chunks: 2,
      captions: 0,
      errors: 0,
      model_app: "app",
      model_class: "Class",
    });
    const paged = await listAll(foresight, "/sessions?limit=1&order=oldest");
    assertEquals(paged.map(({ id }) => id), ["c", "b", "a"]);
    const range = `from=${NOON_MS}&to=${NOON_MS + 1000}`;
    const ranged = await list(foresight, `/sessions?${range}`);
    assertEquals(ranged.items.map(({ id }) => id), ["b"]);
  }));

Deno.test("sessions show their chunks, those that failed too [T5]", () =>
  withForesight({}, async (foresight) => {
    await seen(foresight, ["saw 0", null, "saw 2"]);
    const { items } = await list(foresight, "/sessions/s1/chunks?order=oldest");
    assertEquals(
      items.map(({ index, caption, inference_error, started_at }) => [
        index,
        caption ?? null,
        inference_error ?? null,
        started_at,
      ]),
      [
        [0, "saw 0", null, "2026-01-01T12:00:00.000Z"],
        [1, null, "no answer", "2026-01-01T12:00:01.000Z"],
        [2, "saw 2", null, "2026-01-01T12:00:02.000Z"],
      ],
    );
    const newest = await listAll(foresight, "/sessions/s1/chunks?limit=2");
    assertEquals(newest.map(({ index }) => index), [2, 1, 0]);
  }));

Deno.test("a session that is unknown is not found, whatever its name [T5, T8]", () =>
  withForesight({}, async (foresight) => {
    for (const id of ["none", "%2e%2e%2e", "a%2Fb", "%00", "x".repeat(3000), "%F0%9F%90%B6"]) {
      for (const path of [`/sessions/${id}`, `/sessions/${id}/chunks`]) {
        assertEquals((await list(foresight, path)).status, 404, path.slice(0, 50));
      }
    }
    const refused = await list(foresight, "/sessions/none?zone=Mars");
    assertEquals([refused.status, refused.detail?.slice(0, 12)], [422, "zone must be"]);
  }));

Deno.test("records that KV does not give are asked for again later [T2, T5]", () =>
  withKv(async (real) => {
    const faulty = new FaultyKv(real);
    await withForesight({}, async (foresight) => {
      for (const path of ["/timeline", "/sessions", "/sessions/s1", "/sessions/s1/chunks"]) {
        faulty.failReads(1);
        const response = await foresight.fetch(path);
        await response.body?.cancel();
        assertEquals([response.status, response.headers.get("retry-after")], [503, "1"], path);
      }
    }, { kv: faulty.kv });
  }));
