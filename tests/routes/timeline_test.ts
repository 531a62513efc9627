import { assert, assertEquals } from "@std/assert";
import { MAX_SEGMENT_MS } from "../../timeline/segments.ts";
import { withForesight } from "../_foresight.ts";
import { NOON_MS } from "../timeline/_timeline.ts";
import { different, list, listAll, seen } from "./_timeline.ts";

const captions = (items: { caption: string }[]) => items.map(({ caption }) => caption);
const at = (second: number) => new Date(NOON_MS + second * 1000).toISOString();

Deno.test("timeline lists segments with their times, the newest first or the oldest [T1, T2]", () =>
  withForesight({}, async (foresight) => {
    await seen(foresight, ["A dog.", "a dog", null, "A cat."]);
    const newest = await list(foresight, "/timeline");
    assertEquals(newest, {
      status: 200,
      items: [{
        id: "s1.3",
        session: "s1",
        started_at: "2026-01-01T12:00:03.000Z",
        ended_at: "2026-01-01T12:00:04.000Z",
        caption: "A cat.",
        chunks: 1,
        first_chunk: 3,
        last_chunk: 3,
      }, {
        id: "s1.0",
        session: "s1",
        started_at: "2026-01-01T12:00:00.000Z",
        ended_at: "2026-01-01T12:00:02.000Z",
        caption: "A dog.",
        chunks: 2,
        first_chunk: 0,
        last_chunk: 1,
      }],
      next_cursor: null,
    });
    const oldest = await list(foresight, "/timeline?order=oldest");
    assertEquals(oldest.items, newest.items.toReversed());
  }));

Deno.test("timeline lists what reaches into from and to, across sessions [T2]", () =>
  withForesight({}, async (foresight) => {
    await seen(foresight, different(6));
    await seen(foresight, ["A long one.", "A long one.", "A long one."], {
      id: "s2",
      startedAtMs: NOON_MS + 500,
    });
    const between = async (from: string | number, to: string | number) =>
      captions((await list(foresight, `/timeline?order=oldest&from=${from}&to=${to}`)).items);
    assertEquals(await between(at(2), at(4)), ["A long one.", "saw 2", "saw 3"]);
    assertEquals(await between(NOON_MS + 4000, NOON_MS + 4001), ["saw 4"]);
    assertEquals(await between(at(0), at(1)), ["saw 0", "A long one."]);
    assertEquals(await between(at(100), at(200)), []);
    const local = "2026-01-01T13:00:05&zone=Europe/Berlin";
    assertEquals(await between(local, at(9)), ["saw 5"]);
  }));

Deno.test("timeline finds a segment as long as they get by its end [T2]", () =>
  withForesight({}, async (foresight) => {
    await seen(foresight, Array(MAX_SEGMENT_MS / 1000).fill("A desk."));
    const { items } = await list(foresight, `/timeline?from=${NOON_MS + MAX_SEGMENT_MS - 1}`);
    assertEquals(items.map(({ chunks }) => chunks), [3600]);
  }));

Deno.test("timeline pages are stable while segments come and grow [T2, T3]", () =>
  withForesight({}, async (foresight) => {
    await seen(foresight, different(7));
    for (const order of ["newest", "oldest"]) {
      let later = 0;
      const startedAtMs = order === "newest" ? NOON_MS + 50_000 : NOON_MS - 50_000;
      const path = `/timeline?order=${order}&limit=2`;
      const paged = await listAll(
        foresight,
        path,
        () => seen(foresight, different(++later), { id: `${order} ${later}`, startedAtMs }),
      );
      const expected = different(7);
      if (order === "newest") expected.reverse();
      assertEquals(captions(paged.filter(({ session }) => session === "s1")), expected);
      assertEquals(new Set(paged.map(({ id }) => id)).size, paged.length, "none twice");
    }
  }));

Deno.test("timeline pages hold as many as limit says, also where several begin at once [T2, T3]", () =>
  withForesight({}, async (foresight) => {
    for (const id of ["a", "b", "c", "d", "e"]) await seen(foresight, [`saw ${id}`], { id });
    for (const order of ["newest", "oldest"]) {
      for (const limit of [1, 2, 3, 5, 6]) {
        const path = `/timeline?order=${order}&limit=${limit}`;
        const paged = await listAll(foresight, path);
        const expected = ["a", "b", "c", "d", "e"];
        if (order === "newest") expected.reverse();
        assertEquals(paged.map(({ session }) => session), expected);
        const first = await list(foresight, path);
        assertEquals(first.items.length, Math.min(limit, 5));
        assertEquals(first.next_cursor === null, limit >= 5);
      }
    }
  }));

Deno.test("timeline says local times beside UTC where a zone is asked for [T4]", () =>
  withForesight({}, async (foresight) => {
    // Europe's clocks go back at 01:00 UTC on that day.
    const startedAtMs = Date.UTC(2026, 9, 25, 0, 59, 59);
    await seen(foresight, ["saw 1"], { startedAtMs });
    const { items: [item] } = await list(foresight, "/timeline?zone=Europe/Berlin");
    assertEquals([item.started_at, item.started_at_local, item.ended_at, item.ended_at_local], [
      "2026-10-25T00:59:59.000Z",
      "2026-10-25T02:59:59.000+02:00",
      "2026-10-25T01:00:00.000Z",
      "2026-10-25T02:00:00.000+01:00",
    ]);
  }));

Deno.test("timeline refuses what is no query, by field, must and value [T3, T8]", () =>
  withForesight({}, async (foresight) => {
    const refused: [string, string][] = [
      ["from=yesterday", "from must be a time in ISO 8601 or in milliseconds since 1970"],
      [
        "to=2026-02-30",
        'to must be a time in ISO 8601 or in milliseconds since 1970: current value is "2026-02-30"',
      ],
      ["from=9999999999999999", "from must be a time"],
      ["from=2026-01-02&to=2026-01-01", "to must be later than from"],
      ["limit=0", "limit must be a whole number from 1 to 500"],
      ["limit=501", 'limit must be a whole number from 1 to 500: current value is "501"'],
      ["limit=1e2", "limit must be"],
      ["limit=99999999999999999999", "limit must be"],
      ["order=random", "order must be newest or oldest"],
      ["zone=Mars/Phobos", "zone must be the IANA name of a time zone"],
      ["zone=%2B01:00", "zone must be"],
      ["cursor=abc", "cursor must be one that this very query was answered with"],
      [`cursor=${"x".repeat(5000)}`, "cursor must be"],
      ["cursor=%00%ff", "cursor must be"],
    ];
    for (const path of ["/timeline", "/sessions"]) {
      for (const [query, detail] of refused) {
        const answer = await list(foresight, `${path}?${query}`);
        assertEquals(answer.status, 422, query);
        assert(answer.detail!.startsWith(detail), answer.detail);
        assert(answer.detail!.includes("current value is "), answer.detail);
      }
    }
  }));

Deno.test("timeline takes times with an unescaped plus, of a day, and empty ones as absent [T4]", () =>
  withForesight({}, async (foresight) => {
    await seen(foresight, ["saw 1"]);
    const found = async (query: string) =>
      (await list(foresight, `/timeline?${query}`)).items?.length;
    assertEquals(await found("from=2026-01-01T13:00:00+01:00&to=2026-01-01T13:00:01+01:00"), 1);
    assertEquals(await found("from=2026-01-01&to=2026-01-02"), 1);
    assertEquals(await found("from=&to=&limit=&order=&zone=&cursor="), 1);
    assertEquals(await found("from=0"), 1);
    assertEquals(await found("to=2026-01-01"), 0);
  }));

Deno.test("a cursor belongs to its query, its list and its wearer [T3]", () =>
  withForesight({}, async (foresight) => {
    await seen(foresight, different(3));
    await seen(foresight, different(3), { id: "s2" });
    const paths = [
      "/timeline?limit=1",
      "/timeline?limit=1&order=oldest",
      "/timeline?limit=1&from=0",
      `/timeline?limit=1&to=${NOON_MS + 9000}`,
      "/sessions?limit=1",
      "/sessions/s1/chunks?limit=1",
      "/sessions/s2/chunks?limit=1",
    ];
    const cursors = await Promise.all(
      paths.map(async (path) => (await list(foresight, path)).next_cursor!),
    );
    for (const [asked, path] of paths.entries()) {
      for (const [given, cursor] of cursors.entries()) {
        const { status, detail } = await list(foresight, `${path}&cursor=${cursor}`);
        assertEquals(status, asked === given ? 200 : 422, `${path} with that of ${paths[given]}`);
        if (asked !== given) assert(detail!.startsWith("cursor must be"), detail);
      }
    }
    const again = `/timeline?limit=3&zone=Asia/Tokyo&cursor=${cursors[0]}`;
    assertEquals((await list(foresight, again)).status, 200, "pages may change their looks");
  }));
