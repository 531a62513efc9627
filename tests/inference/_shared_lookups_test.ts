import { assertEquals, assertRejects } from "@std/assert";
import { SharedLookups } from "../../inference/_shared_lookups.ts";
import { createFakeClock } from "../_fake_clock.ts";

const TTL_MS = 10 * 60_000;
const MAX_KEYS = 256;

/** Lookups whose answers say how many were made before. */
function createBench() {
  const clock = createFakeClock();
  const lookups = new SharedLookups<string>(clock);
  let found = 0;
  const get = (key: string) => lookups.get(key, () => Promise.resolve(`${key} ${++found}`));
  return { clock, lookups, get, found: () => found };
}

Deno.test("SharedLookups finds once for each key, and anew after 10 minutes", async () => {
  const { clock, get } = createBench();
  assertEquals([await get("a"), await get("b"), await get("a")], ["a 1", "b 2", "a 1"]);
  clock.tick(TTL_MS - 1);
  assertEquals(await get("a"), "a 1");
  clock.tick(1);
  assertEquals([await get("a"), await get("a"), await get("b")], ["a 3", "a 3", "b 4"]);
});

Deno.test("SharedLookups does not care when somebody sets the wall clock", async () => {
  const { clock, get } = createBench();
  await get("a");
  clock.setEpochMs(clock.epochMs() + 10 * TTL_MS);
  assertEquals(await get("a"), "a 1");
});

Deno.test("SharedLookups shares what is on its way, whether it succeeds or fails", async () => {
  const lookups = new SharedLookups<string>(createFakeClock());
  const first = Promise.withResolvers<string>();
  const second = Promise.withResolvers<string>();
  const waiting = [first, second, first].map(({ promise }) => lookups.get("a", () => promise));
  first.reject(new Error("no such class"));
  for (const each of waiting) await assertRejects(() => each, Error, "no such class");
  second.resolve("never asked");
});

Deno.test("SharedLookups does not keep a failure", async () => {
  const { lookups, get } = createBench();
  const fail = () => Promise.reject<string>(new Error("no"));
  await assertRejects(() => lookups.get("a", fail), Error, "no");
  assertEquals([await get("a"), await get("a")], ["a 1", "a 1"]);
});

Deno.test("SharedLookups keeps a newer answer when an older lookup fails", async () => {
  const { lookups, get } = createBench();
  const { promise, reject } = Promise.withResolvers<string>();
  const old = lookups.get("a", () => promise);
  lookups.forget("a");
  assertEquals(await get("a"), "a 1");
  reject(new Error("no"));
  await assertRejects(() => old, Error, "no");
  assertEquals(await get("a"), "a 1");
});

Deno.test("SharedLookups finds anew what it was told to forget, and nothing else", async () => {
  const { lookups, get } = createBench();
  await get("a");
  await get("b");
  lookups.forget("a");
  lookups.forget("never heard of");
  assertEquals([await get("a"), await get("b")], ["a 3", "b 2"]);
});

Deno.test("SharedLookups knows 256 keys, and forgets the one found longest ago first", async () => {
  const { clock, get, found } = createBench();
  for (let at = 0; at < MAX_KEYS; at++) await get(`key ${at}`);
  clock.tick(TTL_MS);
  await get("key 0"); // found anew, so it is the youngest
  await get("one more");
  assertEquals(found(), MAX_KEYS + 2);
  assertEquals(await get("key 0"), `key 0 ${MAX_KEYS + 1}`);
  assertEquals(await get("one more"), `one more ${MAX_KEYS + 2}`);
});

Deno.test("SharedLookups is bounded whatever keys clients make up", async () => {
  const { get, found } = createBench();
  for (let at = 0; at <= MAX_KEYS; at++) await get(`key ${at}`);
  for (let at = 1; at <= MAX_KEYS; at++) await get(`key ${at}`);
  assertEquals(found(), MAX_KEYS + 1, "all but the first are still known");
  assertEquals(await get("key 0"), `key 0 ${MAX_KEYS + 2}`);
});
