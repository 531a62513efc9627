import { assert, assertEquals } from "@std/assert";
import { tell } from "../timeline/_timeline.ts";
import { session } from "../routes/_timeline.ts";
import { MAGIC_WORD } from "../_foresight.ts";
import { withScratch } from "../_scratch.ts";
import { withModal } from "../routes/_vision.ts";

const CLIENT = new URL("../../client/", import.meta.url);

/** What each example says, in the order of the README. */
const SAID: readonly RegExp[] = [
  /^1 saw [\d,]+ after \n[^]*left$/,
  /^attempt 1\n[^]*a new session 60\n[^]*true queued \d+ [\d.]+\n[^]*\nover: stopped$/,
  /^true$/,
  /^the first\nleft$/,
  /^2026-[^]*\+0[12]:00 my keys lie there\n[^]*changed\npaused on\n422 q must [^]* null$/,
  /^watching\nnew: .*\w/,
  /\nsession\n[^]*\nend\n/,
  /^left$/,
];

Deno.test("the examples of client/README.md run, and are of the right types", () =>
  withScratch((folder) =>
    withModal({}, async ({ url, kv }) => {
      const readme = await Deno.readTextFile(new URL("README.md", CLIENT));
      const blocks = [...readme.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code]) => code!);
      assertEquals(blocks.length, SAID.length);
      const files: string[] = [];
      for (const [at, code] of blocks.entries()) {
        const file = `${folder}/example_${at}.ts`;
        await Deno.writeTextFile(file, moduleOf(code, url));
        files.push(await Deno.realPath(file));
      }
      await check(files);
      await tell(kv, ["my keys lie there"], { ...session, startedAtMs: Date.UTC(2026, 5, 1) });
      await tell(kv, ["a dog"], { ...session, id: "ann-1", wearer: "ann" });
      for (const [at, file] of files.entries()) {
        const said = await run(file, () => tell(kv, ["a cat"], { ...session, id: `live-${at}` }));
        assert(SAID[at]!.test(said), `example ${at} said: ${said}`);
      }
    })
  ));

/** The example as a module, with what it takes for granted. */
function moduleOf(code: string, url: string): string {
  const here = code.replaceAll('from "./', `from "${CLIENT.href}`);
  const imports = here.match(/^(\/\/ @ts.*|import .*)$/gm) ?? [];
  const rest = here.replace(/^(\/\/ @ts.*|import .*)\n/gm, "");
  return `${imports.join("\n")}
export async function example(
  console: { log(...words: unknown[]): void },
  frames: AsyncIterable<Uint8Array<ArrayBuffer>>,
): Promise<void> {
  const url = ${JSON.stringify(url)}, word = ${JSON.stringify(MAGIC_WORD)};
  void [url, word, frames];
${rest}
}
`;
}

async function check(files: readonly string[]): Promise<void> {
  const command = new Deno.Command("deno", { args: ["check", "-q", ...files] });
  const { success, stderr } = await command.output();
  assert(success, new TextDecoder().decode(stderr));
}

/** What it says; `watched` happens as soon as it watches. */
async function run(file: string, watched: () => Promise<void>): Promise<string> {
  const said: string[] = [];
  const console = {
    log(...words: unknown[]) {
      said.push(
        words.map((word) => typeof word === "object" ? JSON.stringify(word) : word).join(" "),
      );
      if (words[0] === "watching") watched();
    },
  };
  const { example } = await import(`file://${file}`);
  await example(console, footage());
  return said.join("\n");
}

async function* footage() {
  for (const first of [1, 2]) {
    yield new Uint8Array(50).fill(first);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
