import { assert, assertEquals } from "@std/assert";
import { MAX_REPLAY, MAX_WATCHERS } from "../../timeline/watchers.ts";
import { DEFAULT_WEARER } from "../../kv/keys.ts";
import { withForesight } from "../_foresight.ts";
import { FaultyKv } from "../faults/_faulty_kv.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { until } from "../modal/local/_fixture.ts";
import { connectSession } from "./_session.ts";
import { different, LiveClient, seen, session } from "./_timeline.ts";
import { bearing, issueToken } from "./_wearers.ts";
import { tell } from "../timeline/_timeline.ts";
import { frame, withModal } from "./_vision.ts";

for (const SOCKET_TRANSPORT of ["ws", "native"]) {
  Deno.test(`timeline live says what glasses see, as it comes into the books, over ${SOCKET_TRANSPORT} [T6]`, () =>
    withModal({ SOCKET_TRANSPORT }, async (foresight) => {
      const client = await LiveClient.connect(foresight);
      assertEquals(client.response.headers.get("content-type"), "text/event-stream");
      assertEquals((await client.next())!.id, "0".repeat(20));
      const woken: string[] = [];
      const wake = foresight.watchers.wake.bind(foresight.watchers);
      foresight.watchers.wake = (wearer) => (woken.push(wearer), wake(wearer));
      const { glasses, hello, heard } = await connectSession(foresight.url);
      glasses.send(frame(1));
      const { caption } = await heard("result");
      const { id, event, data } = (await client.next())!;
      assertEquals([event, data.caption, data.session, data.chunks, data.extended], [
        "segment",
        caption,
        hello.session,
        1,
        false,
      ]);
      assertEquals(woken, [DEFAULT_WEARER], "not only found");
      assert(/^[\da-f]{20}$/.test(id!) && id! > "0".repeat(20), id);
      await glasses.leave();
      await client.leave();
      await until(() => foresight.watchers.size === 0);
    }));

  Deno.test(`timeline live ends with the process, when all was said, over ${SOCKET_TRANSPORT} [T6]`, () =>
    withForesight({ SOCKET_TRANSPORT }, async (foresight) => {
      const client = await LiveClient.connect(foresight);
      await client.next();
      await seen(foresight, ["saw 1"]);
      foresight.watchers.close();
      assertEquals((await client.next())!.data.caption, "saw 1");
      assertEquals(await client.next(), null);
      assertEquals(foresight.watchers.size, 0);
      const refused = await foresight.fetch("/timeline/live");
      assertEquals(await refused.json(), { detail: "The server is going away" });
      assertEquals([refused.status, refused.headers.get("retry-after")], [503, "5"]);
    }));

  Deno.test(`timeline live lets go of a watcher that leaves, over ${SOCKET_TRANSPORT} [T7]`, () =>
    withForesight({ SOCKET_TRANSPORT }, async (foresight) => {
      const clients = await Promise.all(
        Array.from({ length: 3 }, () => LiveClient.connect(foresight)),
      );
      for (const client of clients) await client.next();
      assertEquals(foresight.watchers.size, 3);
      await Promise.all(clients.map((client) => client.leave()));
      await until(() => foresight.watchers.size === 0);
    }));
}

Deno.test("timeline live ends as its token expires [A8]", () =>
  withForesight({}, async (foresight) => {
    // Long enough to connect with on a busy machine.
    const short = await issueToken(foresight, DEFAULT_WEARER, ["read"], { expires_in_s: 2 });
    const withToken = (path: string) => fetch(foresight.url + path, { headers: bearing(short) });
    const client = await LiveClient.connect({ fetch: withToken });
    const operators = await LiveClient.connect(foresight);
    await client.next();
    await operators.next();
    await seen(foresight, ["A dog."]);
    assertEquals((await client.next())!.data.caption, "A dog.");
    assertEquals(await client.next(), null);
    assertEquals((await operators.next())!.data.caption, "A dog.");
    assertEquals(foresight.watchers.size, 1, "the magic word does not expire");
    await operators.leave();
    await until(() => foresight.watchers.size === 0);
  }));

Deno.test("timeline live gives no place to who asks for its headers alone [T6]", () =>
  withForesight({}, async (foresight) => {
    const { status, headers } = await foresight.fetch("/timeline/live", { method: "HEAD" });
    assertEquals([status, headers.get("content-type")], [200, "text/event-stream"]);
    assertEquals(foresight.watchers.size, 0);
  }));

Deno.test("timeline live says a segment again that grows, under its own id [T6]", () =>
  withForesight({}, async (foresight) => {
    const client = await LiveClient.connect(foresight, null, "?zone=Europe/Berlin");
    await client.next();
    await seen(foresight, ["A dog."]);
    const first = (await client.next())!;
    await seen(foresight, ["A dog.", "a dog"], { id: "s2" });
    const heard = [first, ...await untilChunks(client, 2)];
    const [last] = heard.slice(-1);
    assertEquals([last!.data.id, last!.data.extended, last!.data.chunks], ["s2.0", true, 2]);
    assertEquals(last!.data.ended_at_local, "2026-01-01T13:00:02.000+01:00");
    assert(heard.every(({ id }, at) => at === 0 || id! > heard[at - 1]!.id!), "ids only grow");
    await client.leave();
  }));

Deno.test("timeline live goes on behind Last-Event-ID, with each segment as it is now [T7]", () =>
  withForesight({}, async (foresight) => {
    const client = await LiveClient.connect(foresight);
    const { id: before } = (await client.next())!;
    await seen(foresight, ["saw 0"]);
    const { id } = (await client.next())!;
    await client.leave();
    await seen(foresight, ["saw 1", "saw 1", "saw 2"], { id: "s2" });
    for (
      const [after, captions] of [[before, ["saw 0", "saw 1", "saw 2"]], [id, ["saw 1", "saw 2"]]]
    ) {
      const again = await LiveClient.connect(foresight, after as string);
      assertEquals((await again.next())!.id, after as string, "it may be lost again at once");
      for (const caption of captions!) {
        assertEquals((await again.next())!.data.caption, caption);
      }
      await again.leave();
    }
  }));

Deno.test("timeline live says when more was missed than it says again [T7]", () =>
  withForesight({}, async (foresight) => {
    await seen(foresight, different(MAX_REPLAY + 5));
    const client = await LiveClient.connect(foresight, "0".repeat(20));
    const gap = (await client.next())!;
    assertEquals([gap.event, gap.data.detail], [
      "gap",
      "More was missed than is said again: GET /timeline has it",
    ]);
    const captions = [];
    for (let left = MAX_REPLAY; left > 0; left--) {
      captions.push((await client.next())!.data.caption);
    }
    assertEquals(captions, different(MAX_REPLAY + 5).slice(5));
    await client.leave();
  }));

Deno.test("timeline live says what another process wrote [T6]", () =>
  withModal({}, (one) =>
    withForesight({}, async (other) => {
      const client = await LiveClient.connect(other);
      await client.next();
      const { glasses } = await connectSession(one.url);
      glasses.send(frame(1));
      assertEquals((await client.next())!.data.caption, "saw 1 after ");
      await glasses.leave();
      await client.leave();
    }, { kv: one.kv })));

Deno.test("timeline live ends where KV cannot be read, and goes on without a gap [T7]", () =>
  withKv(async (real) => {
    const faulty = new FaultyKv(real);
    await withForesight({}, async (foresight) => {
      const client = await LiveClient.connect(foresight);
      const { id } = (await client.next())!;
      faulty.failReads(1);
      foresight.watchers.wake(DEFAULT_WEARER);
      assertEquals(await client.next(), null);
      assert(foresight.logged.some(({ event }) => event === "kv.read_failed"));
      assertEquals(foresight.watchers.size, 0);
      await tell(real, ["A dog."], session);
      const again = await LiveClient.connect(foresight, id);
      await again.next();
      assertEquals((await again.next())!.data.caption, "A dog.");
      await again.leave();
    }, { kv: faulty.kv });
  }));

Deno.test("timeline live refuses ids that are none, and one watcher too many [T7, T8]", () =>
  withForesight({}, async (foresight) => {
    const { fetch, watchers } = foresight;
    const headers = { "last-event-id": "7" };
    const invalid = await fetch("/timeline/live", { headers });
    assertEquals([invalid.status, (await invalid.json()).detail], [
      422,
      'Last-Event-ID must be the id of an event of this stream: current value is "7"',
    ]);
    assertEquals(watchers.size, 0);
    const others = Array.from({ length: MAX_WATCHERS }, () => watchers.watch("ann"));
    const refused = await fetch("/timeline/live");
    assertEquals([refused.status, (await refused.json()).detail], [503, "Too many watch already"]);
    for (const other of others) if (typeof other !== "string") other.stop();
  }));

async function untilChunks(client: LiveClient, chunks: number) {
  const heard = [];
  do heard.push((await client.next())!); while (heard.at(-1)!.data.chunks < chunks);
  return heard;
}
