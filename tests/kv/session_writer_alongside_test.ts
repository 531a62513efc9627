import { assertEquals, assertRejects } from "@std/assert";
import { sessionKey } from "../../kv/keys.ts";
import { createSessionStore } from "../../kv/sessions.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { captioned, live } from "./_sessions.ts";
import { withKv } from "./_temp_kv.ts";

Deno.test("SessionWriter lets others add to the commit of a chunk, and of nothing else", () =>
  withKv(async (kv) => {
    const seen: number[] = [];
    const writer = createSessionStore({
      kv,
      clock: createFakeClock(),
      retentionDays: 30,
      alongside: [
        (commit, session, chunk) => {
          seen.push(session.chunkCount);
          commit.set(["beside", chunk.index], chunk.outcome);
        },
      ],
    }).begin(live);
    await writer.write(live);
    assertEquals(seen, []);
    await writer.write({ ...live, chunkCount: 1 }, captioned);
    const [beside, session] = await Promise.all([
      kv.get(["beside", 0]),
      kv.get(sessionKey("ann", "s1")),
    ]);
    assertEquals([seen, beside.value], [[1], captioned.outcome]);
    assertEquals(beside.versionstamp, session.versionstamp, "one commit");
  }));

Deno.test("SessionWriter says whose chunk is in the books, when it is", () =>
  withKv(async (kv) => {
    const told: string[] = [];
    const writer = createSessionStore({
      kv,
      clock: createFakeClock(),
      retentionDays: 30,
      chunkWritten: (wearer) => void told.push(wearer),
    }).begin(live);
    await writer.write(live);
    assertEquals(told, []);
    const written = writer.write({ ...live, chunkCount: 1 }, captioned);
    assertEquals(told, []);
    await written;
    assertEquals(told, ["ann"]);
  }));

Deno.test("SessionWriter writes neither if what goes alongside fails, and both when it works again", () =>
  withKv(async (kv) => {
    let isDown = true;
    const store = createSessionStore({
      kv,
      clock: createFakeClock(),
      retentionDays: 30,
      alongside: [
        () => isDown ? Promise.reject(new Error("the index is down")) : Promise.resolve(),
        (commit) => void commit.set(["beside"], 1),
      ],
    });
    const writer = store.begin(live);
    await assertRejects(() => writer.write(live, captioned), Error, "the index is down");
    assertEquals([await store.getSession("ann", "s1"), (await kv.get(["beside"])).value], [
      null,
      null,
    ]);
    isDown = false;
    assertEquals(await writer.write(live, captioned), "written");
    assertEquals((await kv.get(["beside"])).value, 1);
  }));
