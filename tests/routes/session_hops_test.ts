import { assert, assertEquals } from "@std/assert";
import { until } from "../modal/local/_fixture.ts";
import { frame } from "./_vision.ts";
import { connectSession, type Message, withTwo } from "./_session.ts";

const FRAMES = 120;
const FREE = {
  VISION_MAX_FPS: "0",
  RATE_LIMIT_STREAMS_PER_MINUTE: "0",
  /** Every frame travels, so that captions say which were seen. */
  VISION_MAX_FRAMES_PER_CHUNK: "0",
};

/** The frames that captions say were seen, in order. */
const seenIn = (results: Message[]) =>
  results.flatMap(({ caption }) =>
    String(caption).match(/^saw ([\d,]+)/)![1]!.split(",").map(Number)
  );
const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

Deno.test("client that hops between two processes misses no result and no frame, and gets none twice [S3, S4]", () =>
  withTwo(FREE, async (both, modal) => {
    const results: Message[] = [];
    let remembered: { session: string; resume: string; cursor: number } | undefined;
    let hops = 0;
    for (let isDone = false; !isDone; hops++) {
      assert(hops < 500, `only ${results.length} results`);
      if (hops % 2) modal.faults.calls({ kind: "delay", delayMs: 5 });
      const client = await connectSession(both[hops % 2]!.url, remembered);
      const { session, resume, frame: from, cursor } = client.hello;
      assertEquals(session, remembered?.session ?? session);
      assert(cursor >= results.length, "what was told stays in the books");
      const to = Math.min(FRAMES, from + 8);
      for (let at = from + 1; at <= to; at++) client.glasses.send(frame(at));
      isDone = from === FRAMES;
      // Leaves at another moment each time: at the end of all, with a result, an ack, or nothing.
      if (isDone) await until(() => results.length + client.of("result").length >= cursor);
      else if (hops % 3 === 0) {
        await client.heard("result", (result) => Number(result.cursor) > cursor);
      } else if (hops % 3 === 1) await client.heard("ack", (ack) => ack.frame === to);
      client.glasses.vanish();
      await client.glasses.ended;
      results.push(...client.of("result"));
      remembered = { session, resume, cursor: results.length };
    }
    assert(hops > 20, `${hops} hops`);
    assertEquals(results.map((result) => result.cursor), upTo(results.length));
    assertEquals(seenIn(results), upTo(FRAMES));
    const ends = results.map((result) => [result.chunk_start_s, result.chunk_end_s].map(Number));
    for (const [at, [startS, endS]] of ends.entries()) {
      assert(startS! <= endS! && startS! >= (ends[at - 1]?.[1] ?? 0), `the clock at ${at}`);
    }
  }));

Deno.test("client that comes to another process takes the session from the first one [S4]", () =>
  withTwo({}, async ([one, other]) => {
    const older = await connectSession(one.url);
    older.glasses.send(frame(1));
    await older.heard("result");
    const { session, resume } = older.hello;
    const newer = await connectSession(other.url, { session, resume, cursor: 1 });
    newer.glasses.send(frame(2));
    await newer.heard("result", ({ cursor }) => cursor === 2);
    // The older one does not know yet: it hears of it when its own chunk is to be written.
    older.glasses.send(frame(9));
    assertEquals(await older.glasses.ended, {
      code: 1008,
      reason: "another connection has the session now",
    });
    assertEquals(older.of("result").length, 1, "what is not in the books was never told");
    newer.glasses.send(frame(3));
    const { caption } = await newer.heard("result", ({ cursor }) => cursor === 3);
    assertEquals(caption, "saw 3 after 1,2");
    await newer.glasses.leave();
  }));

Deno.test("process that goes away says so, tells what is in flight, and another goes on [S4, S5]", () =>
  withTwo({}, async ([one, other], modal) => {
    const first = await connectSession(one.url);
    modal.faults.calls({ kind: "delay", delayMs: 50 });
    first.glasses.send(frame(1));
    await first.heard("ack");
    const drained = one.streams.drain();
    const { code } = await first.glasses.ended;
    await drained;
    assertEquals(code, 1012);
    assertEquals(first.of("notice").map((notice) => notice.code), ["draining"]);
    assertEquals(first.of("result").map(({ caption }) => caption), ["saw 1 after "]);
    const { session, resume } = first.hello;
    const second = await connectSession(other.url, { session, resume, cursor: 1 });
    assertEquals([second.hello.session, second.hello.cursor], [session, 1]);
    second.glasses.send(frame(2));
    assertEquals((await second.heard("result")).caption, "saw 2 after 1");
    await second.glasses.leave();
  }));

Deno.test("frames that were given up come again: hello says from where [S1, S4]", () =>
  withTwo({ VISION_DRAIN_SECONDS: "0.05" }, async ([one, other], modal) => {
    const first = await connectSession(one.url);
    first.glasses.send(frame(1));
    await first.heard("result");
    modal.faults.calls({ kind: "delay", delayMs: 60_000 });
    first.glasses.send(frame(2));
    await until(() => modal.seen.callCount === 2);
    first.glasses.vanish();
    await until(() => one.streams.size === 0);
    await one.streams.drain();
    const { session, resume } = first.hello;
    const second = await connectSession(other.url, { session, resume, cursor: 1 });
    assertEquals([second.hello.frame, second.hello.cursor], [1, 1]);
    second.glasses.send(frame(2));
    const { frame: last, caption } = await second.heard("result");
    assertEquals([last, caption], [2, "saw 2 after 1"]);
    await second.glasses.leave();
  }));
