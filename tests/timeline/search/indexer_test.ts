import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { searchPrefix } from "../../../kv/timeline_keys.ts";
import { claim, type Fate, faultyKv, live, resumable } from "../../kv/_sessions.ts";
import { withKv } from "../../kv/_temp_kv.ts";
import { booksOn, chunkOf, withBooks } from "./_books.ts";

/** None is another with a mistake, or its beginning. */
const WORDS = "amber bolt cedar delta quartz flint grove heron ivory jade".split(" ");

Deno.test("indexer keeps a long session in few values, and finds all of it", () =>
  withBooks(async ({ write, search, kv }) => {
    const captions = Array.from({ length: 300 }, (_, at) => `number${at} ${WORDS[at % 10]}`);
    await write("s1", captions);
    const values = await Array.fromAsync(kv.list({ prefix: searchPrefix("ann") }));
    assertEquals(values.map(({ key }) => key.at(-1)), ["open", 0], "one open, one for the rest");
    for (const at of [0, 63, 64, 127, 128, 255, 256, 299]) {
      const hits = await search(`number${at}`, { limit: 1 });
      assertEquals([hits[0]!.caption, hits[0]!.chunks.first], [captions[at], at]);
    }
    assertEquals((await search("cedar", { limit: 100 })).length, 30);
  }));

Deno.test("indexer begins another block where KV would refuse a larger value", () =>
  withBooks(async ({ write, search, kv }) => {
    const captions = Array.from(
      { length: 60 },
      (_, at) =>
        Array.from({ length: 250 }, (_, word) => `слово${at}длинное${word}оченьдлинное`).join(" "),
    );
    await write("s1", captions);
    const values = await Array.fromAsync(kv.list({ prefix: searchPrefix("ann") }));
    assert(values.length > 10);
    for (const at of [0, 31, 59]) {
      const hits = await search(`слово${at}длинное0`, { limit: 1 });
      assertEquals(hits[0]!.chunks, { first: at, last: at });
    }
  }));

Deno.test("indexer takes the first 200 words of a caption that has thousands", () =>
  withBooks(async ({ write, search }) => {
    const letters = Array.from({ length: 6000 }, (_, at) => String.fromCharCode(0x4e00 + at));
    await write("s1", [letters.join(" ")]);
    assertEquals((await search(letters[199]!)).length, 1);
    assertEquals((await search(letters[200]!)).length, 0);
  }));

Deno.test("indexer counts a chunk once, whatever becomes of its commits", () =>
  withKv(async (kv) => {
    const fates: Fate[] = [];
    const books = booksOn(kv, faultyKv(kv, () => fates.shift() ?? "answers"));
    const writer = books.store.begin(live);
    for (let index = 0; index < 140; index++) {
      fates.push(...[["refused"], ["answer_lost"], []][index % 3] as Fate[]);
      const chunk = chunkOf("s1", index, `cup ${index}`);
      while (!await writer.write(live, chunk).then(() => true, () => false));
    }
    const hits = await books.search("cup", { limit: 200 });
    assertEquals(
      hits.map(({ chunks }) => chunks.first).sort((a, b) => a - b),
      Array.from({ length: 140 }, (_, index) => index),
    );
  }));

Deno.test("indexer goes on with the block of a session that another process took over", () =>
  withKv(async (kv) => {
    const [here, there] = [booksOn(kv), booksOn(kv)];
    const session = await resumable(Infinity);
    const first = here.store.begin(session);
    await first.write(session, chunkOf("s1", 0, "cup 0"));
    const taken = await there.store.takeOver(claim("b"));
    assert(taken.kind === "taken");
    await taken.writer.write(taken.session, chunkOf("s1", 1, "cup 1"));
    assertEquals(await first.write(session, chunkOf("s1", 1, "plate")), "taken_over");
    await taken.writer.write(taken.session, chunkOf("s1", 2, "cup 2"));
    assertEquals(await here.captions("cup"), ["cup 2", "cup 1", "cup 0"]);
    assertEquals(await here.captions("plate"), [], "who lost the session writes nothing");
    const values = await Array.fromAsync(kv.list({ prefix: searchPrefix("ann") }));
    assertEquals(values.length, 1);
  }));

Deno.test("indexer lets sessions of one wearer write at the same time", () =>
  withKv(async (kv) => {
    const processes = [booksOn(kv), booksOn(kv), booksOn(kv)];
    await Promise.all(processes.map((books, at) =>
      books.write(`s${at}`, Array.from({ length: 70 }, (_, index) => `cup ${at} ${index}`))
    ));
    assertEquals((await processes[0]!.search("cup", { limit: 300 })).length, 210);
  }));

Deno.test("indexer leaves out failed chunks and captions without a word", () =>
  withBooks(async ({ store, kv }) => {
    const writer = store.begin(live);
    const chunk = chunkOf("s1", 0, "cup");
    await writer.write(live, { ...chunk, outcome: { status: "failed", error: "cup" } });
    await writer.write(live, chunkOf("s1", 1, "..."));
    assertEquals(await Array.fromAsync(kv.list({ prefix: searchPrefix("ann") })), []);
  }));

Deno.test("what a scan of all captions finds for a word, the index finds too", async () => {
  const caption = fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 4 });
  const captions = fc.array(caption.map((words) => words.join(" ")), { maxLength: 90 });
  await fc.assert(
    fc.asyncProperty(captions, captions, fc.constantFrom(...WORDS), async (one, other, word) => {
      await withBooks(async ({ write, search }) => {
        await write("one", one);
        await write("other", other);
        const hits = await search(word, { limit: 1000 });
        const found = hits.flatMap(({ session, chunks: { first, last }, matched }) => {
          assert(matched.length > 0);
          return Array.from({ length: last - first + 1 }, (_, at) => `${session} ${first + at}`);
        });
        const expected = [["one", one], ["other", other]] as const;
        const scanned = expected.flatMap(([session, all]) =>
          all.flatMap((text, at) => text.split(" ").includes(word) ? [`${session} ${at}`] : [])
        );
        assertEquals(found.sort(), scanned.sort());
      });
    }),
    { numRuns: 12 },
  );
});
