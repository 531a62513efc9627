import { assert, assertEquals, assertMatch } from "@std/assert";
import { film, ground, square } from "../modal/local/describer/_pictures.ts";
import { withScratch } from "../_scratch.ts";
import { demoCommand } from "./_demo_command.ts";

const FRAMES = 6;

// Two seconds of footage, and two of silence before the demo takes it that nothing more will come.
Deno.test("demo shows the way from frames to captions, records and a message, with the task's permissions", () =>
  withScratch(async (folder) => {
    const red = [220, 30, 30] as const;
    const frames = await film(FRAMES, (at) => square(30 + 25 * at, 72, red, ground));
    for (const [at, bytes] of frames.entries()) {
      await Deno.writeFile(`${folder}/${at}.jpg`, bytes);
    }
    const child = new Deno.Command("deno", { args: [...await demoCommand(), folder] });
    const { code, stdout, stderr } = await child.output();
    const told = new TextDecoder().decode(stdout);
    assertEquals(code, 0, told + new TextDecoder().decode(stderr));
    const captions = [...told.matchAll(/^ +\d+\.\d s {2}(\S.*) {2}\(-?\d+ ms old\)$/gm)];
    assert(captions.length >= 1, told);
    assert(captions.some(([, caption]) => /red/.test(caption!)), told);
    assertMatch(told, /^frames +6 sent, 6 acked$/m);
    assertMatch(
      told,
      new RegExp(`^chunks +\\d+ answered: ${captions.length} captions, 0 errors$`, "m"),
    );
    const last = captions.at(-1)![1]!;
    assert(told.includes(`answered 200; the sink got 1: "Foresight saw: ${last}"`), told);
    const stored = /^KV +holds 1 session and (\d+) chunks \((\d+) captions, 0 errors\)$/m.exec(
      told,
    );
    assertEquals(stored?.[1], stored?.[2], told);
    assert(Number(stored?.[1]) >= captions.length, told);
  }));
