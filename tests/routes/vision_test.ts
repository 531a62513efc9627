import { assert, assertEquals, assertRejects } from "@std/assert";
import { systemClock } from "../../clock.ts";
import { connectGlasses } from "../../dev/glasses.ts";
import { DEFAULT_WEARER, sessionPrefix, type SessionRecord } from "../../kv/keys.ts";
import { createSessionStore } from "../../kv/sessions.ts";
import { MAGIC_WORD, type TestForesight, withForesight } from "../_foresight.ts";
import { EYES, frame, withModal } from "./_vision.ts";

function recordsOf({ kv }: TestForesight) {
  return createSessionStore({ kv, clock: systemClock, retentionDays: 30 });
}

async function onlySession({ kv }: TestForesight): Promise<SessionRecord> {
  const all = await Array.fromAsync(
    kv.list<SessionRecord>({ prefix: sessionPrefix(DEFAULT_WEARER) }),
  );
  assertEquals(all.length, 1);
  return all[0]!.value;
}

for (const SOCKET_TRANSPORT of ["ws", "native"]) {
  Deno.test(`vision stream acks every frame and brings captions with acks, on ${SOCKET_TRANSPORT} [V1, V5, V11]`, () =>
    withModal({ SOCKET_TRANSPORT }, async (foresight) => {
      const glasses = await connectGlasses(foresight.url, { magicWord: MAGIC_WORD });
      glasses.send(frame(1));
      const first = await glasses.heard((ack) => "caption" in ack);
      assertEquals(first.caption, "saw 1 after ");
      assertEquals([first.latency_ms, first.tokens_generated], [5, 3]);
      glasses.send(frame(2, 60));
      await glasses.heard((ack) => ack.caption === "saw 2 after 1");
      const acks = glasses.acks.filter((ack, at) => ack.frame !== glasses.acks[at - 1]?.frame);
      assertEquals(acks.map((ack) => [ack.frame, ack.bytes]), [[1, 50], [2, 60]]);
      await glasses.leave();
    }));
}

Deno.test("vision stream keeps its books: one session, one record a chunk [V7]", () =>
  withModal({ VISION_MAX_FRAMES_PER_CHUNK: "2" }, async (foresight, modal) => {
    const glasses = await connectGlasses(foresight.url, { magicWord: MAGIC_WORD });
    glasses.send(frame(1));
    await glasses.heard((ack) => "caption" in ack);
    modal.faults.calls({ kind: "error", exception: "ValueError('no frame decodes')" });
    glasses.send(frame(2));
    const failed = await glasses.heard((ack) => "inference_error" in ack);
    assertEquals(failed.inference_error, "ValueError('no frame decodes')");
    modal.faults.calls({ kind: "delay", delayMs: 50 });
    glasses.send(frame(3));
    glasses.send(new Uint8Array());
    await glasses.heard((ack) => ack.frame === 4);
    await glasses.leave(); // with the third chunk in flight
    await foresight.streams.drain();
    const session = await onlySession(foresight);
    assert(session.status === "ended");
    assertEquals(
      [session.frameCount, session.byteCount, session.chunkCount, session.errorCount],
      [3, 150, 3, 1],
    );
    assertEquals(session.resume, null, "nobody can come back to it");
    assertEquals(session.identity, {
      appName: "foresight-gemma3-vlm",
      className: "Gemma3VLMSession",
    });
    const chunks = await Array.fromAsync(recordsOf(foresight).listChunks("default", session.id));
    assertEquals(chunks.map(({ index, outcome }) => [index, outcome.status]), [
      [0, "captioned"],
      [1, "failed"],
      [2, "captioned"],
    ]);
    assertEquals(chunks.map((chunk) => chunk.byteCount), [50, 50, 50]);
  }));

Deno.test("vision stream without Modal credentials acks and captions nothing [V8]", () =>
  withModal({ MODAL_TOKEN_ID: "", VISION_RESULT_FLUSH_MS: "1" }, async (foresight, modal) => {
    const glasses = await connectGlasses(foresight.url, { magicWord: MAGIC_WORD });
    for (let at = 1; at <= 5; at++) glasses.send(frame(at));
    await glasses.heard((ack) => ack.frame === 5);
    await glasses.leave();
    await foresight.streams.drain();
    assertEquals(glasses.acks.length, 5);
    assertEquals(modal.seen.connections, 0);
    assertEquals((await onlySession(foresight)).identity, null);
  }));

Deno.test("vision stream says once that Modal has no such class, and works [V8]", () =>
  withModal({ MODAL_CLASS_NAME: "Nobody" }, async ({ url }) => {
    const glasses = await connectGlasses(url, { magicWord: MAGIC_WORD });
    const told = await glasses.heard((ack) => "inference_error" in ack);
    assertEquals(
      [told.frame, told.inference_error],
      [0, "Modal has no class Nobody in app foresight-gemma3-vlm"],
    );
    for (let at = 1; at <= 5; at++) glasses.send(frame(at));
    await glasses.heard((ack) => ack.frame === 5);
    assertEquals(glasses.acks.filter((ack) => "inference_error" in ack).length, 1);
    await glasses.leave();
  }));

Deno.test("vision stream takes its Modal identity from headers first [V10]", () =>
  withModal({ MODAL_TOKEN_ID: "", MODAL_TOKEN_SECRET: "" }, async ({ url }, modal) => {
    modal.deploy({ ...EYES, app: "other-app", name: "OtherEyes" });
    const glasses = await connectGlasses(url, {
      magicWord: MAGIC_WORD,
      headers: {
        "x-modal-token-id": " ak-header ",
        "x-modal-token-secret": "as-header",
        "x-modal-app-name": "other-app",
        "x-modal-class-name": "OtherEyes",
      },
    });
    glasses.send(frame(1));
    await glasses.heard((ack) => "caption" in ack);
    await glasses.leave();
    const [call] = modal.seen.calls;
    assertEquals([call?.tokenId, call?.app, call?.className], [
      "ak-header",
      "other-app",
      "OtherEyes",
    ]);
  }));

Deno.test("vision streams share no caption, no history and no frame [V11]", () =>
  withModal({}, async ({ url }, modal) => {
    const wearers = await Promise.all(
      [1, 2, 3, 4].map(() => connectGlasses(url, { magicWord: MAGIC_WORD })),
    );
    for (let turn = 1; turn <= 4; turn++) {
      await Promise.all(wearers.map(async (glasses, at) => {
        glasses.send(frame(10 * at + turn));
        const mine = await glasses.heard((ack) =>
          String(ack.caption).startsWith(`saw ${10 * at + turn} after`)
        );
        const numbers = String(mine.caption).match(/\d+/g)!.map(Number);
        assert(numbers.every((number) => Math.floor(number / 10) === at), String(mine.caption));
      }));
    }
    assertEquals(new Set(modal.seen.calls.map((call) => call.args.session_id)).size, 4);
    await Promise.all(wearers.map((glasses) => glasses.leave()));
  }));

for (const SOCKET_TRANSPORT of ["ws", "native"]) {
  Deno.test(`vision stream closes with a reason, and its neighbours feel nothing, on ${SOCKET_TRANSPORT} [V9]`, () =>
    withModal(
      { SOCKET_TRANSPORT, VISION_MAX_FRAME_BYTES: "100", VISION_MAX_FPS: "5" },
      async ({ url }) => {
        const connect = () => connectGlasses(url, { magicWord: MAGIC_WORD });
        const neighbour = await connect();
        const [tooBig, text, tooFast] = [await connect(), await connect(), await connect()];
        tooBig.send(frame(1, 101));
        text.send("hello");
        for (let at = 0; at < 20; at++) tooFast.send(frame(1));
        assertEquals(await tooBig.ended, {
          code: 1009,
          reason: "a frame must be at most 100 bytes: it was 101",
        });
        assertEquals((await text.ended).code, 1003);
        assertEquals((await tooFast.ended).code, 1008);
        neighbour.send(frame(9));
        await neighbour.heard((ack) => ack.caption === "saw 9 after ");
        await neighbour.leave();
      },
    ));
}

for (const SOCKET_TRANSPORT of ["ws", "native"]) {
  Deno.test(`vision stream closes 1012 when the server goes away, and takes no new one, on ${SOCKET_TRANSPORT} [V9]`, () =>
    withModal({ SOCKET_TRANSPORT }, async (foresight) => {
      const glasses = await connectGlasses(foresight.url, { magicWord: MAGIC_WORD });
      glasses.send(frame(1));
      await glasses.heard((ack) => ack.frame === 1);
      await foresight.streams.drain();
      assertEquals((await glasses.ended).code, 1012);
      const refused = await foresight.fetch("/vision/stream", {
        headers: { upgrade: "websocket" },
      });
      assertEquals([refused.status, refused.headers.get("retry-after")], [503, "5"]);
      await refused.body?.cancel();
    }));
}

Deno.test("vision stream opens at most so often per minute, and says when again", () =>
  withForesight({ RATE_LIMIT_STREAMS_PER_MINUTE: "2" }, async ({ url, fetch }) => {
    for (let at = 0; at < 2; at++) {
      await (await connectGlasses(url, { magicWord: MAGIC_WORD })).leave();
    }
    await assertRejects(() => connectGlasses(url, { magicWord: MAGIC_WORD }));
    const refused = await fetch("/vision/stream", { headers: { upgrade: "websocket" } });
    assertEquals(refused.status, 429);
    const seconds = Number(refused.headers.get("retry-after"));
    assert(seconds > 50 && seconds <= 60, String(seconds));
    assertEquals(await refused.json(), { detail: "Streams may be opened 2 times per minute" });
  }));

Deno.test("vision stream asks for an upgrade where there is none [H2]", () =>
  withForesight({}, async ({ fetch }) => {
    const response = await fetch("/vision/stream");
    assertEquals([response.status, response.headers.get("upgrade")], [426, "websocket"]);
    assertEquals(await response.json(), { detail: "Upgrade to WebSocket required" });
  }));

Deno.test("vision stream is refused while memory is short, and says when again [H2]", async () => {
  const memory = { isFull: false };
  await withForesight({}, async ({ url, streams, fetch }) => {
    const glasses = await connectGlasses(url, { magicWord: MAGIC_WORD });
    while (streams.size === 0) await new Promise((done) => setTimeout(done, 1));
    memory.isFull = true;
    const refused = await fetch("/vision/stream", { headers: { upgrade: "websocket" } });
    assertEquals([refused.status, refused.headers.get("retry-after")], [503, "30"]);
    assertEquals(await refused.json(), { detail: "The server is full: it is short of memory" });
    await glasses.leave();
  }, { memory });
});
