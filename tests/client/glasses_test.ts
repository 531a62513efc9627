import { assert, assertEquals } from "@std/assert";
import { connect } from "../../client/glasses.ts";
import { until } from "../modal/local/_fixture.ts";
import { frame, withModal } from "../routes/_vision.ts";
import {
  CLASSES,
  first,
  PATIENT,
  platformOf,
  seenIn,
  some,
  TRANSPORTS,
  withGlasses,
  WORD,
} from "./_glasses.ts";
import { createSockets } from "./_sockets.ts";

for (const transport of TRANSPORTS) {
  for (const name of CLASSES) {
    Deno.test(`glasses over ${name} and ${transport}: acks, results and bye [S1, S2, S3, S6]`, () =>
      withModal({ SOCKET_TRANSPORT: transport }, async ({ url }) => {
        const platform = platformOf(name, createSockets());
        const glasses = connect({ url, access: WORD, ...PATIENT, platform });
        const [acks, results, states] = [glasses.acks(), glasses.results(), glasses.states()];
        assertEquals(glasses.send(frame(1), Date.now() - 100), 1);
        glasses.send(frame(2));
        const ack = await first(acks);
        assertEquals([ack.frame, ack.given, ack.bytes, ack.status], [1, 1, 50, "queued"]);
        assert(ack.age_ms! >= 100 && ack.latencyMs! >= 0);
        assertEquals(await glasses.bye(), { kind: "left" });
        const captions = await Array.fromAsync(results, ({ caption }) => caption);
        assertEquals(captions.flatMap((caption) => seenIn(caption)), [1, 2]);
        const kinds = await Array.fromAsync(states, ({ kind }) => kind);
        assertEquals(kinds, ["connecting", "open", "closed"]);
        const { given, accounted, waiting, unaccounted, lost } = glasses.counts;
        assertEquals([given, accounted, waiting, unaccounted, lost], [2, 2, 0, 0, 0]);
      }));
  }
}

Deno.test("glasses stop at a word that is wrong, and ask no further [A3]", () =>
  withModal({}, async ({ url, logged }) => {
    for (const name of CLASSES) {
      const sockets = createSockets();
      const access = { kind: "word", word: "wrong" } as const;
      const glasses = connect({ url, access, ...PATIENT, platform: platformOf(name, sockets) });
      glasses.send(frame(1));
      const losses = glasses.losses();
      assertEquals(await glasses.closed, { kind: "refused", status: 403, detail: "forbidden" });
      assertEquals(await Array.fromAsync(losses, ({ kind, given }) => [kind, given]), [[
        "lost",
        1,
      ]]);
    }
    const asked = () => logged.filter(({ event }) => event === "request").length;
    // The upgrade, and why it was refused; the log may come a moment later.
    await until(() => asked() >= 2 * CLASSES.length);
    assertEquals(asked(), 2 * CLASSES.length);
  }));

Deno.test("glasses are refused by name for what cannot be asked [S4]", () =>
  withModal({}, async ({ url }) => {
    await withGlasses({ url, profile: "dance" }, async (glasses) => {
      const closed = await glasses.closed;
      assertEquals(closed.kind === "refused" && closed.status, 422);
    });
  }));

Deno.test("glasses begin offline, and the newest frame is sent when the server is there", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const nobody = `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
  listener.close();
  let url = nobody;
  await withGlasses(
    { url: () => url, maxWaiting: 1 },
    (glasses) =>
      withModal({}, async (foresight) => {
        const [states, losses, results] = [glasses.states(), glasses.losses(), glasses.results()];
        for (const at of [1, 2, 3]) glasses.send(frame(at));
        await first(states, ({ kind }) => kind === "waiting");
        url = foresight.url;
        assertEquals((await first(results)).caption, "saw 3 after ");
        const overtaken = await some(losses, 2);
        assertEquals(overtaken.map(({ kind, given }) => [kind, given]), [
          ["overtaken", 1],
          ["overtaken", 2],
        ]);
        const { given, accounted, overtaken: count } = glasses.counts;
        assertEquals([given, accounted, count], [3, 1, 2]);
        await glasses.bye();
      }),
  );
});

Deno.test("glasses send nothing that the server does not take", () =>
  withModal({ VISION_MAX_FRAME_BYTES: "100" }, async ({ url }) => {
    await withGlasses({ url }, async (glasses, sockets) => {
      const [losses, results] = [glasses.losses(), glasses.results()];
      glasses.send(frame(1, 101));
      glasses.send(frame(2, 100));
      assertEquals((await first(results)).caption, "saw 2 after ");
      const { kind, given } = await first(losses);
      assertEquals([kind, given], ["too_large", 1]);
      assertEquals(sockets.made, 1);
    });
  }));

Deno.test("glasses pause, look for something else and ask, also over the next connection [S6]", () =>
  withModal({}, async ({ url }, modal) => {
    await withGlasses({ url }, async (glasses, sockets) => {
      const [acks, results, states] = [glasses.acks(), glasses.results(), glasses.states()];
      await first(states, ({ kind }) => kind === "open");
      glasses.pause();
      glasses.lookFor({ prompt: "Read the signs." });
      glasses.send(frame(1));
      assertEquals((await acks.next()).value?.reason, "paused");
      sockets.cut();
      glasses.send(frame(2));
      assertEquals((await acks.next()).value?.reason, "paused", "it is said again");
      glasses.unpause();
      glasses.send(frame(3));
      assertEquals((await results.next()).value?.caption, "saw 3 after ");
      assertEquals(modal.seen.calls.map(({ args }) => args.prompt), ["Read the signs."]);
      const answer = await glasses.ask("What is it?");
      assertEquals(answer.kind, "failed", "the model takes no questions");
    });
  }));
