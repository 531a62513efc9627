import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type ChunkFacts,
  chunkKey,
  type EndedSession,
  type LiveSession,
  MAX_CAPTION_CHARS,
  MAX_ERROR_CHARS,
  MAX_NAME_CHARS,
  sessionKey,
} from "../../kv/keys.ts";
import { createSessionStore } from "../../kv/sessions.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { withKv } from "./_temp_kv.ts";

const DAY_MS = 86_400_000;

const live: LiveSession = {
  id: "s1",
  wearer: "ann",
  status: "live",
  startedAtMs: 1,
  lastFrameAtMs: null,
  frameCount: 0,
  byteCount: 0,
  chunkCount: 0,
  captionCount: 0,
  errorCount: 0,
  identity: { appName: "app", className: "Class" },
};
const ended: EndedSession = {
  ...live,
  status: "ended",
  endedAtMs: 9,
  closeCode: 1000,
  reason: "bye",
};
const captioned: ChunkFacts = {
  sessionId: "s1",
  index: 0,
  startS: 0,
  endS: 1.5,
  recordedAtMs: 5,
  frameCount: 30,
  byteCount: 90_000,
  sentFrameCount: 6,
  outcome: {
    status: "captioned",
    caption: "A dog.",
    latencyMs: 80,
    tokensGenerated: 3,
    model: "m",
  },
};
const failed: ChunkFacts = {
  ...captioned,
  index: 1,
  outcome: { status: "failed", error: "no answer" },
};

const createStore = (kv: Deno.Kv, retentionDays = 30) => {
  const clock = createFakeClock();
  return { clock, store: createSessionStore({ kv, clock, retentionDays }) };
};

Deno.test("SessionStore keeps a session from open over its chunks to its end", async () => {
  await withKv(async (kv) => {
    const { clock, store } = createStore(kv);
    const kept = { version: 1, expiresAtMs: clock.epochMs() + 30 * DAY_MS } as const;
    await store.open(live);
    assertEquals(await store.getSession("ann", "s1"), { ...live, ...kept });
    const onward = { ...live, lastFrameAtMs: 4, frameCount: 30, chunkCount: 1, captionCount: 1 };
    await store.commitChunk(onward, captioned);
    assertEquals(await store.getSession("ann", "s1"), { ...onward, ...kept });
    await store.end(ended);
    assertEquals(await store.getSession("ann", "s1"), { ...ended, ...kept });
  });
});

Deno.test("SessionStore.commitChunk writes the chunk and its session in one commit", async () => {
  await withKv(async (kv) => {
    const { store } = createStore(kv);
    await store.commitChunk(ended, captioned);
    const session = await kv.get(sessionKey("ann", "s1"));
    const chunk = await kv.get(chunkKey("ann", "s1", 0));
    assert(session.versionstamp !== null);
    assertEquals(chunk.versionstamp, session.versionstamp);
  });
});

Deno.test("SessionStore.commitChunk writes neither when KV refuses one of them", async () => {
  await withKv(async (kv) => {
    const { store } = createStore(kv);
    // Longer than a KV key may be, so that the chunk alone is refused.
    const chunk = { ...captioned, index: "x".repeat(3000) as unknown as number };
    await assertRejects(() => store.commitChunk(live, chunk), TypeError, "Key too large");
    assertEquals(await store.getSession("ann", "s1"), null);
  });
});

Deno.test("SessionStore.listChunks lists one session in the order of its index", async () => {
  await withKv(async (kv) => {
    const { store } = createStore(kv);
    for (const index of [10, 2, 0, 1, 9]) await store.commitChunk(live, { ...captioned, index });
    await store.commitChunk({ ...live, id: "s2" }, { ...failed, sessionId: "s2" });
    await store.commitChunk({ ...live, wearer: "bob" }, { ...failed, index: 3 });
    const chunks = await Array.fromAsync(store.listChunks("ann", "s1"));
    assertEquals(chunks.map(({ index }) => index), [0, 1, 2, 9, 10]);
    const { version, expiresAtMs: _, ...facts } = chunks[0]!;
    assertEquals({ version, facts }, { version: 1, facts: captioned });
  });
});

Deno.test("SessionStore.countRecords counts one wearer's records", async () => {
  await withKv(async (kv) => {
    const { store } = createStore(kv);
    await store.commitChunk(live, captioned);
    await store.commitChunk(live, failed);
    await store.end({ ...ended, id: "s2" });
    await store.open({ ...live, wearer: "bob" });
    assertEquals(await store.countRecords("ann"), {
      sessionCount: 2,
      liveSessionCount: 1,
      chunkCount: 2,
      captionCount: 1,
      errorCount: 1,
    });
  });
});

Deno.test("SessionStore counts what has expired as gone, though KV still holds it", async () => {
  await withKv(async (kv) => {
    const { clock, store } = createStore(kv, 2);
    await store.commitChunk(live, captioned);
    clock.tick(2 * DAY_MS - 1);
    assertEquals((await store.countRecords("ann")).chunkCount, 1);
    clock.tick(1);
    assert((await kv.get(sessionKey("ann", "s1"))).value !== null);
    assertEquals(await store.getSession("ann", "s1"), null);
    assertEquals(await Array.fromAsync(store.listChunks("ann", "s1")), []);
    const { sessionCount, chunkCount } = await store.countRecords("ann");
    assertEquals([sessionCount, chunkCount], [0, 0]);
  });
});

Deno.test("SessionStore keeps a session for as long after its last write", async () => {
  await withKv(async (kv) => {
    const { clock, store } = createStore(kv, 2);
    await store.open(live);
    clock.tick(DAY_MS);
    await store.end(ended);
    clock.tick(DAY_MS);
    assertEquals((await store.getSession("ann", "s1"))?.status, "ended");
  });
});

Deno.test("SessionStore keeps records for good with a retention of 0 days", async () => {
  await withKv(async (kv) => {
    const { clock, store } = createStore(kv, 0);
    await store.commitChunk(live, captioned);
    clock.tick(10_000 * DAY_MS);
    assertEquals((await store.getSession("ann", "s1"))?.expiresAtMs, null);
    assertEquals((await Array.fromAsync(store.listChunks("ann", "s1"))).length, 1);
  });
});

Deno.test("SessionStore cuts text that KV could not hold, and keeps it well formed", async () => {
  await withKv(async (kv) => {
    const { store } = createStore(kv);
    const long = "😀".repeat(100_000);
    const outcome = { ...captioned.outcome, caption: `x${long}`, model: long } as const;
    await store.commitChunk({ ...ended, reason: long }, { ...captioned, outcome } as ChunkFacts);
    await store.commitChunk(
      { ...ended, reason: long, identity: { appName: long, className: long } },
      { ...failed, outcome: { status: "failed", error: long } },
    );
    const session = await store.getSession("ann", "s1");
    const [first, second] = await Array.fromAsync(store.listChunks("ann", "s1"));
    assert(session?.status === "ended" && session.identity !== null);
    assert(first?.outcome.status === "captioned" && second?.outcome.status === "failed");
    const cuts: [string | null, number][] = [
      [session.reason, MAX_ERROR_CHARS],
      [session.identity.appName, MAX_NAME_CHARS],
      [session.identity.className, MAX_NAME_CHARS],
      [first.outcome.caption, MAX_CAPTION_CHARS],
      [first.outcome.model, MAX_NAME_CHARS],
      [second.outcome.error, MAX_ERROR_CHARS],
    ];
    for (const [text, maxChars] of cuts) {
      assertEquals(text?.length, maxChars);
      assert(text?.isWellFormed() && text.endsWith("…"));
    }
  });
});

Deno.test("SessionStore rejects with KV's own error", async () => {
  const kv = await Deno.openKv(":memory:");
  const { store } = createStore(kv);
  kv.close();
  await assertRejects(() => store.open(live), Deno.errors.BadResource);
  await assertRejects(() => store.commitChunk(live, captioned), Deno.errors.BadResource);
  await assertRejects(() => store.end(ended), Deno.errors.BadResource);
  await assertRejects(() => store.getSession("ann", "s1"), Deno.errors.BadResource);
});
