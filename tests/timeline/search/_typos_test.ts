import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { mistakesAllowed, mistakesBetween } from "../../../timeline/search/_typos.ts";

Deno.test("mistakesBetween counts letters more, less, other and swapped", () => {
  const cases: [string, string, number][] = [
    ["keys", "keys", 0],
    ["keys", "kyes", 1],
    ["keys", "eksy", 2],
    ["keys", "key", 1],
    ["keys", "keyss", 1],
    ["keys", "kexs", 1],
    ["umbrella", "umbrlela", 1],
    ["umbrella", "mubrelal", 2],
    ["umbrella", "brella", 2],
    ["umbrella", "umbr", 3],
    ["keys", "boat", 3],
    ["", "ab", 2],
  ];
  for (const [one, other, expected] of cases) {
    assertEquals(mistakesBetween(one, other, 2), expected, `${one} ${other}`);
    assertEquals(mistakesBetween(other, one, 2), expected, `${other} ${one}`);
  }
});

Deno.test("mistakesBetween gives up no earlier than it must", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 9 });
  fc.assert(fc.property(word, word, (one, other) => {
    const exact = mistakesBetween(one, other, 100);
    for (const most of [0, 1, 2]) {
      assertEquals(mistakesBetween(one, other, most), Math.min(exact, most + 1));
    }
    assert(exact >= Math.abs(one.length - other.length));
  }));
});

Deno.test("mistakesAllowed gives short words none", () => {
  assertEquals(["key", "keys", "kitchen", "umbrella"].map(mistakesAllowed), [0, 1, 1, 2]);
});
