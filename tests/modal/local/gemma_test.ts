import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../../clock.ts";
import { createScene } from "../../../dev/scene.ts";
import type { Chunk, InferOutcome, VisionInferenceSession } from "../../../inference/client.ts";
import { createModalInference } from "../../../inference/modal.ts";
import { createDescriberGemma, LOCAL_MODEL } from "../../../modal/local/gemma.ts";
import { startLocalModal } from "../../../modal/local/server.ts";

const { signal } = new AbortController();
const CONTEXT = { prompt: "look", history: [], sessionId: "s", signal };

/** The served class behind the real adapter, over a real connection. */
async function withGemma(use: (session: VisionInferenceSession) => Promise<void>): Promise<void> {
  const gemma = createDescriberGemma();
  const modal = await startLocalModal({ classes: [gemma.served] });
  const client = createModalInference({
    serverUrl: modal.url,
    environment: "main",
    transport: "fetch",
    timeoutMs: 20_000,
    clock: systemClock,
    newId: () => crypto.randomUUID(),
  });
  try {
    const { app: appName, name: className } = gemma.served;
    const identity = { tokenId: "ak", tokenSecret: "as", appName, className };
    const opened = await client.openSession(identity, signal);
    assert(opened.kind === "opened");
    await use(opened.session);
  } finally {
    await client.close();
    await modal.close();
    await gemma.close();
  }
}

function chunkOf(pictures: readonly Uint8Array[]): Chunk {
  const frames = pictures.map((bytes, at) => ({ bytes, atS: at / 3 }));
  return { frames, frameCount: frames.length, byteCount: 0, startS: 0, endS: 1 };
}

function captionOf(outcome: InferOutcome): string {
  assert(outcome.kind === "captioned", JSON.stringify(outcome));
  assertEquals([outcome.model, outcome.chunkEndS], [LOCAL_MODEL, 1]);
  return outcome.caption;
}

Deno.test("local Gemma describes frames that travelled all the way [M1, M2]", () =>
  withGemma(async (session) => {
    const scene = createScene({ widthPx: 320, heightPx: 180 });
    const garbage = new TextEncoder().encode("not a picture");
    const rolling = [await scene.frameAt(2), garbage, await scene.frameAt(2.4)];
    const caption = captionOf(await session.inferChunk(chunkOf(rolling), CONTEXT));
    assert(/red.*moves right/.test(caption), caption);
    const lying = [await scene.frameAt(6), await scene.frameAt(6.4)];
    const still = captionOf(await session.inferChunk(chunkOf(lying), CONTEXT));
    assert(/^Nothing moves/.test(still), still);
    assertEquals(await session.inferChunk(chunkOf([garbage, garbage]), CONTEXT), {
      kind: "failed",
      scope: "chunk",
      reason:
        "UndecodableFramesError('Cannot describe 2 frames: none of them is a JPEG that can be" +
        " decoded')",
    });
  }));

Deno.test("local Gemma answers no frames with an empty caption [M2]", () =>
  withGemma(async (session) => {
    assertEquals(await session.inferChunk(chunkOf([]), CONTEXT), {
      kind: "captioned",
      caption: "",
      chunkStartS: 0,
      chunkEndS: 1,
      latencyMs: 0,
      tokensGenerated: 0,
      model: LOCAL_MODEL,
    });
  }));

Deno.test("local Gemma's close() changes nothing for anybody [M4]", async () => {
  const gemma = createDescriberGemma();
  const close = gemma.served.methods.close!;
  assertEquals(await close.call({}, signal), null);
  const described = await gemma.served.methods.infer_chunk!.call({
    frames: [await createScene({ widthPx: 160, heightPx: 90 }).frameAt(0)],
    start_ts_s: 0,
    end_ts_s: 1,
  }, signal);
  assert((described as { caption: string }).caption.length > 0);
  await gemma.close();
});
