import { assert, assertEquals } from "@std/assert";
import { connectGlasses } from "../../dev/glasses.ts";
import { erasingKey } from "../../kv/erasing_keys.ts";
import { wearerPrefix } from "../../kv/keys.ts";
import type { TestForesight } from "../_foresight.ts";
import { dumpKv } from "../kv/_temp_kv.ts";
import { connectSession } from "./_session.ts";
import { LiveClient } from "./_timeline.ts";
import { frame, withModal } from "./_vision.ts";
import { ask, bearing, issueToken } from "./_wearers.ts";

const REASON = "what was known of the wearer is erased";

/** A wearer whose glasses have seen `saw FIRST`. */
async function wear(foresight: TestForesight, wearer: string, first: number) {
  const token = await issueToken(foresight, wearer, ["stream", "read", "admin"]);
  const options = { magicWord: "", headers: bearing(token) };
  const session = await connectSession(foresight.url, {}, options);
  session.glasses.send(frame(first));
  await session.heard("result");
  return { ...session, token };
}

async function recordsOf(kv: Deno.Kv, wearer: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for await (const { key } of kv.list({ prefix: wearerPrefix(wearer) })) {
    counts[String(key[2])] = (counts[String(key[2])] ?? 0) + 1;
  }
  return counts;
}

Deno.test("erasing leaves no key of the wearer, counts what there was, and leaves others alone [A12]", () =>
  withModal({ RATE_LIMIT_STREAMS_PER_MINUTE: "9" }, async (foresight) => {
    const { kv, logged } = foresight;
    const ann = await wear(foresight, "ann", 1);
    const bob = await wear(foresight, "bob", 2);
    await ann.glasses.leave();
    await bob.glasses.leave();
    await foresight.streams.drain();
    const before = await recordsOf(kv, "ann");
    const bobs = await recordsOf(kv, "bob");
    assert(before.chunk === 1 && before.token === 1 && before.search === 1, JSON.stringify(before));
    const response = await foresight.fetch("/wearers/ann", { method: "DELETE" });
    const { started_at, erased_at, ...receipt } = await response.json();
    assertEquals(response.status, 200);
    assertEquals(receipt, { wearer: "ann", state: "erased", counts: before, file: "not_ours" });
    assert(Date.parse(started_at) <= Date.parse(erased_at));
    assertEquals(await recordsOf(kv, "ann"), {});
    assert(!(await dumpKv(kv)).includes("saw 1"));
    assertEquals(await recordsOf(kv, "bob"), bobs);
    const refused = await ask(foresight, ann.token, "GET", "/sessions");
    assertEquals(refused.status, 403);
    assert(logged.some(({ event }) => event === "wearer.erased"));
    const state = await foresight.fetch("/wearers/ann/erasure");
    assertEquals((await state.json()).counts, before);
  }));

Deno.test("erasing is for the operator and the wearer's own admin; nobody, or nothing, is no error [A9, A12]", () =>
  withModal({}, async (foresight) => {
    const reader = await issueToken(foresight, "ann", ["stream", "read", "poke", "rules"]);
    const bob = await issueToken(foresight, "bob", ["admin"]);
    for (const bearer of [reader, bob]) {
      assertEquals((await ask(foresight, bearer, "DELETE", "/wearers/ann")).status, 403);
      assertEquals((await ask(foresight, bearer, "GET", "/wearers/ann/erasure")).status, 403);
    }
    assertEquals(await recordsOf(foresight.kv, "ann"), { token: 1 });
    const own = await ask(foresight, bob, "DELETE", "/wearers/bob");
    assertEquals([own.status, JSON.parse(own.text).counts], [200, { token: 1 }]);
    const none = await foresight.fetch("/wearers/nobody", { method: "DELETE" });
    assertEquals([none.status, (await none.json()).counts], [200, {}]);
    const unknown = await foresight.fetch("/wearers/nobody/erasure");
    assertEquals([unknown.status, typeof (await unknown.json()).detail], [404, "string"]);
    const unfit = await foresight.fetch("/wearers/a%20b", { method: "DELETE" });
    assertEquals(unfit.status, 422);
    assert((await unfit.json()).detail.startsWith("wearer id must be"));
  }));

Deno.test("erasing ends streams of both wires and watchers, and the wearer may begin afresh [A12]", () =>
  withModal({ BUDGET_STREAMS: "4", BUDGET_CALLS_PER_MINUTE: "60" }, async (foresight) => {
    const { url, kv } = foresight;
    const session = await connectSession(url);
    session.glasses.send(frame(1));
    await session.heard("result");
    const old = await connectGlasses(url, { magicWord: "open-sesame" });
    old.send(frame(2));
    await old.heard((ack) => "caption" in ack);
    const bob = await wear(foresight, "bob", 3);
    const watcher = await LiveClient.connect(foresight);
    const response = await foresight.fetch("/wearers/default", { method: "DELETE" });
    const { counts } = await response.json();
    assertEquals(await session.glasses.ended, { code: 1008, reason: REASON });
    assertEquals(await old.ended, { code: 1008, reason: REASON });
    while (await watcher.next() !== null);
    assertEquals([counts.session, counts.chunk], [2, 2]);
    assertEquals(await recordsOf(kv, "default"), {});
    const again = await connectSession(url, { ...session.hello, cursor: 0 });
    assert(again.hello.session !== session.hello.session, "the old one is unknown");
    again.glasses.send(frame(4));
    assertEquals((await again.heard("result")).caption, "saw 4 after ");
    bob.glasses.send(frame(5));
    await bob.heard("result", ({ cursor }) => cursor === 2);
    await again.glasses.leave();
    await bob.glasses.leave();
  }));

Deno.test("erasing by another process ends streams of both wires and watchers within about a second [A12]", () =>
  withModal({}, async (foresight) => {
    const { url, kv } = foresight;
    const session = await connectSession(url);
    const old = await connectGlasses(url, { magicWord: "open-sesame" });
    const watcher = await LiveClient.connect(foresight);
    const bob = await wear(foresight, "bob", 1);
    // As a process does that begins to erase; nothing is told to this one.
    await kv.set(erasingKey("default"), {});
    for (const { ended } of [session.glasses, old]) {
      assertEquals(await ended, { code: 1008, reason: REASON });
    }
    while (await watcher.next() !== null);
    bob.glasses.send(frame(2));
    await bob.heard("result", ({ cursor }) => cursor === 2);
    await bob.glasses.leave();
  }));

Deno.test("erasing twice at once is one erasure with one receipt [A12]", () =>
  withModal({}, async (foresight) => {
    await issueToken(foresight, "ann", ["read"]);
    const [one, other] = await Promise.all([1, 2].map(async () => {
      const response = await foresight.fetch("/wearers/ann", { method: "DELETE" });
      return [response.status, await response.json()];
    }));
    assertEquals(one, other);
    assertEquals([one![0], one![1].counts], [200, { token: 1 }]);
  }, { settleMs: 300 }));

Deno.test("erasing lets nothing of the wearer begin while it lasts, and others go on [A12]", () =>
  withModal({}, async (foresight) => {
    const { url, kv, fetch: operator } = foresight;
    const ann = await issueToken(foresight, "ann", ["read", "stream"]);
    const bob = await issueToken(foresight, "bob", ["read", "stream"]);
    for (const wearer of ["ann", "default"]) await kv.set(erasingKey(wearer), {});
    const refused = await ask(foresight, ann, "GET", "/sessions");
    assertEquals([refused.status, refused.detail], [403, "token must not be revoked: it is"]);
    const stream = await operator("/vision/stream", { headers: { upgrade: "websocket" } });
    assertEquals([stream.status, stream.headers.get("retry-after")], [503, "5"]);
    assertEquals((await stream.json()).detail, "The wearer is being erased: come again");
    const body = JSON.stringify({ scopes: ["read"], expires_in_s: 60 });
    const issue = await operator("/wearers/ann/tokens", { method: "POST", body });
    const keep = await operator("/wearers/ann/retention", { method: "PUT", body: `{"days":1}` });
    for (const answer of [issue, keep]) {
      assertEquals(answer.status, 503);
      await answer.body?.cancel();
    }
    assertEquals(await recordsOf(kv, "ann"), { erasing: 1, token: 1 });
    assertEquals(await recordsOf(kv, "default"), { erasing: 1 });
    const { glasses } = await connectSession(url, {}, { magicWord: "", headers: bearing(bob) });
    await glasses.leave();
  }));
