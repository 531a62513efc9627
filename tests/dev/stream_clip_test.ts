import { assert, assertEquals, assertRejects } from "@std/assert";
import { systemClock } from "../../clock.ts";
import { type ClipReport, streamClip, type StreamClipOptions } from "../../dev/stream_clip.ts";
import { MAGIC_WORD } from "../_foresight.ts";
import { until } from "../modal/local/_fixture.ts";
import { frame, withModal } from "../routes/_vision.ts";

const FPS = 20;
const COMMON = { magicWord: MAGIC_WORD, fps: FPS, clock: systemClock };

/** Whether a number can be a time that passed. */
const isTime = (ms: number) => Number.isFinite(ms) && ms >= 0;

Deno.test("streamClip keeps the frames' time, counts what it hears and how old it is, and leaves", () => {
  const captions: string[] = [];
  const errors: string[] = [];
  const progress: number[] = [];
  async function* frames(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < 12; at++) yield frame(at);
  }
  return withModal({ VISION_CHUNK_SECONDS: "0.1" }, async ({ url, streams }, modal) => {
    modal.faults.calls({ kind: "error", exception: "ValueError('too dark')" });
    const startedAtMs = systemClock.monotonicMs();
    const report = await streamClip({
      ...COMMON,
      url,
      frames: frames(),
      onCaption({ text, atS, ageMs }) {
        captions.push(text);
        assert(isTime(atS) && isTime(ageMs), `${atS} s, ${ageMs} ms`);
      },
      onError: (reason, atS) => void errors.push(`${reason} ${isTime(atS)}`),
      onProgress: ({ sentFrames }) => void progress.push(sentFrames),
    });
    const { sentFrames, ackedFrames, seconds, ackMs, captionAgeMs, endedByServer } = report;
    assertEquals([sentFrames, ackedFrames, endedByServer], [12, 12, null]);
    assertEquals(progress, Array.from({ length: 12 }, (_, at) => at + 1));
    assertEquals([report.captions, report.errors], [captions.length, 1]);
    assertEquals(errors, ["ValueError('too dark') true"]);
    assert(
      captions.length >= 1 && captions.every((text) => /^saw \d/.test(text)),
      String(captions),
    );
    assertEquals([ackMs.length, captionAgeMs.length], [12, captions.length]);
    assert([...ackMs, ...captionAgeMs].every(isTime), JSON.stringify(report));
    assert(seconds >= 11 / FPS && seconds <= (systemClock.monotonicMs() - startedAtMs) / 1000);
    await until(() => streams.size === 0);
  });
});

Deno.test("streamClip stops when the server ends the stream, and lets go of the footage", () =>
  withModal({ VISION_MAX_FRAME_BYTES: "100" }, async (foresight) => {
    let isReleased = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        yield frame(1, 50);
        yield frame(2, 60);
        yield frame(3, 101);
        await until(() => foresight.streams.size === 0);
        while (true) yield frame(4);
      } finally {
        isReleased = true;
      }
    }
    const report: ClipReport = await streamClip({
      ...COMMON,
      url: foresight.url,
      frames: endless(),
    });
    assertEquals(report.endedByServer, {
      code: 1009,
      reason: "a frame must be at most 100 bytes: it was 101",
    });
    assertEquals([report.ackedFrames, report.ackMs.length, isReleased], [2, 2, true]);
    assert(report.sentFrames >= 3);
  }));

Deno.test("streamClip takes the whole address of a stream, and says why it is refused", () =>
  withModal({}, async ({ url, streams }) => {
    const asked: string[] = [];
    async function* frames(): AsyncGenerator<Uint8Array> {
      asked.push("a frame");
      yield frame(1);
    }
    const options: StreamClipOptions = { ...COMMON, url, frames: frames() };
    const stream = `${url.replace("http", "ws")}/vision/stream`;
    for (const url of [options.url, stream]) {
      await assertRejects(
        () => streamClip({ ...options, url, magicWord: "wrong" }),
        Error,
        "Cannot connect: the server answered 403 forbidden",
      );
    }
    assertEquals([asked, streams.size], [[], 0]);
  }));
