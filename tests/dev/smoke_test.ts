import { assertEquals, assertStringIncludes } from "@std/assert";
import { MAGIC_WORD } from "../_foresight.ts";
import { withModal } from "../routes/_vision.ts";

const ROOT = new URL("../../", import.meta.url);

/** Runs the task's command line, but for the network, which is this machine's alone. */
async function smoke(args: readonly string[], magicWord = "") {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const [, ...command] = tasks.smoke.replace("--allow-net", "--allow-net=127.0.0.1").split(" ");
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: [...command, ...args],
    cwd: ROOT,
    env: { MAGIC_WORD: magicWord },
  }).output();
  const decoder = new TextDecoder();
  return { code, said: decoder.decode(stdout), complained: decoder.decode(stderr) };
}

Deno.test("smoke draws frames, prints the caption and exits 0; a wrong word makes it exit 1 [A3]", () =>
  withModal({ VISION_CHUNK_SECONDS: "0.1" }, async ({ url, streams }) => {
    const [right, wrong] = await Promise.all([
      smoke([`${url}/ignored?x=1`], `${MAGIC_WORD}\n`),
      smoke([url, "--deadline-s", "30"], "hush-hush"),
    ]);
    assertEquals(right.code, 0, right.complained);
    assertStringIncludes(right.said, " s: saw 255");
    assertStringIncludes(right.said, `${url} works: `);
    assertEquals(wrong.code, 1, wrong.said);
    assertStringIncludes(wrong.complained, `${url} does not work: the magic word must open`);
    assertStringIncludes(wrong.complained, "the server answered 403 forbidden");
    const all = [right, wrong].flatMap(({ said, complained }) => [said, complained]).join();
    assertEquals([MAGIC_WORD, "hush-hush"].filter((word) => all.includes(word)), []);
    await streams.drain();
  }));

Deno.test("smoke sends the magic word nowhere in the clear, and says what it must be given [A4]", async () => {
  const cases: [args: string[], word: string, complaint: string][] = [
    [["http://example.com"], "hush", "as it must begin with https://, or http:// on this machine"],
    [["https://127.0.0.1:1", "--deadline-s", "x"], "hush", "as it must be a number from 0 to 3600"],
    [["https://127.0.0.1:1"], " ", "as MAGIC_WORD must be set: it is empty"],
    [[], "hush", "Usage: MAGIC_WORD=... smoke https://HOST"],
  ];
  await Promise.all(cases.map(async ([args, word, complaint]) => {
    const { code, complained } = await smoke(args, word);
    assertEquals([code, complained.trim().split("\n").length], [1, 1], complained);
    assertStringIncludes(complained, complaint);
  }));
});
