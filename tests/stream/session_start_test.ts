import { assert, assertEquals, assertRejects } from "@std/assert";
import { createSessionStore } from "../../kv/sessions.ts";
import { sha256Hex } from "../../kv/sha256.ts";
import { LiveStreams } from "../../stream/live_streams.ts";
import {
  type BeginningDeps,
  beginSession,
  type Begun,
  goOnWith,
} from "../../stream/session_start.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { says } from "../kv/_sessions.ts";
import { dumpKv, withKv } from "../kv/_temp_kv.ts";

const IDENTITY = { tokenId: "ak-hush", tokenSecret: "as-hush", appName: "app", className: "Eyes" };
const BEGINNING = { wearer: "ann", identity: IDENTITY, prompt: "look", resumeMs: 60_000 };

function createDeps(kv: Deno.Kv) {
  const clock = createFakeClock();
  const replaced: string[] = [];
  class Streams extends LiveStreams {
    override replace(sessionId: string): void {
      replaced.push(sessionId);
    }
  }
  let ids = 0;
  const deps: BeginningDeps = {
    sessions: createSessionStore({ kv, clock, retentionDays: 30 }),
    streams: new Streams(),
    clock,
    newId: () => `id-${++ids}`,
  };
  return { clock, deps, replaced };
}

/** Writes so many chunks, the newest accounting for `frame` frames up to `atS` seconds. */
async function watch({ session, writer }: Begun, chunks: number, frame: number, atS: number) {
  for (let index = 0; index < chunks; index++) {
    const counts = { chunkCount: index + 1, captionCount: index + 1, frameCount: frame + 3 };
    const onward = { ...session, ...counts, accounted: { frame, atS } };
    await writer.write(onward, { ...says(`caption ${index}`, index), sessionId: session.id });
  }
}

const claimOf = ({ session, secret }: Begun, cursor = 0) => ({
  sessionId: session.id,
  secret,
  cursor,
});
const indicesOf = async ({ unseen }: Begun) =>
  (await Array.fromAsync(unseen!)).map(({ index }) => index);

Deno.test("beginSession begins at nothing, and writes nothing yet [S1]", () =>
  withKv(async (kv) => {
    const { clock, deps } = createDeps(kv);
    const begun = await beginSession(deps, BEGINNING);
    assertEquals(begun.session, {
      id: "id-1",
      owner: "id-2",
      wearer: "ann",
      resume: {
        secretHash: await sha256Hex(begun.secret),
        untilMs: clock.epochMs() + 60_000,
      },
      status: "live",
      startedAtMs: clock.epochMs(),
      lastFrameAtMs: null,
      prompt: "look",
      accounted: { frame: 0, atS: 0 },
      frameCount: 0,
      byteCount: 0,
      chunkCount: 0,
      captionCount: 0,
      errorCount: 0,
      identity: { appName: "app", className: "Eyes" },
    });
    assertEquals(begun.captions, { nowS: 0, describedS: 0, history: [], prompt: "look" });
    assertEquals([begun.unseen, begun.identity, await dumpKv(kv)], [null, IDENTITY, "[]"]);
  }));

Deno.test("beginSession gives each session a secret that nobody guesses, where it can resume [S1]", () =>
  withKv(async (kv) => {
    const { deps } = createDeps(kv);
    const all = await Promise.all([1, 2, 3].map(() => beginSession(deps, BEGINNING)));
    assertEquals(new Set(all.map(({ secret }) => secret)).size, 3);
    for (const { secret } of all) {
      assert(/^[\w-]{43}$/.test(secret), "256 bits, fit for an address");
    }
    const once = await beginSession(deps, { ...BEGINNING, identity: null, resumeMs: null });
    assertEquals([once.session.resume, once.session.identity], [null, null]);
  }));

Deno.test("goOnWith goes on where the books end: frames, clock, history, prompt [S4]", () =>
  withKv(async (kv) => {
    const { clock, deps, replaced } = createDeps(kv);
    const first = await beginSession(deps, BEGINNING);
    await watch(first, 9, 40, 8.5);
    clock.tick(20_000);
    const next = await goOnWith(deps, { ...BEGINNING, prompt: "else" }, claimOf(first, 7), null);
    assert(next);
    assertEquals([next.session.id, next.session.owner], ["id-1", "id-3"]);
    const { frameCount, chunkCount, accounted, startedAtMs } = next.session;
    assertEquals([frameCount, chunkCount, accounted], [40, 9, { frame: 40, atS: 8.5 }]);
    assertEquals(startedAtMs, first.session.startedAtMs);
    assertEquals(next.captions, {
      nowS: 20,
      describedS: 8.5,
      history: [3, 4, 5, 6, 7, 8].map((at) => `caption ${at}`),
      prompt: "look",
    });
    assertEquals([await indicesOf(next), next.secret, replaced], [[7, 8], first.secret, ["id-1"]]);
    assertEquals(await first.writer.write(first.session), "taken_over");
  }));

Deno.test("goOnWith takes a new prompt, and a clock that is behind for what it is [S4]", () =>
  withKv(async (kv) => {
    const { clock, deps } = createDeps(kv);
    const first = await beginSession(deps, BEGINNING);
    await watch(first, 1, 40, 30);
    clock.tick(1000); // this machine's clock is behind that of the one before
    const next = await goOnWith(deps, BEGINNING, claimOf(first), "Read the signs.");
    assert(next);
    assertEquals(next.captions.nowS, 30, "time never runs backwards");
    assertEquals([next.captions.prompt, next.session.prompt], Array(2).fill("Read the signs."));
  }));

Deno.test("goOnWith reminds of nothing that comes into the books after it [S3, S4]", () =>
  withKv(async (kv) => {
    const { deps } = createDeps(kv);
    const first = await beginSession(deps, BEGINNING);
    await watch(first, 2, 2, 2);
    const next = await goOnWith(deps, BEGINNING, claimOf(first, 1), null);
    assert(next);
    await next.writer.write({ ...next.session, chunkCount: 3 }, {
      ...says("mine", 2),
      sessionId: first.session.id,
    });
    assertEquals(await indicesOf(next), [1]);
  }));

Deno.test("goOnWith gives a client ahead of the books nothing, and goes on [S4]", () =>
  withKv(async (kv) => {
    const { deps } = createDeps(kv);
    const first = await beginSession(deps, BEGINNING);
    await watch(first, 2, 2, 2);
    const next = await goOnWith(deps, BEGINNING, claimOf(first, 99), null);
    assert(next);
    assertEquals([next.session.chunkCount, await indicesOf(next)], [2, []]);
  }));

Deno.test("goOnWith answers null to who may not, disturbs nobody, and rejects with KV's error [S4]", async () => {
  const kv = await Deno.openKv(":memory:");
  const { clock, deps, replaced } = createDeps(kv);
  const first = await beginSession(deps, BEGINNING);
  await watch(first, 1, 1, 1);
  const claim = claimOf(first);
  const goOn = (changed: Partial<typeof claim>, wearer = "ann") =>
    goOnWith(deps, { ...BEGINNING, wearer }, { ...claim, ...changed }, null);
  assertEquals(await goOn({ secret: "wrong" }), null);
  assertEquals(await goOn({ sessionId: "none" }), null);
  assertEquals(await goOn({}, "bob"), null);
  clock.tick(60_000);
  assertEquals(await goOn({}), null);
  assertEquals([replaced, await first.writer.write(first.session)], [[], "written"]);
  kv.close();
  await assertRejects(() => goOn({}), Deno.errors.BadResource);
});
