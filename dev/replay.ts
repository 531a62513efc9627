/**
 * `deno task replay CLIP --url ws://host/vision/stream --fps 3 --magic-word WORD`: footage to any
 * Foresight, as glasses would send it.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { systemClock } from "../clock.ts";
import { clipFrames } from "./clip.ts";
import { fpsOf } from "./_arguments.ts";
import { printAsItComes, summaryOf } from "./_report.ts";
import { streamClip } from "./stream_clip.ts";
import { runCommand, say } from "./terminal.ts";

const USAGE = "Usage: replay CLIP --url ws://HOST:PORT/vision/stream [--fps 3] [--magic-word WORD]";

async function replay(): Promise<number> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: {
      url: { type: "string" },
      fps: { type: "string", default: "3" },
      "magic-word": { type: "string", default: "" },
    },
  });
  const [path] = positionals;
  if (!path || positionals.length > 1 || !values.url) throw new Error(USAGE);
  const fps = fpsOf(values.fps);
  const report = await streamClip({
    url: values.url,
    magicWord: values["magic-word"],
    frames: clipFrames(path, fps),
    fps,
    clock: systemClock,
    ...printAsItComes,
  });
  say();
  summaryOf(report).forEach(say);
  return report.ackedFrames === report.sentFrames ? 0 : 1;
}

await runCommand(replay);
