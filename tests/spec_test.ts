import { assertEquals } from "@std/assert";

const ROOT = new URL("../", import.meta.url);

Deno.test("every rule of SPEC.md is cited by a test", async () => {
  const spec = await Deno.readTextFile(new URL("SPEC.md", ROOT));
  const rules = [...spec.matchAll(/^- \*\*([A-Z]\d+)\*\*/gm)].map(([, rule]) => rule!);
  assertEquals(rules.length, 80, "16 A, 3 H, 5 P, 6 O, 11 V, 7 S, 9 T, 9 R, 4 C, 10 M");
  const cited = new Set<string>();
  for await (const text of testFiles(new URL("tests/", ROOT))) {
    for (const [, list] of text.matchAll(/\[((?:[A-Z]\d+(?:, )?)+)\]"/g)) {
      for (const rule of list!.split(", ")) cited.add(rule);
    }
  }
  assertEquals(rules.filter((rule) => !cited.has(rule)), []);
});

async function* testFiles(folder: URL): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* testFiles(new URL(`${name}/`, folder));
    else if (name.endsWith("_test.ts") || name.endsWith("_contract.ts")) {
      yield await Deno.readTextFile(new URL(name, folder));
    }
  }
}
