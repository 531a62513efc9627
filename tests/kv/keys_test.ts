import { assert, assertEquals } from "@std/assert";
import {
  callBudgetKey,
  chunkKey,
  chunkPrefix,
  DEFAULT_WEARER,
  hasExpired,
  pokeSendKey,
  rateLimitKey,
  sessionKey,
  sessionPrefix,
  streamPlacesKey,
  wearerPrefix,
} from "../../kv/keys.ts";
import { withKv } from "./_temp_kv.ts";

Deno.test("keys lie as the table says, from the wearer down", () => {
  assertEquals(sessionKey(DEFAULT_WEARER, "s1"), ["wearer", "default", "session", "s1"]);
  assertEquals(chunkKey("ann", "s1", 7), ["wearer", "ann", "chunk", "s1", 7]);
  assertEquals(pokeSendKey("ann", "abc"), ["wearer", "ann", "poke_send", "abc"]);
  assertEquals(callBudgetKey("ann"), ["wearer", "ann", "call_budget"]);
  assertEquals(streamPlacesKey("ann"), ["wearer", "ann", "stream_places"]);
  assertEquals(rateLimitKey("poke", "abc"), ["rate_limit", "poke", "abc"]);
});

Deno.test("wearerPrefix holds all that is the wearer's, and nothing of another wearer", async () => {
  await withKv(async (kv) => {
    const keys = [
      sessionKey("ann", "s1"),
      chunkKey("ann", "s1", 0),
      pokeSendKey("ann", "abc"),
      callBudgetKey("ann"),
      streamPlacesKey("ann"),
    ];
    const foreign = [sessionKey("anna", "s2"), callBudgetKey("anna"), rateLimitKey("poke", "ann")];
    for (const key of [...keys, ...foreign]) {
      await kv.set(key, true);
    }
    const found = [];
    for await (const { key } of kv.list({ prefix: wearerPrefix("ann") })) found.push(key);
    assertEquals(new Set(found.map(String)), new Set(keys.map(String)));
  });
});

Deno.test("sessionKey and chunkKey lie under their prefixes", () => {
  assertEquals(sessionKey("ann", "s1").slice(0, -1), sessionPrefix("ann"));
  assertEquals(chunkKey("ann", "s1", 0).slice(0, -1), chunkPrefix("ann", "s1"));
  assertEquals(chunkKey("ann", "s1", 0).slice(0, -2), chunkPrefix("ann"));
});

Deno.test("hasExpired counts a value as gone from expiresAtMs on, and never where that is null", () => {
  assert(!hasExpired({ version: 1, expiresAtMs: 1000 }, 999));
  assert(hasExpired({ version: 1, expiresAtMs: 1000 }, 1000));
  assert(!hasExpired({ version: 1, expiresAtMs: null }, Infinity));
});
