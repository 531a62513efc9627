import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { MAX_MESSAGE_CHARS } from "../../kv/outbox_keys.ts";
import { gistOf, quoted, wordingOf } from "../../rules/_wording.ts";
import { draft } from "./_rules.ts";

const AT_MS = Date.UTC(2026, 10, 20, 13, 5, 30);
const FACTS = { atMs: AT_MS, sinceMs: AT_MS - 600_000, heldMs: 590_000, seen: null, zone: null };

function said(
  message: string,
  facts: Partial<typeof FACTS> | { seen: string; zone?: string } = {},
) {
  const rule = draft({ name: "Stove", when: "the stove is on", then: { message } });
  return wordingOf(rule, { ...FACTS, ...facts } as typeof FACTS);
}

Deno.test("a message says what was seen and when, in the words of its rule [R6]", () => {
  const plain = draft({ when: "the stove is on" });
  assertEquals(wordingOf(plain, FACTS), "the stove is on: seen since 12:55 UTC.");
  const absent = draft({ when: "somebody takes pills", kind: "absent" });
  assertEquals(wordingOf(absent, FACTS), "somebody takes pills: not seen since 12:55 UTC.");
  assertEquals(
    said("{rule} {state} at {at}, for {for}: {seen}", { seen: "A pot.", zone: "Europe/Berlin" }),
    "Stove seen at 14:05, for 10 min: “A pot.”",
  );
  assertEquals(said("{seen}"), "nothing");
});

Deno.test("a message names the day where it began on another [R6]", () => {
  const sinceMs = AT_MS - 86_400_000;
  assertEquals(said("since {since}", { sinceMs }), "since 2026-11-19 13:05 UTC");
  assertEquals(said("{for}", { heldMs: 5_400_000 }), "1 h 30 min");
  assertEquals(said("{for}", { heldMs: 3_000 }), "3 s");
  assertEquals(said("{for}", { heldMs: 7_200_000 }), "2 h");
});

Deno.test("the model's words are quoted, short and lead nowhere [R6]", () => {
  const cases: [string, string][] = [
    ["A dog.", "“A dog.”"],
    ['He said "stop"', "“He said 'stop'”"],
    ["one\n\ntwo\u0007\u202ethree", "“one two three”"],
    ["see https://evil.example/x?a=1 now", "“see [link] now”"],
    ["go to evil.example/path, or www.evil.example", "“go to [link] or [link]”"],
    ["javascript:alert(1) and mailto:me@x.org", "“[link] and [link]”"],
    ["It is 14:05 and 3.5 metres away", "“It is 14:05 and 3.5 metres away”"],
    ["  ", "nothing"],
    ["{rule} {at}", "“{rule} {at}”"],
  ];
  for (const [given, expected] of cases) assertEquals(quoted(given), expected);
  assertEquals(said("{seen}", { seen: "{rule} {at}" }), "“{rule} {at}”");
});

Deno.test("whatever a model says, a message is one quotation of it and never too long [R6]", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 600 }), (seen) => {
    const words = quoted(seen);
    assert(words.length <= 202 && words.isWellFormed());
    assert(words === "nothing" || /^“[^\p{C}"“”]*”$/u.test(words), words);
    assert(!/https?:\/\/\S/.test(words));
    const text = said("{seen} ".repeat(140), { seen });
    assert(text.length <= MAX_MESSAGE_CHARS && text.isWellFormed());
  }));
});

Deno.test("two rules have one gist if they say the same to the same [R8]", () => {
  const rule = (message: string, more = {}) => draft({ when: "a dog", then: { message, ...more } });
  assertEquals(
    gistOf(rule("Stove! {at}")),
    gistOf(draft({ when: "x y", then: { message: "Stove! {at}" } })),
  );
  assert(gistOf(rule("Stove!")) !== gistOf(rule("Stove!", { channel: "log" })));
  assert(gistOf(rule("{rule}")) !== gistOf(draft({ when: "a cat", then: { message: "{rule}" } })));
});
