import { assert, assertEquals } from "@std/assert";
import { connect, type State } from "../../client/glasses.ts";
import { Random } from "../faults/_random.ts";
import { WeakLine } from "../faults/_weak_line.ts";
import { until } from "../modal/local/_fixture.ts";
import { withTwo } from "../routes/_session.ts";
import { frame, withModal } from "../routes/_vision.ts";
import {
  CLASSES,
  first,
  PATIENT,
  platformOf,
  seenIn,
  TRANSPORTS,
  withGlasses,
  WORD,
} from "./_glasses.ts";
import { createSockets } from "./_sockets.ts";

const FRAMES = 120;
const CUTS = 12;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

for (const transport of TRANSPORTS) {
  for (const name of CLASSES) {
    Deno.test(`glasses over ${name} and ${transport}: the plug is pulled, nothing is lost or doubled [S3, S4]`, () =>
      withModal({ SOCKET_TRANSPORT: transport, VISION_CHUNK_SECONDS: "0.02" }, async ({ url }) => {
        const random = new Random(7);
        const line = new WeakLine(() => url);
        const platform = platformOf(name, createSockets());
        const glasses = connect({ url: line.url, access: WORD, ...PATIENT, platform });
        const [results, states] = [glasses.results(), glasses.states()];
        const cutsAt = new Set<number>();
        while (cutsAt.size < CUTS) cutsAt.add(random.between(1, FRAMES));
        for (let at = 1; at <= FRAMES; at++) {
          glasses.send(frame(at, random.between(50, 60_000)));
          await pause(random.between(0, 8));
          if (cutsAt.has(at)) line.cut();
        }
        assertEquals(await glasses.bye(), { kind: "left" });
        await line.close();
        const heard = await Array.fromAsync(results);
        assertEquals(heard.map(({ cursor }) => cursor), heard.map((_, at) => at + 1));
        const seen = heard.flatMap(({ caption }) => seenIn(caption));
        assertEquals(seen, [...new Set(seen)].sort((a, b) => a - b), "in order, and none twice");
        const stood = await Array.fromAsync(states).then((all) => all.filter(isOpen));
        assert(stood.length > 3, `it came back ${stood.length} times`);
        assertEquals(new Set(stood.map(({ session }) => session)).size, 1);
        const { given, accounted, skipped, dropped } = glasses.counts;
        assertEquals([given, accounted + skipped + dropped], [FRAMES, FRAMES]);
        assertEquals([skipped, dropped], [0, 0]);
      }));
  }
}

function isOpen<T extends { kind: string }>(state: T): state is Extract<T, { kind: "open" }> {
  return state.kind === "open";
}

Deno.test("glasses come back after a drain, to another process, and lose nothing [V9, S4]", () =>
  withTwo({}, async ([one, other], modal) => {
    let url = one.url;
    await withGlasses({ url: () => url }, async (glasses) => {
      const [notices, results, states] = [glasses.notices(), glasses.results(), glasses.states()];
      // Something is in flight, so the server stays a while.
      modal.faults.calls({ kind: "delay", delayMs: 300 }, { times: 1 });
      glasses.send(frame(1));
      await until(() => modal.seen.calls.length === 1);
      url = other.url;
      const drained = one.streams.drain();
      assertEquals((await first(notices)).code, "draining");
      glasses.send(frame(2));
      await drained;
      const stood = [await opened(states), await opened(states)];
      await glasses.bye();
      const captions = await Array.fromAsync(results, ({ caption }) => caption);
      assertEquals(captions, ["saw 1 after ", "saw 2 after 1"]);
      assertEquals(stood.map(({ isResumed }) => isResumed), [false, true]);
      assertEquals(glasses.counts.dropped, 0, "no frame is sent to be dropped");
    });
  }));

/** Waits until it stands. */
async function opened(states: AsyncIterator<State>) {
  return await first(states, isOpen) as Extract<State, { kind: "open" }>;
}

Deno.test("glasses send again what was acknowledged and lost, or count it [S4]", async () => {
  for (const lostFrames of ["again", "count"] as const) {
    await withModal({ VISION_DRAIN_SECONDS: "0.1" }, async ({ url }, modal) => {
      modal.faults.calls({ kind: "hang" }, { times: 1 });
      await withGlasses(
        { url, lostFrames },
        async (glasses, sockets) => {
          const [losses, results, acks] = [glasses.losses(), glasses.results(), glasses.acks()];
          glasses.send(frame(1));
          assertEquals((await first(acks)).status, "queued");
          await until(() => modal.seen.calls.length === 1);
          sockets.cut();
          if (lostFrames === "count") {
            const { kind, given } = await first(losses);
            assertEquals([kind, given], ["lost", 1]);
          }
          glasses.send(frame(2));
          await glasses.bye();
          const heard = (await Array.fromAsync(results)).flatMap(({ caption }) => seenIn(caption));
          assertEquals(heard, lostFrames === "again" ? [1, 2] : [2]);
          assertEquals(glasses.counts.lost, lostFrames === "again" ? 0 : 1);
        },
      );
    });
  }
});

Deno.test("glasses go on after the page is loaded again, with what they missed [S4]", () =>
  withModal({}, async ({ url }) => {
    let remembered = null as Parameters<typeof connect>[0]["resumeFrom"];
    await withGlasses({ url }, async (glasses) => {
      const results = glasses.results();
      glasses.send(frame(1));
      await results.next();
      remembered = { ...glasses.remembered!, cursor: 0 };
    });
    await withGlasses({ url, resumeFrom: remembered! }, async (glasses) => {
      const results = glasses.results();
      assertEquals((await results.next()).value?.caption, "saw 1 after ");
      glasses.send(frame(2));
      assertEquals((await results.next()).value?.caption, "saw 2 after 1");
      assertEquals(glasses.remembered?.session, remembered!.session);
    });
  }));

Deno.test("glasses whose session is unknown begin anew, and send all that was not described [S4]", () =>
  withModal({}, async ({ url }) => {
    const resumeFrom = { session: "gone", resume: "secret", cursor: 5 };
    await withGlasses({ url, resumeFrom }, async (glasses) => {
      const [results, states] = [glasses.results(), glasses.states()];
      glasses.send(frame(1));
      const { isResumed, session } = await opened(states);
      assertEquals([isResumed, session === "gone"], [false, false]);
      assertEquals((await results.next()).value?.cursor, 1);
    });
  }));

Deno.test("glasses leave a session to others who take it again and again [S4]", () =>
  withModal({}, async ({ url }) => {
    await withGlasses({ url, maxTakeovers: 1 }, async (glasses) => {
      const states = glasses.states();
      await first(states, isOpen);
      const resumeFrom = glasses.remembered!;
      await withGlasses({ url, resumeFrom, maxTakeovers: Infinity }, async (other) => {
        assertEquals(await glasses.closed, { kind: "taken_over" });
        const results = other.results();
        other.send(frame(1));
        assertEquals((await results.next()).value?.caption, "saw 1 after ");
      });
    });
  }));

Deno.test("a network that takes nothing holds no more than the bounds", () =>
  withModal({}, async ({ url }) => {
    const line = new WeakLine(() => url);
    const bounds = { maxWaiting: 2, maxUnacked: 600, maxBufferedBytes: 500_000 };
    let isSent = 0;
    const trace = ({ kind }: { kind: string }) => void (isSent += Number(kind === "sent"));
    await withGlasses({ url: line.url, ...bounds, trace }, async (glasses, sockets) => {
      await first(glasses.states(), isOpen);
      const thaw = line.freeze();
      const bytes = frame(1, 100_000);
      let at = 0;
      // The machine's own buffers fill first.
      for (; at < 5_000 && glasses.counts.overtaken < 50; at++) {
        glasses.send(bytes);
        if (at % 10 === 0) await pause(0);
      }
      assert(glasses.counts.overtaken >= 50, `the network took ${isSent} frames`);
      assert(sockets.bufferedBytes <= 500_000 + 100, `${sockets.bufferedBytes} bytes wait`);
      assertEquals(glasses.counts.waiting, 2);
      thaw();
      assertEquals(await glasses.bye(), { kind: "left" });
      const { given, accounted, dropped, overtaken, sent } = glasses.counts;
      assertEquals([given, accounted + dropped + overtaken], [at, at]);
      assert(sent >= accounted);
    });
    await line.close();
  }));
