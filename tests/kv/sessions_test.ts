import { assert, assertEquals, assertRejects } from "@std/assert";
import { systemClock } from "../../clock.ts";
import { chunkKey, sessionKey } from "../../kv/keys.ts";
import { createSessionStore } from "../../kv/sessions.ts";
import { sha256Hex } from "../../kv/sha256.ts";
import {
  captioned,
  claim,
  createStore,
  DAY_MS,
  ended,
  failed,
  type Fate,
  faultyKv,
  live,
  resumable,
  says,
  SECRET,
} from "./_sessions.ts";
import { dumpKv, withKv } from "./_temp_kv.ts";

const TO_COME = Number.MAX_SAFE_INTEGER;

Deno.test("SessionStore.begin writes nothing yet", () =>
  withKv(async (kv) => {
    createStore(kv).store.begin(live);
    assertEquals(await dumpKv(kv), "[]");
  }));

Deno.test("SessionStore.takeOver gives a live session and an interrupted one to the new owner [S4]", () =>
  withKv(async (kv) => {
    const { store } = createStore(kv);
    const session = { ...await resumable(TO_COME), chunkCount: 1, captionCount: 1, frameCount: 30 };
    const first = store.begin(session);
    await first.write(session, captioned);
    const fromLive = await store.takeOver(claim("b"));
    assert(fromLive.kind === "taken");
    assertEquals(fromLive.session, { ...session, owner: "b" });
    const { endedAtMs, closeCode, reason } = ended;
    const closed = { endedAtMs, closeCode, reason, status: "interrupted" } as const;
    assertEquals(await fromLive.writer.write({ ...fromLive.session, ...closed }), "written");
    const fromClosed = await store.takeOver(claim("c"));
    assert(fromClosed.kind === "taken");
    assertEquals(fromClosed.session, { ...session, owner: "c" }, "nothing is left of the end");
    const stored = await store.getSession("ann", "s1");
    assertEquals([stored?.status, stored?.owner, stored?.chunkCount], ["live", "c", 1]);
    assertEquals(await fromClosed.writer.write(fromClosed.session), "written");
  }));

Deno.test("SessionStore.takeOver says only unknown to who may not go on, and writes nothing [S4, A4]", () =>
  withKv(async (kv) => {
    const { clock, store } = createStore(kv, 2);
    const unknown = async (request: ReturnType<typeof claim>, why: string) => {
      const before = await dumpKv(kv);
      assertEquals(await store.takeOver(request), { kind: "unknown" }, why);
      assertEquals(await dumpKv(kv), before, why);
    };
    await unknown(claim("b"), "no such session");
    const untilMs = clock.epochMs() + 1000;
    const session = await resumable(untilMs);
    const writer = store.begin(session);
    await writer.write(session);
    await unknown(claim("b", "resume-m"), "wrong secret");
    await unknown(claim("b", ""), "no secret");
    await unknown(claim("b", await sha256Hex(SECRET)), "the hash is not the secret");
    await unknown({ ...claim("b"), wearer: "bob" }, "another wearer's");
    await unknown({ ...claim("b"), sessionId: "s2" }, "another session");
    clock.tick(999);
    assertEquals((await store.takeOver(claim("a"))).kind, "taken", "the last moment");
    clock.tick(1);
    await unknown(claim("b"), "its time is over");
  }));

Deno.test("SessionStore.takeOver leaves ended sessions, and those of v1, alone [S4, S6]", () =>
  withKv(async (kv) => {
    const { clock, store } = createStore(kv, 2);
    const { resume } = await resumable(TO_COME);
    for (const [at, session] of [{ ...ended, resume }, { ...live, resume: null }].entries()) {
      const sessionId = `s${at}`;
      await store.begin({ ...live, id: sessionId }).write({ ...session, id: sessionId });
      assertEquals((await store.takeOver({ ...claim("b"), sessionId })).kind, "unknown");
    }
    await store.begin(live).write({ ...live, resume });
    clock.tick(2 * DAY_MS);
    assert((await kv.get(sessionKey("ann", "s1"))).value !== null);
    assertEquals((await store.takeOver(claim("b"))).kind, "unknown", "KV still holds it");
  }));

Deno.test("SessionStore keeps the secret as a hash only [A4, S4]", () =>
  withKv(async (kv) => {
    const { store } = createStore(kv);
    const session = await resumable(TO_COME);
    await store.begin(session).write(session, captioned);
    await store.takeOver(claim("b"));
    const dump = await dumpKv(kv);
    assert(!dump.includes(SECRET) && dump.includes(await sha256Hex(SECRET)), dump);
  }));

Deno.test("SessionStore.takeOver many times at once leaves exactly one owner [S4]", () =>
  withKv(async (kv) => {
    const store = createSessionStore({ kv, clock: systemClock, retentionDays: 30 });
    const session = await resumable(TO_COME);
    const writer = store.begin(session);
    await writer.write(session);
    const owners = ["b", "c", "d", "e"];
    const taken = await Promise.all(owners.map((owner) => store.takeOver(claim(owner))));
    const stored = (await store.getSession("ann", "s1"))!;
    const outcomes: Record<string, string> = { a: await writer.write(session) };
    for (const [at, outcome] of taken.entries()) {
      assert(outcome.kind === "taken");
      outcomes[owners[at]!] = await outcome.writer.write(outcome.session, says("mine", 0));
    }
    const expected = ["a", ...owners].map((owner) => [
      owner,
      owner === stored.owner ? "written" : "taken_over",
    ]);
    assertEquals(Object.entries(outcomes), expected);
    assertEquals((await Array.fromAsync(store.listChunks("ann", "s1"))).length, 1);
  }));

Deno.test("SessionStore.takeOver wins over a write that came between its look and its own [S4]", () =>
  withKv(async (kv) => {
    const session = await resumable(TO_COME);
    const older = createStore(kv).store.begin(session);
    await older.write(session);
    let turns = 0;
    const { store } = createStore(faultyKv(kv, async (): Promise<Fate> => {
      if (turns++ > 0) return "answers";
      const onward = { ...session, chunkCount: 1 };
      assertEquals(await older.write(onward, says("between", 0)), "written");
      return "answers";
    }));
    const taken = await store.takeOver(claim("b"));
    assert(taken.kind === "taken");
    assertEquals([turns, taken.session.chunkCount], [2, 1], "it knows of the write");
    assertEquals(await older.write(session), "taken_over");
    assertEquals(await taken.writer.write(taken.session), "written");
  }));

Deno.test("SessionStore.listChunks lists one session in the order of its index, from any on [S4]", () =>
  withKv(async (kv) => {
    const { store } = createStore(kv);
    const writer = store.begin(live);
    for (const index of [10, 2, 0, 1, 9]) await writer.write(live, { ...captioned, index });
    const s2 = { ...live, id: "s2" };
    await store.begin(s2).write(s2, { ...failed, sessionId: "s2" });
    const bobs = { ...live, wearer: "bob" };
    await store.begin(bobs).write(bobs, { ...failed, index: 3 });
    const indices = async (fromIndex?: number) =>
      (await Array.fromAsync(store.listChunks("ann", "s1", fromIndex))).map(({ index }) => index);
    assertEquals(await indices(), [0, 1, 2, 9, 10]);
    assertEquals(await indices(2), [2, 9, 10]);
    assertEquals(await indices(3), [9, 10]);
    assertEquals(await indices(11), []);
    const [first] = await Array.fromAsync(store.listChunks("ann", "s1"));
    const { version, expiresAtMs: _, ...facts } = first!;
    assertEquals({ version, facts }, { version: 1, facts: captioned });
  }));

Deno.test("SessionStore.recentCaptions gives the newest captions, oldest first [M1, S4]", () =>
  withKv(async (kv) => {
    const { store } = createStore(kv);
    const writer = store.begin(live);
    const chunks = [says("one", 0), failed, says("two", 2), says("", 3), says("three", 4)];
    for (const chunk of chunks) await writer.write(live, chunk);
    assertEquals(await store.recentCaptions("ann", "s1", 6), ["one", "two", "three"]);
    assertEquals(await store.recentCaptions("ann", "s1", 2), ["two", "three"]);
    assertEquals(await store.recentCaptions("ann", "s2", 2), []);
  }));

Deno.test("SessionStore.countRecords counts one wearer's records", () =>
  withKv(async (kv) => {
    const { store } = createStore(kv);
    const writer = store.begin(live);
    await writer.write(live, captioned);
    await writer.write(live, failed);
    await store.begin({ ...live, id: "s2" }).write({ ...ended, id: "s2" });
    await store.begin({ ...live, wearer: "bob" }).write({ ...live, wearer: "bob" });
    assertEquals(await store.countRecords("ann"), {
      sessionCount: 2,
      liveSessionCount: 1,
      chunkCount: 2,
      captionCount: 1,
      errorCount: 1,
    });
  }));

Deno.test("SessionStore counts what has expired as gone, though KV still holds it", () =>
  withKv(async (kv) => {
    const { clock, store } = createStore(kv, 2);
    await store.begin(live).write(live, captioned);
    clock.tick(2 * DAY_MS - 1);
    assertEquals((await store.countRecords("ann")).chunkCount, 1);
    clock.tick(1);
    for (const key of [sessionKey("ann", "s1"), chunkKey("ann", "s1", 0)]) {
      assert((await kv.get(key)).value !== null);
    }
    assertEquals(await store.getSession("ann", "s1"), null);
    assertEquals(await Array.fromAsync(store.listChunks("ann", "s1")), []);
    assertEquals(await store.recentCaptions("ann", "s1", 6), []);
    const { sessionCount, chunkCount } = await store.countRecords("ann");
    assertEquals([sessionCount, chunkCount], [0, 0]);
  }));

Deno.test("SessionStore keeps a session for as long after its last write", () =>
  withKv(async (kv) => {
    const { clock, store } = createStore(kv, 2);
    const writer = store.begin(live);
    await writer.write(live);
    clock.tick(DAY_MS);
    await writer.write(ended);
    clock.tick(DAY_MS);
    assertEquals((await store.getSession("ann", "s1"))?.status, "ended");
  }));

Deno.test("SessionStore keeps records for good with a retention of 0 days", () =>
  withKv(async (kv) => {
    const { clock, store } = createStore(kv, 0);
    await store.begin(live).write(live, captioned);
    clock.tick(10_000 * DAY_MS);
    assertEquals((await store.getSession("ann", "s1"))?.expiresAtMs, null);
    assertEquals((await Array.fromAsync(store.listChunks("ann", "s1"))).length, 1);
  }));

Deno.test("SessionStore rejects with KV's own error", async () => {
  const kv = await Deno.openKv(":memory:");
  const { store } = createStore(kv);
  kv.close();
  const rejects = (work: () => Promise<unknown>) => assertRejects(work, Deno.errors.BadResource);
  await rejects(() => store.begin(live).write(live));
  await rejects(() => store.begin(live).write(live, captioned));
  await rejects(() => store.begin(live).isOwner());
  await rejects(() => store.takeOver(claim("b")));
  await rejects(() => store.getSession("ann", "s1"));
  await rejects(() => store.recentCaptions("ann", "s1", 1));
  await rejects(() => Array.fromAsync(store.listChunks("ann", "s1")));
});
