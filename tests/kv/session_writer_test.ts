import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import {
  type ChunkFacts,
  chunkKey,
  type LiveSession,
  MAX_CAPTION_CHARS,
  MAX_ERROR_CHARS,
  MAX_NAME_CHARS,
  MAX_PROMPT_CHARS,
  sessionKey,
} from "../../kv/keys.ts";
import type { SessionWriter } from "../../kv/session_writer.ts";
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
} from "./_sessions.ts";
import { withKv } from "./_temp_kv.ts";

const TO_COME = Number.MAX_SAFE_INTEGER;

Deno.test("SessionWriter keeps a session from its beginning over its chunks to its end", () =>
  withKv(async (kv) => {
    const { clock, store } = createStore(kv);
    const kept = { version: 1, expiresAtMs: clock.epochMs() + 30 * DAY_MS } as const;
    const writer = store.begin(live);
    assertEquals(await writer.write(live), "written");
    assertEquals(await store.getSession("ann", "s1"), { ...live, ...kept });
    const onward = { ...live, lastFrameAtMs: 4, frameCount: 30, chunkCount: 1, captionCount: 1 };
    assertEquals(await writer.write(onward, captioned), "written");
    assertEquals(await store.getSession("ann", "s1"), { ...onward, ...kept });
    assertEquals(await writer.write(ended), "written");
    assertEquals(await store.getSession("ann", "s1"), { ...ended, ...kept });
  }));

Deno.test("SessionWriter writes a chunk and its session in one commit", () =>
  withKv(async (kv) => {
    const { store } = createStore(kv);
    await store.begin(live).write(ended, captioned);
    const session = await kv.get(sessionKey("ann", "s1"));
    const chunk = await kv.get(chunkKey("ann", "s1", 0));
    assert(session.versionstamp !== null);
    assertEquals(chunk.versionstamp, session.versionstamp);
  }));

Deno.test("SessionWriter writes neither when KV refuses one of them, and the next write works", () =>
  withKv(async (kv) => {
    const { store } = createStore(kv);
    const writer = store.begin(live);
    // Longer than a KV key may be, so that the chunk alone is refused.
    const chunk = { ...captioned, index: "x".repeat(3000) as unknown as number };
    await assertRejects(() => writer.write(live, chunk), TypeError, "Key too large");
    assertEquals(await store.getSession("ann", "s1"), null);
    assertEquals(await writer.write(live, captioned), "written");
  }));

Deno.test("SessionWriter writes while it is the owner, the older one never again [S4]", () =>
  withKv(async (kv) => {
    const { store } = createStore(kv);
    const session = await resumable(TO_COME);
    const older = store.begin(session);
    await older.write(session);
    assertEquals(await older.isOwner(), true);
    const taken = await store.takeOver(claim("b"));
    assert(taken.kind === "taken");
    const newer = taken.writer;
    assertEquals([await older.isOwner(), await newer.isOwner()], [false, true]);
    // Asking has told the older one the newest record's version: it must not write for that.
    for (const _ of [1, 2]) assertEquals(await older.write(session, says("old", 0)), "taken_over");
    assertEquals(await newer.write(taken.session, says("new", 0)), "written");
    for (const _ of [1, 2]) assertEquals(await older.write(session, says("old", 0)), "taken_over");
    assertEquals(await newer.write(taken.session, says("newer", 1)), "written");
    assertEquals(await store.recentCaptions("ann", "s1", 9), ["new", "newer"]);
    assertEquals((await store.getSession("ann", "s1"))?.owner, "b");
  }));

Deno.test("SessionWriter whose answer was lost finds that out, and doubles nothing [S4]", () =>
  withKv(async (kv) => {
    const fates: Fate[] = ["answers", "answer_lost"];
    const { store } = createStore(faultyKv(kv, () => fates.shift() ?? "answers"));
    const writer = store.begin(live);
    await writer.write(live);
    const once = { ...live, chunkCount: 1 };
    await assertRejects(() => writer.write(once, says("one", 0)), Error, "the answer is lost");
    assertEquals(await writer.write(once, says("one", 0)), "written");
    assertEquals(await writer.write({ ...live, chunkCount: 2 }, says("two", 1)), "written");
    assertEquals(await store.recentCaptions("ann", "s1", 9), ["one", "two"]);
    assertEquals((await store.getSession("ann", "s1"))?.chunkCount, 2);
  }));

Deno.test("SessionWriter whose answer was lost finds out that it was taken over since [S4]", () =>
  withKv(async (kv) => {
    const session = await resumable(TO_COME);
    for (const fate of ["answer_lost", "refused"] as const) {
      const id = { ...session, id: fate };
      const fates: Fate[] = ["answers", fate];
      const { store } = createStore(faultyKv(kv, () => fates.shift() ?? "answers"));
      const writer = store.begin(id);
      await writer.write(id);
      const lost = () => writer.write({ ...id, chunkCount: 1 }, { ...captioned, sessionId: fate });
      await assertRejects(lost);
      const taken = await store.takeOver({ ...claim("b"), sessionId: fate });
      assert(taken.kind === "taken");
      assertEquals(await lost(), "taken_over");
      const written = fate === "answer_lost" ? 1 : 0;
      assertEquals(taken.session.chunkCount, written);
      const chunks = await Array.fromAsync(store.listChunks("ann", fate));
      assertEquals(chunks.length, written);
    }
  }));

Deno.test("SessionWriter writes though the database is locked by another process for a moment", () =>
  withKv(async (kv) => {
    let locked = 1;
    const { store } = createStore(faultyKv(kv, () => {
      if (locked-- > 0) throw new TypeError("database is locked");
      return "answers";
    }));
    assertEquals(await store.begin(live).write(live, captioned), "written");
    assertEquals((await Array.fromAsync(store.listChunks("ann", "s1"))).length, 1);
  }));

Deno.test("SessionWriter cuts text that KV could not hold, and keeps it well formed", () =>
  withKv(async (kv) => {
    const { store } = createStore(kv);
    const long = "😀".repeat(100_000);
    const outcome = { ...captioned.outcome, caption: `x${long}`, model: long } as const;
    const writer = store.begin(live);
    await writer.write({ ...ended, reason: long }, { ...captioned, outcome } as ChunkFacts);
    await writer.write(
      { ...ended, reason: long, prompt: long, identity: { appName: long, className: long } },
      { ...failed, outcome: { status: "failed", error: long } },
    );
    const session = await store.getSession("ann", "s1");
    const [first, second] = await Array.fromAsync(store.listChunks("ann", "s1"));
    assert(session?.status === "ended" && session.identity !== null);
    assert(first?.outcome.status === "captioned" && second?.outcome.status === "failed");
    const cuts: [string | null, number][] = [
      [session.reason, MAX_ERROR_CHARS],
      [session.prompt, MAX_PROMPT_CHARS],
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
  }));

interface Writing {
  readonly writer: SessionWriter;
  session: LiveSession;
}

const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("write" as const), who: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("take_over" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("ask" as const), who: fc.nat(3) }) },
  ),
  { maxLength: 40, size: "max" },
);
const fates = fc.array(fc.constantFrom<Fate>("answers", "answers", "refused", "answer_lost"), {
  maxLength: 30,
  size: "max",
});

Deno.test("SessionWriters leave chunks without a hole or a double, whoever writes and fails [S4]", async () => {
  const session = await resumable(TO_COME);
  await fc.assert(
    fc.asyncProperty(steps, fates, (steps, fates) =>
      withKv(async (kv) => {
        let isFaulty = true;
        const next = () => isFaulty && fates.shift() || "answers";
        const { store } = createStore(faultyKv(kv, next));
        const writers: Writing[] = [{ writer: store.begin(session), session }];
        const told = new Map<number, string>();
        /** As a recorder does: the same chunk until it is known to be written. */
        const write = async (who: number) => {
          const mine = writers[who % writers.length]!;
          const index = mine.session.chunkCount;
          const onward = { ...mine.session, chunkCount: index + 1 };
          const caption = `${mine.session.owner} ${index}`;
          if (await mine.writer.write(onward, says(caption, index)) !== "written") return;
          assert(!told.has(index), `${index} was told twice`);
          told.set(index, caption);
          mine.session = onward;
        };
        for (const step of steps) {
          try {
            if (step.kind === "write") await write(step.who);
            else if (step.kind === "ask") {
              await writers[step.who % writers.length]!.writer.isOwner();
            } else {
              const taken = await store.takeOver(claim(`owner ${writers.length}`));
              if (taken.kind === "taken") writers.push(taken);
            }
          } catch (error) {
            assert(/KV refuses|answer is lost/.test(String(error)), String(error));
          }
        }
        isFaulty = false;
        const chunks = await Array.fromAsync(store.listChunks("ann", "s1"));
        const stored = await store.getSession("ann", "s1");
        const indices = chunks.map(({ index }) => index);
        assertEquals(indices, Array.from({ length: stored?.chunkCount ?? 0 }, (_, at) => at));
        for (const [index, caption] of told) {
          const { outcome } = chunks[index]!;
          assert(outcome.status === "captioned");
          assertEquals(outcome.caption, caption, "what was told stays");
        }
      })),
    { numRuns: 150 },
  );
});
