import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  DEFAULT_MESSAGE,
  MAX_MESSAGE_CHARS,
  MESSAGE,
  MESSAGE_FIELDS,
} from "../../rules/_message.ts";

function problemWith(text: unknown): string | null {
  return MESSAGE.safeParse(text).error?.issues[0]?.message ?? null;
}

Deno.test("MESSAGE takes texts with the fields that there are", () => {
  const all = MESSAGE_FIELDS.map((field) => `{${field}}`).join(" ");
  const texts = [DEFAULT_MESSAGE, all, "Line one\nline two", "🔥", "Es brennt!", "{seen}"];
  for (const text of texts) assertEquals(MESSAGE.parse(text), text);
  assertEquals(MESSAGE.parse(" a\r\nb "), "a\nb");
});

Deno.test("MESSAGE refuses unknown fields, stray braces, hidden characters and no text [R2]", () => {
  const withFields = [
    "{caption}",
    "Hi {name}",
    "{At}",
    "{ at }",
    "{{at}}",
    "a {}",
    "a }",
    "{at",
    "${at}}",
  ];
  for (const text of withFields) assert(problemWith(text)?.includes("{rule}"), text);
  for (const text of ["a\u0007b", "a\u202eb", "a\tb", "a\u2028b"]) {
    assert(problemWith(text)?.includes("hidden"), JSON.stringify(text));
  }
  const without = ["", " \n ", "...", "a".repeat(MAX_MESSAGE_CHARS + 1), null, 7, undefined];
  for (const text of without) assert(problemWith(text)?.includes("1 to 1000"), String(text));
});

Deno.test("MESSAGE: whatever it takes holds no braces but those of fields", () => {
  const piece = fc.oneof(fc.string(), fc.constantFrom("{", "}", "{at}", "{seen}", "{x}", "$"));
  fc.assert(
    fc.property(fc.array(piece).map((pieces) => pieces.join("")), (given) => {
      const read = MESSAGE.safeParse(given);
      if (!read.success) return;
      const names = read.data.split(/[{}]/).filter((_, index) => index % 2 === 1);
      assertEquals(
        names.filter((name) => !(MESSAGE_FIELDS as readonly string[]).includes(name)),
        [],
      );
      assertEquals(read.data.split("{").length, read.data.split("}").length);
    }),
    { numRuns: 500 },
  );
});
