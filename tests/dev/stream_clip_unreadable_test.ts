import { assertRejects } from "@std/assert";
import { systemClock } from "../../clock.ts";
import { streamClip } from "../../dev/stream_clip.ts";
import { MAGIC_WORD } from "../_foresight.ts";
import { until } from "../modal/local/_fixture.ts";
import { frame, withModal } from "../routes/_vision.ts";

Deno.test("streamClip leaves when the footage cannot be read to its end", () =>
  withModal({}, async ({ url, streams }) => {
    async function* torn(): AsyncGenerator<Uint8Array> {
      yield frame(1);
      await until(() => streams.size === 1);
      throw new Error("Cannot read the clip: its last frame is cut off");
    }
    const options = { magicWord: MAGIC_WORD, fps: 100, clock: systemClock, url, frames: torn() };
    await assertRejects(() => streamClip(options), Error, "cut off");
    await until(() => streams.size === 0);
  }));
