import { assertEquals } from "@std/assert";
import { connectGlasses } from "../../dev/glasses.ts";
import { MAGIC_WORD } from "../_foresight.ts";
import { ground, plain } from "../modal/local/describer/_pictures.ts";
import { jpegOf } from "../stream/governor/_jpegs.ts";
import { withModal } from "./_vision.ts";

/** Sends frames one by one; of each its acks, and how many frames each caption was about. */
async function watch(url: string, frames: readonly Uint8Array[], isSkipped: readonly boolean[]) {
  const glasses = await connectGlasses(url, { magicWord: MAGIC_WORD });
  for (const [at, frame] of frames.entries()) {
    const captions = () => glasses.acks.filter((ack) => "caption" in ack).length;
    const wanted = captions() + (isSkipped[at] ? 0 : 1);
    glasses.send(frame);
    await glasses.heard((ack) => ack.frame === at + 1 && captions() === wanted);
  }
  await glasses.leave();
  const captions = glasses.acks.map(({ caption }) => caption).filter(Boolean);
  const acks = glasses.acks.filter((ack, at) => ack.frame !== glasses.acks[at - 1]?.frame);
  return {
    acks: acks.map(({ frame, bytes }) => [frame, bytes]),
    frames: captions.map((caption) => String(caption).split(" after ")[0]!.match(/255/g)!.length),
  };
}

Deno.test("vision stream sends no chunk while nothing changes, and acks as ever [S2, V1]", () =>
  withModal(
    { VISION_SKIP_SIMILAR: "on", VISION_HEARTBEAT_SECONDS: "0" },
    async ({ url }, modal) => {
      const [meadow, room] = [await jpegOf(ground), await jpegOf(plain(200, 180, 120))];
      const frames = [meadow, meadow, meadow, room, room, meadow];
      const skipped = [false, true, true, false, true, false];
      const seen = await watch(url, frames, skipped);
      assertEquals(seen.acks, frames.map(({ length }, at) => [at + 1, length]));
      assertEquals(seen.frames, [1, 1, 1]);
      assertEquals(modal.seen.callCount, 3);
    },
  ));

Deno.test("vision stream sends every frame while VISION_SKIP_SIMILAR is off [V3]", () =>
  withModal({}, async ({ url }) => {
    const meadow = await jpegOf(ground);
    const seen = await watch(url, [meadow, meadow, meadow], [false, false, false]);
    assertEquals(seen.frames, [1, 1, 1]);
  }));

Deno.test("vision stream looks again where the model did not answer [S2]", () =>
  withModal(
    { VISION_SKIP_SIMILAR: "on", VISION_HEARTBEAT_SECONDS: "0" },
    async ({ url }, modal) => {
      const meadow = await jpegOf(ground);
      const glasses = await connectGlasses(url, { magicWord: MAGIC_WORD });
      modal.faults.calls({ kind: "error", exception: "ValueError('no')" });
      glasses.send(meadow);
      await glasses.heard((ack) => "inference_error" in ack);
      glasses.send(meadow);
      await glasses.heard((ack) => "caption" in ack);
      await glasses.leave();
    },
  ));
