import { assert, assertEquals, assertRejects } from "@std/assert";
import { chunkKey, type ChunkRecord } from "../../kv/keys.ts";
import { frame, withModal } from "./_vision.ts";
import { until } from "../modal/local/_fixture.ts";
import { connectSession, type Message, withTwo } from "./_session.ts";

const cursors = (results: Message[]) => results.map(({ cursor }) => cursor);

Deno.test("session greets, acks by fate and pushes results [S1, S2, S3]", () =>
  withModal({}, async ({ url }) => {
    const client = await connectSession(url);
    assertEquals(client.glasses.protocol, "foresight.v2");
    assertEquals(client.glasses.acks[0] as unknown, {
      type: "hello",
      session: client.hello.session,
      resume: client.hello.resume,
      frame: 0,
      cursor: 0,
      limits: {
        max_frame_bytes: 2_097_152,
        max_fps: 60,
        chunk_seconds: 0,
        resume_seconds: 1800,
        captions: true,
      },
    });
    client.say({ type: "frame", captured_at_ms: Date.now() - 100 });
    client.glasses.send(frame(7));
    const result = await client.heard("result");
    const [ack] = client.of("ack");
    assert(Number(ack!.age_ms) >= 100 && Number(ack!.age_ms) < 10_000);
    assertEquals({ ...ack, age_ms: 0 }, {
      type: "ack",
      frame: 1,
      bytes: 50,
      status: "queued",
      age_ms: 0,
    });
    assert(Number(result.age_ms) >= Number(ack!.age_ms));
    const { caption, cursor, frames, frame: last, model, latency_ms, tokens_generated } = result;
    assertEquals({ caption, cursor, frames, last, model, latency_ms, tokens_generated }, {
      caption: "saw 7 after ",
      cursor: 1,
      frames: 1,
      last: 1,
      model: "eyes",
      latency_ms: 5,
      tokens_generated: 3,
    });
    await client.glasses.leave();
  }));

Deno.test("session goes on over a new connection: frames, history and unseen results [S4]", () =>
  withModal({}, async ({ url, streams }) => {
    const first = await connectSession(url);
    for (const at of [1, 2, 3]) {
      first.glasses.send(frame(at));
      await first.heard("result", ({ cursor }) => cursor === at);
    }
    first.glasses.vanish();
    const { session, resume } = first.hello;
    const second = await connectSession(url, { session, resume, cursor: 1 });
    assertEquals([second.hello.session, second.hello.frame, second.hello.cursor], [session, 3, 3]);
    second.glasses.send(frame(4));
    await second.heard("result", ({ cursor }) => cursor === 4);
    const results = second.of("result");
    assertEquals(cursors(results), [2, 3, 4]);
    assertEquals(results.at(-1)!.caption, "saw 4 after 1,2,3");
    assertEquals(second.of("ack").map((ack) => ack.frame), [4]);
    const times = results.flatMap((result) => [result.chunk_start_s, result.chunk_end_s]);
    assertEquals(times[3], times[4], "the clock goes on where the last chunk ended");
    await second.glasses.leave();
    await streams.drain();
  }));

Deno.test("session with a wrong secret, or none that is known, begins anew [S4]", () =>
  withModal({}, async ({ url }) => {
    const first = await connectSession(url);
    first.glasses.send(frame(1));
    await first.heard("result");
    await first.glasses.leave();
    const { session } = first.hello;
    for (const resume of ["wrong", first.hello.resume.slice(1)]) {
      const other = await connectSession(url, { session, resume, cursor: 0 });
      assert(other.hello.session !== session);
      assertEquals([other.hello.frame, other.hello.cursor], [0, 0]);
      assertEquals(other.of("result"), []);
      await other.glasses.leave();
    }
  }));

Deno.test("the newer connection wins, the older one closes with 1008 [S4]", () =>
  withModal({}, async ({ url }) => {
    const older = await connectSession(url);
    older.glasses.send(frame(1));
    await older.heard("result");
    const { session, resume } = older.hello;
    const newer = await connectSession(url, { session, resume, cursor: 1 });
    assertEquals(await older.glasses.ended, {
      code: 1008,
      reason: "another connection has the session now",
    });
    newer.glasses.send(frame(2));
    assertEquals((await newer.heard("result")).caption, "saw 2 after 1");
    await newer.glasses.leave();
  }));

Deno.test("session is described to its end when the connection is lost [S4, V7]", () =>
  withTwo({ VISION_CHUNK_SECONDS: "60" }, async ([one, other]) => {
    const first = await connectSession(one.url);
    first.glasses.send(frame(1));
    first.glasses.send(frame(2));
    await first.heard("ack", (ack) => ack.frame === 2);
    first.glasses.vanish();
    await first.glasses.ended;
    await until(() => one.streams.size === 0);
    await one.streams.drain(); // all of it is in the books
    const { session, resume } = first.hello;
    const second = await connectSession(other.url, { session, resume, cursor: 0 });
    assertEquals([second.hello.session, second.hello.frame], [session, 2]);
    const { cursor, caption, frames } = await second.heard("result");
    assertEquals([cursor, caption, frames], [1, "saw 1,2 after ", 2]);
    await second.glasses.leave();
  }));

Deno.test("bye brings what is in flight, closes with 1000 and ends the session [S6]", () =>
  withModal({ VISION_CHUNK_SECONDS: "60" }, async ({ url }) => {
    const client = await connectSession(url);
    client.glasses.send(frame(1));
    client.say({ type: "bye" });
    assertEquals(await client.glasses.ended, { code: 1000, reason: "bye" });
    assertEquals(client.of("result").map(({ caption }) => caption), ["saw 1 after "]);
    const { session, resume } = client.hello;
    const other = await connectSession(url, { session, resume, cursor: 0 });
    assert(other.hello.session !== session);
    await other.glasses.leave();
  }));

Deno.test("pause drops frames, unpause and a new prompt count for the next chunk [S2, S6]", () =>
  withModal({}, async ({ url }, modal) => {
    const client = await connectSession(url);
    client.say({ type: "pause" });
    client.glasses.send(frame(1));
    client.say({ type: "unpause" });
    client.say({ type: "prompt", prompt: "Read the signs." });
    client.glasses.send(frame(2));
    await client.heard("result");
    assertEquals(client.of("ack").map(({ status, reason }) => [status, reason]), [
      ["dropped", "paused"],
      ["queued", undefined],
    ]);
    assertEquals(client.of("result").map(({ caption }) => caption), ["saw 2 after "]);
    assertEquals(modal.seen.calls.map(({ args }) => args.prompt), ["Read the signs."]);
    client.glasses.vanish();
    const { session, resume } = client.hello;
    const second = await connectSession(url, { session, resume, cursor: 1 });
    second.glasses.send(frame(3));
    await second.heard("result");
    assertEquals(modal.seen.calls.at(-1)?.args.prompt, "Read the signs.", "it stays the session's");
    await second.glasses.leave();
  }));

Deno.test("what is not of the protocol is answered, the third time the connection closes [S7]", () =>
  withModal({}, async ({ url }) => {
    const client = await connectSession(url);
    client.glasses.send("nonsense");
    client.say({ type: "dance" });
    client.say({ type: "ask", id: "1" });
    const { code } = await client.glasses.ended;
    assertEquals(code, 1003);
    assertEquals(client.of("error").map(({ code }) => code), [
      "not_json",
      "unknown_type",
      "malformed",
    ]);
  }));

Deno.test("a claim that cannot be read is refused by name, before the upgrade [S4]", () =>
  withModal({}, async ({ url }) => {
    const refused = (remembered: Record<string, unknown>, why: string) =>
      assertRejects(() => connectSession(url, remembered), Error, why);
    await refused({ session: "a", resume: "b", cursor: "-1" }, "422");
    await refused({ session: "a" }, "resume must be given beside session");
    await refused({ resume: "b" }, "session must be given beside resume");
  }));

Deno.test("a client that leaves while the server drains: what waits for the model comes into the books [V7, S4]", () =>
  withModal({}, async (foresight, modal) => {
    const { kv, url, streams } = foresight;
    modal.faults.rpcs("functionGet", { kind: "delay", delayMs: 300 });
    const { glasses, heard, hello } = await connectSession(url);
    glasses.send(frame(1));
    await heard("ack");
    const drained = streams.drain();
    glasses.vanish();
    await drained;
    const { value } = await kv.get<ChunkRecord>(chunkKey("default", String(hello.session), 0));
    assertEquals(value?.outcome.status, "captioned");
  }));
