import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type LiveSession, sessionKey, type SessionRecord } from "../../../kv/keys.ts";
import { SearchDays } from "../../../kv/search_days.ts";
import { dayOf, searchDayPrefix, type SearchDayRecord } from "../../../kv/timeline_keys.ts";
import { COMPACTION_DELAY_MS, MIN_SESSIONS } from "../../../timeline/search/compaction.ts";
import { Filling } from "../../../timeline/search/_filling.ts";
import { createFakeClock } from "../../_fake_clock.ts";
import { claim, DAY_MS, live, resumable } from "../../kv/_sessions.ts";
import { withKv } from "../../kv/_temp_kv.ts";
import { booksOn, chunkOf, withBooks } from "./_books.ts";
import { allCups, compactionOf, countValues, cupsIn, writeMany } from "./_many_sessions.ts";

const HOUR_MS = DAY_MS / 24;

Deno.test("compaction makes few values of many, in which searches find and rank the same", async () => {
  const WORDS = ["amber", "bolt", "cedar", "delta", "quartz", "leaves", "leaving", "Größe"];
  const caption = fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 4 });
  const session = fc.array(caption.map((words) => words.join(" ")), { maxLength: 8 });
  const sessions = fc.array(session, { minLength: MIN_SESSIONS, maxLength: 50 });
  const pause = fc.constantFrom(0, 1000, HOUR_MS, 6 * HOUR_MS);
  await fc.assert(
    fc.asyncProperty(sessions, sessions, pause, async (first, second, pauseMs) => {
      await withBooks(async (books) => {
        const { kv, clock, search } = books;
        const found = async () => {
          const texts = [...WORDS, "qartz", "le", "amber bolt", "amber leave delta"];
          const halfway = { fromMs: Date.UTC(2026, 0, 1), toMs: clock.epochMs() - HOUR_MS };
          return await Promise.all(
            texts.flatMap((text) => [search(text), search(text, { ...halfway, limit: 100 })]),
          );
        };
        for (const [round, all] of [first, second].entries()) {
          for (const [at, captions] of all.entries()) {
            await books.writeOver(`${round}.${at}`, captions);
            clock.tick(pauseMs);
          }
          const before = await found();
          const { loose } = await countValues(kv);
          const moved = await compactionOf(books).compact("ann");
          assertEquals(moved, loose >= MIN_SESSIONS ? loose : 0);
          assertEquals(await found(), before);
        }
      });
    }),
    { numRuns: 8, endOnFailure: true },
  );
});

Deno.test("compaction puts a hundred sessions of a day into one value, and later ones to them", () =>
  withBooks(async (books) => {
    await writeMany(books, 100);
    assertEquals(await countValues(books.kv), { loose: 100, days: 0 });
    await compactionOf(books).compact("ann");
    assertEquals(await countValues(books.kv), { loose: 0, days: 1 });
    await writeMany(books, MIN_SESSIONS - 1, 100);
    assertEquals(await compactionOf(books).compact("ann"), 0, "too few to be worth it");
    await writeMany(books, 5, 100 + MIN_SESSIONS - 1);
    await compactionOf(books).compact("ann");
    assertEquals(await countValues(books.kv), { loose: 0, days: 1 });
    assertEquals(await cupsIn(books), allCups(100 + MIN_SESSIONS + 4));
  }));

Deno.test("compaction begins another value where KV would refuse a larger one", () =>
  withBooks(async (books) => {
    for (let at = 0; at < 40; at++) {
      const words = Array.from({ length: 190 }, (_, word) => `слово${at}длинное${word}`).join(" ");
      await books.writeOver(`s${at}`, [words]);
    }
    await compactionOf(books).compact("ann");
    const { loose, days } = await countValues(books.kv);
    assert(loose === 0 && days > 1 && days < 30, `${days} values`);
    for (const at of [0, 17, 39]) {
      const [hit] = await books.search(`слово${at}длинное0`, { limit: 1 });
      assertEquals(hit!.session, `s${at}`);
    }
  }));

Deno.test("compaction leaves sessions alone that somebody may go on with", () =>
  withBooks(async (books) => {
    const { store, clock, kv } = books;
    await writeMany(books, MIN_SESSIONS);
    const session = { ...await resumable(clock.epochMs() + HOUR_MS), id: "back" };
    await store.begin(session).write(session, chunkOf("back", 0, "plate"));
    await books.write("open", ["spoon"]);
    await compactionOf(books).compact("ann");
    assertEquals((await countValues(kv)).loose, 2);
    clock.tick(HOUR_MS);
    await writeMany(books, MIN_SESSIONS, MIN_SESSIONS);
    await compactionOf(books).compact("ann");
    assertEquals((await countValues(kv)).loose, 1, "the hour in which it may be resumed is over");
    clock.tick(25 * HOUR_MS);
    await writeMany(books, MIN_SESSIONS, 2 * MIN_SESSIONS);
    await compactionOf(books).compact("ann");
    assertEquals((await countValues(kv)).loose, 0, "its process died long ago");
    assertEquals(await books.captions("plate"), ["plate"]);
    assertEquals(await books.captions("spoon"), ["spoon"]);
  }));

Deno.test("compaction passes over a long session that goes on", () =>
  withBooks(async (books) => {
    await books.write("a-long-one", Array.from({ length: 2600 }, (_, at) => `plate${at} w${at}`));
    await writeMany(books, MIN_SESSIONS);
    const { loose } = await countValues(books.kv);
    assert(loose > MIN_SESSIONS + 2, `${loose} values`);
    assertEquals(await compactionOf(books).compact("ann"), MIN_SESSIONS);
    assertEquals(await cupsIn(books), allCups(MIN_SESSIONS));
  }));

Deno.test("a search finds each caption once, wherever it is as blocks are put together", () =>
  withKv(async (kv) => {
    const total = MIN_SESSIONS + 8;
    for (let turn = 0; turn <= total; turn++) {
      const disturbed = booksOn(interrupted(kv, turn, () => compactionOf(books).compact("ann")));
      const books = booksOn(kv);
      await writeMany(books, total);
      assertEquals(await cupsIn(disturbed), allCups(total), `after ${turn} values`);
      assertEquals((await countValues(kv)).loose, 0);
      for await (const { key } of kv.list({ prefix: [] })) await kv.delete(key);
    }
  }));

/** Reads one value at a time, and does something else when it has read so many. */
function interrupted(kv: Deno.Kv, after: number, meanwhile: () => Promise<unknown>): Deno.Kv {
  async function* list(...[selector, options]: Parameters<Deno.Kv["list"]>) {
    let count = 0;
    for await (const entry of kv.list(selector, { ...options, batchSize: 1 })) {
      if (count++ === after) await meanwhile();
      yield entry;
    }
    if (count <= after) await meanwhile();
  }
  return new Proxy(kv, {
    get(target, name) {
      if (name === "list") return list;
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

Deno.test("compaction by two processes at once moves each block once", () =>
  withKv(async (kv) => {
    const clock = createFakeClock();
    const [here, there] = [booksOn(kv, kv, clock), booksOn(kv, kv, clock)];
    await writeMany(here, 60);
    const moved = await Promise.all(
      [here, there].map((books) => compactionOf(books).compact("ann")),
    );
    assertEquals(moved[0]! + moved[1]!, 60);
    assertEquals(await cupsIn(here), allCups(60));
  }));

Deno.test("compaction overwrites no value that another process has added to since", () =>
  withBooks(async (books) => {
    const { kv, clock } = books;
    const days = new SearchDays({ kv, clock }, "ann");
    // Not over: it stays where it is, and only the value that it would come into changes.
    await books.write("here", ["plate"]);
    for (const from of [0, MIN_SESSIONS]) {
      const [loose] = await days.read([{ sessionId: "here", place: "open" }]);
      const filling = new Filling(await days.last(dayOf(clock.epochMs())), clock.epochMs());
      assert(filling.add(loose!));
      await writeMany(books, MIN_SESSIONS, from);
      assertEquals(await compactionOf(books).compact("ann"), MIN_SESSIONS);
      assertEquals(await days.move(filling.moved, filling.target, filling.record), false);
    }
    assertEquals(await cupsIn(books), allCups(2 * MIN_SESSIONS));
  }));

Deno.test("a session that was silent for a day goes on though its block has just been moved", () =>
  withKv(async (kv) => {
    const books = booksOn(kv);
    let meanwhile = () => Promise.resolve<unknown>(null);
    const slow = new Proxy(kv, {
      get(target, name) {
        const value = Reflect.get(target, name, target);
        if (name !== "get") return typeof value === "function" ? value.bind(target) : value;
        return async (key: Deno.KvKey) => {
          const found = await kv.get(key);
          if (key.at(-1) === "open") await meanwhile();
          return found;
        };
      },
    });
    const writing = booksOn(kv, slow, books.clock);
    const session: LiveSession = { ...live, id: "silent", startedAtMs: books.clock.epochMs() };
    const writer = writing.store.begin(session);
    await writer.write(session, chunkOf("silent", 0, "cup before"));
    books.clock.tick(25 * HOUR_MS);
    await writeMany(books, MIN_SESSIONS);
    // The writer has read its block, and has not written it yet.
    meanwhile = () => {
      meanwhile = () => Promise.resolve(null);
      return compactionOf(books).compact("ann");
    };
    assertEquals(await writer.write(session, chunkOf("silent", 1, "cup after")), "written");
    assertEquals(await countValues(kv), { loose: 1, days: 2 });
    assertEquals(await cupsIn(books), [...allCups(MIN_SESSIONS), "silent 0-0", "silent 1-1"]);
  }));

Deno.test("a session that is taken over goes on, before its block is moved or after", () =>
  withKv(async (kv) => {
    const books = booksOn(kv);
    const { clock, store } = books;
    const session = await resumable(clock.epochMs() + HOUR_MS);
    await store.begin(session).write(session, chunkOf("s1", 0, "plate before"));
    const days = new SearchDays({ kv, clock }, "ann");
    const [read] = await days.read([{ sessionId: "s1", place: "open" }]);
    const taken = await store.takeOver(claim("b"));
    assert(taken.kind === "taken");
    await writeMany(books, MIN_SESSIONS, 100);
    await compactionOf(books).compact("ann");
    const target = await days.last(clock.epochMs());
    const [other] = await Array.fromAsync(
      kv.list<SearchDayRecord>({ prefix: searchDayPrefix("ann") }),
    );
    assertEquals(await days.move([read!], target, other!.value), false, "it was read before");
    await taken.writer.write(taken.session, chunkOf("s1", 1, "plate after"));
    assertEquals((await books.captions("plate")).sort(), ["plate after", "plate before"]);
  }));

Deno.test("compaction writes sessions as they are", () =>
  withBooks(async (books) => {
    await writeMany(books, MIN_SESSIONS);
    const read = () => books.kv.get<SessionRecord>(sessionKey("ann", "s3"));
    const before = await read();
    await compactionOf(books).compact("ann");
    const after = await read();
    assertEquals(after.value, before.value);
    assert(after.versionstamp !== before.versionstamp, "who knows the old one reads again");
  }));

Deno.test("compaction comes by itself, a while after a session or a search met many", () =>
  withKv(async (kv) => {
    const clock = createFakeClock();
    const quiet = booksOn(kv, kv, clock);
    const compaction = compactionOf({ kv, clock });
    const books = booksOn(kv, kv, clock, (wearer) => compaction.hint(wearer));
    await writeMany(quiet, 40);
    await books.captions("cup");
    await books.captions("cup");
    assertEquals(clock.pendingTimers, 1, "a search met them");
    clock.tick(COMPACTION_DELAY_MS);
    await compaction.settled();
    assertEquals(await countValues(kv), { loose: 0, days: 1 });
    await writeMany(quiet, MIN_SESSIONS, 40);
    await books.captions("cup");
    assertEquals(clock.pendingTimers, 0, "a search met some");
    await books.write("now", ["plate", "spoon"]);
    assertEquals(clock.pendingTimers, 1, "a session came to its first caption");
    clock.tick(COMPACTION_DELAY_MS);
    await compaction.settled();
    assertEquals(await countValues(kv), { loose: 1, days: 1 });
    assertEquals(await cupsIn(books), allCups(40 + MIN_SESSIONS));
    compaction.hint("ann");
    await compaction.close();
    compaction.hint("ann");
    assertEquals(clock.pendingTimers, 0);
  }));
