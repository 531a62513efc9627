import { assert, assertEquals } from "@std/assert";
import {
  chunkKey,
  chunkPrefix,
  DEFAULT_WEARER,
  hasExpired,
  pokeSendKey,
  sessionKey,
  sessionPrefix,
  sessionStartKey,
  sessionStartPrefix,
  wearerPrefix,
} from "../../kv/keys.ts";
import { callBudgetKey, rateLimitKey, streamPlacesKey } from "../../kv/ration_keys.ts";
import {
  dayOf,
  searchBlockKey,
  searchDayKey,
  searchDayPrefix,
  searchPrefix,
  searchRange,
  segmentChangeKey,
  segmentChangePrefix,
  segmentKey,
  segmentPrefix,
  segmentTailKey,
} from "../../kv/timeline_keys.ts";
import { ruleKey, rulePrefix, ruleSetKey } from "../../kv/rule_keys.ts";
import {
  messageDueKey,
  messageDuePrefix,
  messageFoldKey,
  messageKey,
  messagePrefix,
  outboxKey,
  outboxPrefix,
} from "../../kv/outbox_keys.ts";
import { tokenKey, tokenPrefix } from "../../kv/token_keys.ts";
import { withKv } from "./_temp_kv.ts";

Deno.test("keys lie as the table says, from the wearer down", () => {
  assertEquals(sessionKey(DEFAULT_WEARER, "s1"), ["wearer", "default", "session", "s1"]);
  assertEquals(chunkKey("ann", "s1", 7), ["wearer", "ann", "chunk", "s1", 7]);
  assertEquals(searchBlockKey("ann", "s1", 7), ["wearer", "ann", "search", "s1", 7]);
  assertEquals(searchBlockKey("ann", "s1", "open"), ["wearer", "ann", "search", "s1", "open"]);
  assertEquals(pokeSendKey("ann", "abc"), ["wearer", "ann", "poke_send", "abc"]);
  assertEquals(callBudgetKey("ann"), ["wearer", "ann", "call_budget"]);
  assertEquals(streamPlacesKey("ann"), ["wearer", "ann", "stream_places"]);
  assertEquals(rateLimitKey("ann", "poke", "abc"), ["wearer", "ann", "rate_limit", "poke", "abc"]);
  assertEquals(tokenKey("ann", "t1"), ["wearer", "ann", "token", "t1"]);
  assertEquals(ruleKey("ann", "r1"), ["wearer", "ann", "rule", "r1"]);
  assertEquals(ruleSetKey("ann"), ["wearer", "ann", "rule_set"]);
});
const SEGMENT = { startedAtMs: 5, session: "s1", firstIndex: 7 };

Deno.test("keys of the timeline lie as the table says", () => {
  assertEquals(sessionStartKey("ann", 5, "s1"), ["wearer", "ann", "session_start", 5, "s1"]);
  assertEquals(segmentKey("ann", SEGMENT), ["wearer", "ann", "segment", 5, "s1", 7]);
  assertEquals(segmentTailKey("ann", "s1"), ["wearer", "ann", "segment_tail", "s1"]);
  assertEquals(segmentChangeKey("ann", "0a"), ["wearer", "ann", "segment_change", "0a"]);
  assertEquals(sessionStartKey("ann", 5, "s1").slice(0, -2), sessionStartPrefix("ann"));
  assertEquals(segmentKey("ann", SEGMENT).slice(0, -3), segmentPrefix("ann"));
  assertEquals(segmentChangeKey("ann", "0a").slice(0, -1), segmentChangePrefix("ann"));
});

Deno.test("keys of messages lie as the table says", () => {
  assertEquals(messageKey("ann", "m1"), ["wearer", "ann", "message", "m1"]);
  assertEquals(messageDueKey("ann", 5, "m1"), ["wearer", "ann", "message_due", 5, "m1"]);
  assertEquals(messageFoldKey("ann", "abc"), ["wearer", "ann", "message_fold", "abc"]);
  assertEquals(messageKey("ann", "m1").slice(0, -1), messagePrefix("ann"));
  assertEquals(messageDueKey("ann", 5, "m1").slice(0, -2), messageDuePrefix("ann"));
  assertEquals([outboxKey("ann"), outboxPrefix()], [["outbox", "ann"], ["outbox"]]);
});

Deno.test("wearerPrefix holds all that is the wearer's, and nothing of another wearer", async () => {
  await withKv(async (kv) => {
    const keys = [
      sessionKey("ann", "s1"),
      chunkKey("ann", "s1", 0),
      searchBlockKey("ann", "s1", "open"),
      searchDayKey("ann", 0, 0),
      pokeSendKey("ann", "abc"),
      callBudgetKey("ann"),
      streamPlacesKey("ann"),
      rateLimitKey("ann", "poke", "abc"),
      tokenKey("ann", "t1"),
      ruleKey("ann", "r1"),
      ruleSetKey("ann"),
      sessionStartKey("ann", 5, "s1"),
      segmentKey("ann", SEGMENT),
      segmentTailKey("ann", "s1"),
      segmentChangeKey("ann", "0a"),
      messageKey("ann", "m1"),
      messageDueKey("ann", 5, "m1"),
      messageFoldKey("ann", "abc"),
    ];
    const foreign = [
      sessionKey("anna", "s2"),
      callBudgetKey("anna"),
      rateLimitKey("anna", "poke", "ann"),
      tokenKey("anna", "ann"),
      ruleKey("anna", "ann"),
      messageKey("anna", "ann"),
      outboxKey("ann"),
    ];
    for (const key of [...keys, ...foreign]) {
      await kv.set(key, true);
    }
    const found = [];
    for await (const { key } of kv.list({ prefix: wearerPrefix("ann") })) found.push(key);
    assertEquals(new Set(found.map(String)), new Set(keys.map(String)));
  });
});

Deno.test("sessionKey, chunkKey, tokenKey and ruleKey lie under their prefixes", () => {
  assertEquals(sessionKey("ann", "s1").slice(0, -1), sessionPrefix("ann"));
  assertEquals(chunkKey("ann", "s1", 0).slice(0, -1), chunkPrefix("ann", "s1"));
  assertEquals(chunkKey("ann", "s1", 0).slice(0, -2), chunkPrefix("ann"));
  assertEquals(tokenKey("ann", "t1").slice(0, -1), tokenPrefix("ann"));
  assertEquals(ruleKey("ann", "r1").slice(0, -1), rulePrefix("ann"));
});

Deno.test("hasExpired counts a value as gone from expiresAtMs on, and never where that is null", () => {
  assert(!hasExpired({ version: 1, expiresAtMs: 1000 }, 999));
  assert(hasExpired({ version: 1, expiresAtMs: 1000 }, 1000));
  assert(!hasExpired({ version: 1, expiresAtMs: null }, Infinity));
});

Deno.test("searchRange holds all blocks of sessions, then all of days, and nothing else", () =>
  withKv(async (kv) => {
    const day = dayOf(Date.UTC(2026, 10, 20, 16));
    assertEquals(day, Date.UTC(2026, 10, 20));
    const keys = [
      searchBlockKey("ann", "s1", "open"),
      searchBlockKey("ann", "s1", 7),
      searchBlockKey("ann", "\u{10ffff}", 0),
      searchDayKey("ann", day, 0),
      searchDayKey("ann", day, 10),
      searchDayKey("ann", dayOf(Number.MAX_SAFE_INTEGER), 0),
    ];
    const foreign = [
      chunkKey("ann", "s1", 0),
      sessionKey("ann", "s1"),
      segmentKey("ann", SEGMENT),
      searchBlockKey("anna", "s1", 0),
      searchDayKey("an", day, 0),
    ];
    for (const key of [...keys, ...foreign]) await kv.set(key, true);
    const found = await Array.fromAsync(kv.list(searchRange("ann")), ({ key }) => key);
    assertEquals(found, keys);
    assertEquals(searchDayKey("ann", day, 3), [...searchDayPrefix("ann", day), 3]);
    assertEquals(searchDayPrefix("ann", day).slice(0, -1), searchDayPrefix("ann"));
    assertEquals(searchBlockKey("ann", "s1", 3), [...searchPrefix("ann", "s1"), 3]);
  }));
