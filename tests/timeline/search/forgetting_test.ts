import { assert, assertEquals, assertRejects } from "@std/assert";
import { chunkPrefix, sessionKey } from "../../../kv/keys.ts";
import { sweepWearer } from "../../../kv/sweep.ts";
import { SearchDays } from "../../../kv/search_days.ts";
import {
  searchBlockKey,
  searchDayPrefix,
  type SearchDayRecord,
  searchPrefix,
} from "../../../kv/timeline_keys.ts";
import { DayDraft, encodeDay } from "../../../timeline/search/_day_block.ts";
import { MIN_SESSIONS } from "../../../timeline/search/compaction.ts";
import { forgetSearchDays } from "../../../timeline/search/forgetting.ts";
import { DAY_MS, ended, type Fate, faultyKv, live } from "../../kv/_sessions.ts";
import { withKv } from "../../kv/_temp_kv.ts";
import { type Books, booksOn, chunkOf, withBooks } from "./_books.ts";
import { allCups, compactionOf, countValues, cupsIn, writeMany } from "./_many_sessions.ts";

const HOUR_MS = DAY_MS / 24;

/** All that searches read, as text. */
async function wordsIn(kv: Deno.Kv): Promise<string> {
  const prefixes = [searchPrefix("ann"), searchDayPrefix("ann")];
  const listed = await Promise.all(prefixes.map((prefix) => Array.fromAsync(kv.list({ prefix }))));
  return listed.flat().map(({ value }) => (value as { words: string }).words).join();
}

/** What whoever erases a session does before the words are forgotten. */
async function eraseSession({ kv }: Books, id: string): Promise<void> {
  await kv.delete(sessionKey("ann", id));
  for (const prefix of [chunkPrefix("ann", id), searchPrefix("ann", id)]) {
    for await (const { key } of kv.list({ prefix })) await kv.delete(key);
  }
}

Deno.test("forgetSearchDays takes all words of a session out, and no other's", () =>
  withBooks(async (books) => {
    await writeMany(books, MIN_SESSIONS);
    await books.writeOver("secret", ["cup unspeakable", "cup unmentionable"]);
    await compactionOf(books).compact("ann");
    assertEquals((await countValues(books.kv)).loose, 0);
    assert((await wordsIn(books.kv)).includes("unspeakable"));
    await eraseSession(books, "secret");
    await forgetSearchDays(books, "ann", { sessionIds: new Set(["secret", "s2", "unknown"]) });
    const left = await wordsIn(books.kv);
    assert(!/unspeak|unmention/.test(left), left);
    assertEquals(
      await cupsIn(books),
      allCups(MIN_SESSIONS).filter((cup) => !cup.startsWith("s2 ")),
    );
    const sessionIds = new Set(allSessions(0, MIN_SESSIONS));
    await forgetSearchDays(books, "ann", { sessionIds });
    assertEquals(await countValues(books.kv), { loose: 0, days: 0 });
  }));

Deno.test("compaction writes nothing of a session that is erased meanwhile", async () => {
  const erasures = [sessionKey("ann", "s3"), searchBlockKey("ann", "s3", "open")];
  for (const erased of erasures) {
    await withBooks(async (books) => {
      const { kv, clock } = books;
      await writeMany(books, MIN_SESSIONS);
      const days = new SearchDays({ kv, clock }, "ann");
      const [loose] = await days.read([{ sessionId: "s3", place: "open" }]);
      const draft = new DayDraft();
      draft.add("s3", loose!.block.value, Infinity);
      await kv.delete(erased);
      assertEquals(await days.move([loose!], await days.last(0), encodeDay(draft)), false);
      assertEquals((await countValues(kv)).days, 0);
      await writeMany(books, 1, MIN_SESSIONS);
      assertEquals(await compactionOf(books).compact("ann"), MIN_SESSIONS);
    });
  }
});

Deno.test("words that expire more than a day apart lie in different values", () =>
  withBooks(async (books) => {
    const { kv, clock, store } = books;
    const session = { ...live, id: "long", startedAtMs: clock.epochMs() };
    const writer = store.begin(session);
    await writer.write(session, chunkOf("long", 0, "plate, early"));
    await writeMany(books, MIN_SESSIONS);
    clock.tick(1.5 * DAY_MS);
    await writer.write(session, {
      ...chunkOf("long", 1, "plate, late"),
      startS: 129_600,
      endS: 129_601,
    });
    await writer.write({ ...ended, ...session, status: "ended" });
    assertEquals(await compactionOf(books).compact("ann"), MIN_SESSIONS + 1);
    assertEquals(await countValues(kv), { loose: 0, days: 2 });
    clock.tick(29 * DAY_MS);
    await forgetSearchDays(books, "ann", {});
    const words = await wordsIn(kv);
    assert(words.includes("plate") && !words.includes("cup"), words);
    assertEquals(await books.captions("plate"), ["plate, late"], "a chunk goes before its session");
  }));

Deno.test("forgetSearchDays takes out what has expired, of values that have not", () =>
  withBooks(async (books) => {
    const { kv, clock } = books;
    await writeMany(books, MIN_SESSIONS);
    clock.tick(20 * HOUR_MS);
    await books.writeOver("late", ["plate"]);
    assertEquals(await compactionOf(books).compact("ann"), MIN_SESSIONS + 1);
    assertEquals(await countValues(kv), { loose: 0, days: 1 });
    clock.tick(29.5 * DAY_MS);
    await forgetSearchDays(books, "ann", {});
    const words = await wordsIn(kv);
    assert(words.includes("plate") && !words.includes("cup"), words);
    assertEquals(await books.captions("plate"), ["plate"]);
    assertEquals(await cupsIn(books), []);
  }));

Deno.test("forgetSearchDays takes out what is past a moment, though it has not expired", () =>
  withBooks(async (books) => {
    const { kv, clock } = books;
    await writeMany(books, MIN_SESSIONS);
    const cutoffMs = clock.epochMs();
    await writeMany(books, MIN_SESSIONS, MIN_SESSIONS);
    await compactionOf(books).compact("ann");
    assertEquals(await countValues(kv), { loose: 0, days: 1 });
    assertEquals(await forgetSearchDays(books, "ann", { cutoffMs: cutoffMs - 60_000_000 }), 0);
    assertEquals(await forgetSearchDays(books, "ann", { cutoffMs }), 1);
    const [value] = await Array.fromAsync(
      kv.list<SearchDayRecord>({ prefix: searchDayPrefix("ann") }),
      ({ value }) => value,
    );
    assertEquals(new Set(value!.sessions), new Set(allSessions(MIN_SESSIONS, MIN_SESSIONS)));
    assertEquals(value!.endMs, clock.epochMs());
    assertEquals(await forgetSearchDays(books, "ann", { cutoffMs: clock.epochMs() }), 1);
    assertEquals(await countValues(kv), { loose: 0, days: 0 });
  }));

Deno.test("a sweep takes out the words of what is past, and counts the values that are", () =>
  withBooks(async (books) => {
    const { kv, clock } = books;
    await writeMany(books, MIN_SESSIONS);
    const untilMs = clock.epochMs();
    await writeMany(books, MIN_SESSIONS, MIN_SESSIONS);
    await compactionOf(books).compact("ann");
    const sweep = async (cutoffMs: number) => {
      clock.tick(cutoffMs + DAY_MS - clock.epochMs());
      const forgetWords = (wearer: string, cutoffMs: number) =>
        forgetSearchDays(books, wearer, { cutoffMs });
      // A day is less than what the records carry.
      const options = { kv, clock, sweeperId: "a", retentionDays: 1, forgetWords };
      const outcome = await sweepWearer(options, "ann");
      assert(outcome.kind === "swept");
      assertEquals(outcome.facts.leftOlder, 0);
      return outcome.facts.counts.search_day ?? 0;
    };
    assertEquals(await sweep(untilMs), 0);
    const [value] = await Array.fromAsync(
      kv.list<SearchDayRecord>({ prefix: searchDayPrefix("ann") }),
      ({ value }) => value,
    );
    assertEquals(new Set(value!.sessions), new Set(allSessions(MIN_SESSIONS, MIN_SESSIONS)));
    // The session that begins at that moment is looked at too, and its chunks say that they are old.
    const later = allCups(2 * MIN_SESSIONS).filter((cup) => isFrom(cup, MIN_SESSIONS + 1));
    assertEquals(await cupsIn(books), later);
    assertEquals(await sweep(untilMs + 3 * MIN_SESSIONS * 1000), 1);
    assertEquals(await countValues(kv), { loose: 0, days: 0 });
  }));

Deno.test("compaction drops what has expired as it adds to a value", () =>
  withBooks(async (books) => {
    const { kv, clock } = books;
    await writeMany(books, MIN_SESSIONS);
    await compactionOf(books).compact("ann");
    // The same day seen by sessions that were long under way.
    clock.tick(20 * HOUR_MS);
    await writeMany(books, MIN_SESSIONS, MIN_SESSIONS);
    clock.tick(29.5 * DAY_MS);
    await compactionOf(books).compact("ann");
    const listed = kv.list<SearchDayRecord>({ prefix: searchDayPrefix("ann") });
    const [value, ...others] = await Array.fromAsync(listed, ({ value }) => value);
    assertEquals(others, []);
    assertEquals(new Set(value!.sessions), new Set(allSessions(MIN_SESSIONS, MIN_SESSIONS)));
    assertEquals(
      await cupsIn(books),
      allCups(2 * MIN_SESSIONS).filter((cup) => isFrom(cup, MIN_SESSIONS)),
    );
  }));

function allSessions(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `s${from + at}`);
}

function isFrom(cup: string, from: number): boolean {
  return Number(/^s(\d+) /.exec(cup)![1]) >= from;
}

Deno.test("compaction that dies at any commit loses nothing and doubles nothing", () =>
  withKv(async (kv) => {
    for (const fate of ["refused", "answer_lost"] satisfies Fate[]) {
      for (let at = 0; at < 3; at++) {
        const books = booksOn(kv);
        await writeMany(books, 120);
        const fates: Fate[] = [...Array(at).fill("answers"), fate];
        const dying = compactionOf({
          kv: faultyKv(kv, () => fates.shift() ?? "answers"),
          clock: books.clock,
        });
        await assertRejects(() => dying.compact("ann"));
        assertEquals(await cupsIn(books), allCups(120), `${fate} ${at}`);
        await compactionOf(books).compact("ann");
        assertEquals(await cupsIn(books), allCups(120), `${fate} ${at}, done again`);
        for await (const { key } of kv.list({ prefix: [] })) await kv.delete(key);
      }
    }
  }));
