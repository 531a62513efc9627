import { assertEquals, assertRejects } from "@std/assert";
import { systemClock } from "../../clock.ts";
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

Deno.test("SessionWriter tries again where what goes alongside lost a race, and is not taken over", () =>
  withKv(async (kv) => {
    const key = ["shared"];
    let races = 5;
    let told = 0;
    const writer = createSessionStore({
      kv,
      clock: systemClock,
      retentionDays: 30,
      alongside: [async (commit) => {
        const entry = await kv.get<number>(key);
        // Another stream of the wearer is faster.
        if (races-- > 0) await kv.set(key, (entry.value ?? 0) + 10);
        commit.check(entry).set(key, (entry.value ?? 0) + 1);
        return () => void told++;
      }],
    }).begin(live);
    await writer.write(live);
    assertEquals(await writer.write({ ...live, chunkCount: 1 }, captioned), "written");
    assertEquals([(await kv.get(key)).value, told], [51, 1]);
    assertEquals(
      await writer.write({ ...live, chunkCount: 2 }, { ...captioned, index: 1 }),
      "written",
    );
  }));

Deno.test("SessionWriter is taken over all the same where something alongside lost a race too", () =>
  withKv(async (kv) => {
    const key = ["shared"];
    let told = 0;
    const writer = createSessionStore({
      kv,
      clock: createFakeClock(),
      retentionDays: 30,
      alongside: [async (commit) => {
        commit.check(await kv.get(key)).set(key, 1);
        await kv.set(key, 2);
        await kv.set(sessionKey("ann", "s1"), { ...live, owner: "another", version: 1 });
        return () => void told++;
      }],
    }).begin(live);
    await writer.write(live);
    assertEquals(await writer.write({ ...live, chunkCount: 1 }, captioned), "taken_over");
    assertEquals([(await kv.get(key)).value, told], [2, 0]);
  }));
