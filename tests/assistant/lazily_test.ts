import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);

interface Graph {
  readonly roots: readonly string[];
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly code?: { readonly specifier: string };
      readonly isDynamic?: boolean;
    }[];
  }[];
}

/** What is loaded as the process starts. */
async function loadedAtOnce(): Promise<{ all: Set<string>; known: Set<string> }> {
  const { stdout } = await new Deno.Command("deno", {
    args: ["info", "--json", "main.ts"],
    cwd: ROOT,
    stderr: "null",
  }).output();
  const { roots, modules }: Graph = JSON.parse(new TextDecoder().decode(stdout));
  const bySpecifier = new Map(modules.map((module) => [module.specifier, module]));
  const all = new Set(roots);
  for (const specifier of all) {
    for (const { code, isDynamic } of bySpecifier.get(specifier)?.dependencies ?? []) {
      if (code && !isDynamic) all.add(code.specifier);
    }
  }
  return { all, known: new Set(bySpecifier.keys()) };
}

Deno.test("the assistant's SDK is loaded with the first request, not with the process", async () => {
  const { all, known } = await loadedAtOnce();
  const [route, answer] = ["routes/mcp.ts", "assistant/answer.ts"].map((path) =>
    new URL(path, ROOT).href
  );
  assert(all.has(route!) && known.has(answer!), "the graph was read");
  assert(!all.has(answer!));
  assertEquals([...all].filter((name) => /assistant\/|modelcontextprotocol/.test(name)), []);
});
