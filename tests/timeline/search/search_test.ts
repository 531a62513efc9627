import { assert, assertEquals } from "@std/assert";
import { live } from "../../kv/_sessions.ts";
import { chunkOf, withBooks } from "./_books.ts";

const KEYS = "The keys lie on a wooden table.";
const DOG = "A dog is leaving the kitchen.";
const CAFE = "Schlüssel im Café, neben Öl, Größe 43.";
const KEYBOARD = "Someone types on a keyboard.";

Deno.test("search finds words, stems, beginnings and words with mistakes", () =>
  withBooks(async ({ write, captions }) => {
    await write("s1", [KEYS, DOG, CAFE, KEYBOARD]);
    assertEquals(await captions("wooden"), [KEYS]);
    assertEquals(await captions("WOODEN?"), [KEYS]);
    assertEquals(await captions("leaves"), [DOG], "by the stem");
    assertEquals(await captions("leave"), [DOG]);
    assertEquals(await captions("kitch"), [DOG], "by its beginning");
    assertEquals(await captions("leavin"), [DOG], "the beginning of the word, not of its stem");
    assertEquals(await captions("kichten"), [], "two mistakes in a short word are another word");
    assertEquals(await captions("kitchne"), [DOG], "swapped");
    assertEquals(await captions("ktchen"), [DOG], "left out");
    assertEquals(await captions("kitxchen"), [DOG], "one too many");
    assertEquals(await captions("keyboarrt"), [KEYBOARD], "two mistakes in a long word");
    assertEquals(await captions("tab"), [KEYS]);
    assertEquals(await captions("dig"), [], "short words are too like each other");
    assertEquals(await captions("zebra"), []);
    await write("s2", ["A cupsize.", "A cup."]);
    assertEquals(
      await captions("cups"),
      ["A cup.", "A cupsize."],
      "by the stem and as a beginning",
    );
  }));

Deno.test("search finds other languages, with diacritics or without", () =>
  withBooks(async ({ write, captions }) => {
    const japanese = "机の上に鍵があります。";
    const russian = "Ключи лежат на столе.";
    await write("s1", [CAFE, japanese, russian]);
    for (
      const text of ["cafe", "CAFÉ", "schlussel", "Schlüss", "grosse", "größe", "43", "ol", "öl"]
    ) {
      assertEquals(await captions(text), [CAFE], text);
    }
    assertEquals(await captions("鍵"), [japanese]);
    assertEquals(await captions("ключи"), [russian]);
    assertEquals(await captions("столе"), [russian]);
  }));

Deno.test("search says where the words are, in the caption as it was written", () =>
  withBooks(async ({ write, search }) => {
    await write("s1", ["A dog.", KEYS]);
    const [hit] = await search("where did I leave my kyes? Tables");
    assertEquals(hit!.matched, [
      { word: "kyes", from: 4, to: 8 },
      { word: "Tables", from: 25, to: 30 },
    ]);
    assertEquals(hit!.matched.map(({ from, to }) => hit!.caption.slice(from, to)), [
      "keys",
      "table",
    ]);
    assertEquals([hit!.session, hit!.chunks], ["s1", { first: 1, last: 1 }]);
    assertEquals(hit!.started_at, "2026-01-01T00:00:01.000Z");
    assertEquals(hit!.ended_at, "2026-01-01T00:00:02.000Z");
  }));

Deno.test("search ranks all words above one, the word above its likes, the rare above the frequent", () =>
  withBooks(async ({ write, captions }) => {
    const both = "A cup beside the umbrella.";
    const rare = "An umbrella.";
    const frequent = Array.from({ length: 20 }, (_, at) => `A cup, number ${at}.`);
    await write("s1", [both, rare, ...frequent]);
    const found = await captions("cup umbrella", { limit: 30 });
    assertEquals(found.slice(0, 2), [both, rare]);
    assertEquals(found.length, 22);
    await write("s2", ["One key.", "Keying.", "Two keyboards."]);
    assertEquals(await captions("key"), ["One key.", "Keying.", "Two keyboards."]);
    const plates = Array.from({ length: 10 }, (_, at) => `A plate and a spoon, ${at}.`);
    await write("s3", ["A zebra.", ...plates]);
    assertEquals((await captions("zebra plate spoon"))[0], plates[9], "two above a rare one");
    assertEquals((await captions("the cup and the umbrella"))[0], both, "stop words count nothing");
  }));

Deno.test("search ranks what is recent above what is old, and an old better find above both", () =>
  withBooks(async ({ write, captions, clock }) => {
    await write("s1", ["A cup, once.", "A cup and a spoon."]);
    clock.tick(5 * 86_400_000);
    await write("s2", ["A cup, yesterday.", "A cup, lately."]);
    assertEquals(await captions("cup"), [
      "A cup, lately.",
      "A cup, yesterday.",
      "A cup and a spoon.",
      "A cup, once.",
    ]);
    assertEquals((await captions("cup spoon"))[0], "A cup and a spoon.");
    await write("s3", ["A fork."]);
    clock.tick(5 * 86_400_000);
    await write("s4", ["Two forks."]);
    assertEquals(await captions("fork"), ["Two forks.", "A fork."], "though it is another form");
  }));

Deno.test("search makes one hit of a scene that stands still, unless time went by between", () =>
  withBooks(async ({ write, search }) => {
    await write("s1", [KEYS, KEYS, KEYS, DOG, KEYS]);
    await write("s2", [KEYS]);
    const hits = await search("keys");
    assertEquals(hits.map(({ session, chunks }) => [session, chunks.first, chunks.last]), [
      ["s2", 0, 0],
      ["s1", 4, 4],
      ["s1", 0, 2],
    ]);
    assertEquals([hits[2]!.started_at, hits[2]!.ended_at], [
      "2026-01-01T00:00:00.000Z",
      "2026-01-01T00:00:03.000Z",
    ]);
  }));

Deno.test("search makes two hits of the same caption half a minute later, and none of a retry", () =>
  withBooks(async ({ store, search }) => {
    const writer = store.begin(live);
    const seconds = [0, 29, 61, 62];
    for (const [index, startS] of seconds.entries()) {
      const chunk = { ...chunkOf("s1", index, "a cup"), startS, endS: startS + 1 };
      await writer.write(live, chunk);
      await writer.write(live, chunk);
    }
    const hits = await search("cup");
    assertEquals(hits.map(({ chunks }) => chunks), [{ first: 2, last: 3 }, { first: 0, last: 1 }]);
  }));

Deno.test("search keeps to the time that is asked for, and to its limit", () =>
  withBooks(async ({ write, captions, clock }) => {
    const startMs = clock.epochMs();
    await write("s1", Array.from({ length: 10 }, (_, at) => `cup ${at}`));
    const asked = { fromMs: startMs + 3_500, toMs: startMs + 5_500 };
    assertEquals(await captions("cup", asked), ["cup 5", "cup 4", "cup 3"]);
    assertEquals(await captions("cup", { fromMs: startMs + 20_000 }), []);
    assertEquals(await captions("cup", { limit: 2 }), ["cup 9", "cup 8"]);
  }));

Deno.test("search never finds what another wearer saw", () =>
  withBooks(async ({ write, captions }) => {
    await write("s1", [KEYS], "ann");
    await write("s2", [DOG], "anna");
    assertEquals(await captions("dog"), []);
    assertEquals(await captions("dgo kitchen leav"), []);
    assertEquals(await captions("keys", { wearer: "anna" }), []);
    assertEquals(await captions("dog", { wearer: "anna" }), [DOG]);
  }));

Deno.test("search leaves out what is gone, though its words are still there", () =>
  withBooks(async ({ write, captions, clock, kv }) => {
    await write("s1", ["cup, kept", "cup, erased"]);
    await kv.delete(["wearer", "ann", "chunk", "s1", 1]);
    assertEquals(await captions("cup", { limit: 1 }), ["cup, kept"]);
    assertEquals(await captions("cup"), ["cup, kept"]);
    clock.tick(31 * 86_400_000);
    assertEquals(await captions("cup"), [], "KV has not collected it yet");
    const left = await Array.fromAsync(kv.list({ prefix: ["wearer", "ann", "search"] }));
    assert(left.length > 0);
  }));

Deno.test("search leaves out a chunk whose time is over, in a block whose time is not", () =>
  withBooks(async ({ store, captions, clock }) => {
    const writer = store.begin(live);
    await writer.write(live, chunkOf("s1", 0, "cup, old"));
    clock.tick(20 * 86_400_000);
    await writer.write(live, chunkOf("s1", 1, "cup, new"));
    assertEquals((await captions("cup")).length, 2);
    clock.tick(11 * 86_400_000);
    assertEquals(await captions("cup"), ["cup, new"]);
  }));
