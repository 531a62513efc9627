import { assertEquals } from "@std/assert";
import { mergePatch } from "../../rules/_merge_patch.ts";

Deno.test("mergePatch does what the examples of RFC 7396 say", () => {
  const examples: [target: unknown, patch: unknown, result: unknown][] = [
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [["a", "b"], ["c", "d"], ["c", "d"]],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ a: "foo" }, "bar", "bar"],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [target, patch, result] of examples) {
    const before = JSON.stringify(target);
    assertEquals(mergePatch(target, patch), result);
    assertEquals(JSON.stringify(target), before);
  }
});

Deno.test("mergePatch makes a field of __proto__ and no prototype", () => {
  const merged = mergePatch({ a: 1 }, JSON.parse('{"__proto__": {"b": 2}}')) as object;
  assertEquals(Object.getPrototypeOf(merged), Object.prototype);
  assertEquals(Object.keys(merged), ["a", "__proto__"]);
});
