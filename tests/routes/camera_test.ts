import { assert, assertEquals, assertMatch } from "@std/assert";
import { TOKEN_SCOPES } from "../../kv/token_keys.ts";
import { POLL_MS } from "../../wearers/orders.ts";
import { FaultyKv } from "../faults/_faulty_kv.ts";
import { type TestForesight, withForesight } from "../_foresight.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { connectAs, order, pass } from "./_camera.ts";
import { watchReads } from "../wearers/_orders.ts";
import { connectSession, withTwo } from "./_session.ts";
import { frame, withModal } from "./_vision.ts";
import { ask, issueToken } from "./_wearers.ts";

/** Looked at so often, an order of another process is heard by then, on a busy machine too. */
const LOOKS = 100;
const LOOK_MS = POLL_MS / 20;
const PAUSED = { 1: "acked", 2: "paused" };

const stateOf = async ({ fetch }: TestForesight) => await (await fetch("/camera")).json();

for (const SOCKET_TRANSPORT of ["ws", "native"]) {
  for (const version of [1, 2] as const) {
    const over = `v${version} over ${SOCKET_TRANSPORT}`;
    Deno.test(`camera paused from outside: nothing leaves after the answer, ${over} [A14, S2]`, () =>
      withModal({ SOCKET_TRANSPORT }, async (foresight, modal) => {
        const { url } = foresight;
        const client = await connectAs(version, url);
        await client.hear(1);
        modal.faults.calls({ kind: "delay", delayMs: 100 });
        await client.see(2);
        assertEquals((await order(foresight, "/camera/pause")).answer.state, "paused");
        const after = modal.seen.callCount;
        for (const first of [3, 4, 5]) assertEquals(await client.see(first), PAUSED[version]);
        await client.glasses.heard(({ caption }) => String(caption).startsWith("saw 2 "));
        await pass(100);
        assert(after <= 2 && modal.seen.callCount <= 2, "what was on its way arrives, no more");
        assertEquals(client.captions().length, 2);
        assertEquals((await order(foresight, "/camera/unpause")).answer, { state: "on" });
        await client.hear(6);
        assertEquals(client.notices(), version === 2 ? ["paused", "unpaused"] : []);
        const seen = modal.seen.calls.map(({ args }) => (args.frames as Uint8Array[])[0]![0]);
        assertEquals(seen, [1, 2, 6]);
        await client.glasses.leave();
      }));
  }
}

Deno.test("camera paused on one process pauses the streams of all, v1 and v2, and goes on there [A14]", () =>
  withTwo({}, async ([one, other], modal) => {
    const clients = [await connectAs(1, other.url), await connectAs(2, other.url)];
    for (const client of clients) await client.hear(1);
    await order(one, "/camera/pause");
    await clients[1]!.glasses.heard(({ code }) => code === "paused");
    const { callCount } = modal.seen;
    for (const client of clients) await client.see(2);
    await pass(50);
    assertEquals(modal.seen.callCount, callCount);
    assertEquals(await stateOf(other), await stateOf(one));
    await order(one, "/camera/unpause");
    await clients[1]!.glasses.heard(({ code }) => code === "unpaused");
    for (const client of clients) await client.hear(3);
    await Promise.all(clients.map(({ glasses }) => glasses.leave()));
  }));

Deno.test("camera stays paused across reconnects, on any process, from the first frame on [A14, S4]", () =>
  withTwo({}, async ([one, other], modal) => {
    const first = await connectSession(one.url);
    first.glasses.send(frame(1));
    await first.heard("result");
    first.glasses.vanish();
    await order(one, "/camera/pause");
    const { session, resume } = first.hello;
    for (const { url } of [other, one, other]) {
      const again = await connectSession(url, { session, resume, cursor: 1 });
      assertEquals(again.hello.session, session);
      again.glasses.send(frame(2));
      const ack = await again.heard("ack");
      assertEquals([ack.status, ack.reason], ["dropped", "paused"]);
      again.say({ type: "ask", id: "q", question: "What is it?" });
      assertEquals((await again.heard("error")).message, "the camera is paused");
      assertEquals(again.of("notice").map(({ code }) => code), ["paused"]);
      again.glasses.vanish();
    }
    const old = await connectAs(1, other.url);
    await old.see(3);
    await pass(50);
    assertEquals(modal.seen.callCount, 1);
    await old.glasses.leave();
  }));

Deno.test("camera: the client's own pause and that from outside do not undo each other [A14, S6]", () =>
  withModal({}, async (foresight) => {
    const client = await connectAs(2, foresight.url);
    const say = (type: string) => client.glasses.send(JSON.stringify({ type }));
    assertEquals(await client.see(1), "queued");
    say("pause");
    await order(foresight, "/camera/pause");
    await order(foresight, "/camera/unpause");
    assertEquals(await client.see(2), "paused");
    await order(foresight, "/camera/pause");
    say("unpause");
    assertEquals(await client.see(3), "paused");
    await order(foresight, "/camera/unpause");
    await client.hear(4);
    await client.glasses.leave();
  }));

Deno.test("camera paused for a while goes on by itself, also where KV is away by then [A14, S5]", () =>
  withKv(async (real) => {
    const watched = watchReads(real);
    await withModal({}, async (foresight) => {
      const client = await connectAs(2, foresight.url);
      const { status, answer } = await order(foresight, "/camera/pause", { for_s: 2 });
      watched.mode = "fails";
      assertEquals([status, answer.state], [200, "paused"]);
      const lastsMs = Date.parse(String(answer.until)) - Date.parse(String(answer.since));
      assert(lastsMs > 1_000 && lastsMs <= 2_000, String(lastsMs));
      const { retry_after_ms } = await client.glasses.heard(({ code }) => code === "paused");
      assert(Number(retry_after_ms) > 0 && Number(retry_after_ms) <= 2_000);
      assertEquals(await client.see(1), "paused");
      await client.glasses.heard(({ code }) => code === "unpaused");
      assertEquals(await client.see(2), "queued");
      await client.glasses.leave();
    }, watched);
  }));

Deno.test("camera of which KV says nothing is shut to who is new, and on to who was there [A14]", () =>
  withKv(async (real) => {
    const watched = watchReads(real);
    await withModal({}, async (foresight, modal) => {
      const there = await connectAs(1, foresight.url);
      await there.hear(1);
      watched.mode = "fails";
      await pass(POLL_MS + 200);
      await there.hear(2);
      await there.glasses.leave();
      while (foresight.streams.size > 0) await pass(5);
      const [old, fresh] = [await connectAs(1, foresight.url), await connectAs(2, foresight.url)];
      await old.see(3);
      assertEquals(await fresh.see(3), "busy");
      await pass(50);
      assertEquals([modal.seen.callCount, fresh.notices()], [2, []]);
      watched.mode = "answers";
      let fate = "";
      for (let look = 0; fate !== "queued" && look < LOOKS; look++) {
        fate = await fresh.see(4);
        await pass(LOOK_MS);
      }
      assertEquals(fate, "queued");
      await old.hear(5);
      await Promise.all([old, fresh].map(({ glasses }) => glasses.leave()));
    }, watched);
  }));

Deno.test("camera that cannot be written is 503, and nothing is looked at until it is known [A14]", () =>
  withKv(async (real) => {
    const faulty = new FaultyKv(real);
    await withForesight({}, async (foresight) => {
      const { fetch, logged } = foresight;
      faulty.failCommits({ kind: "refused" }, 1);
      const refused = await order(foresight, "/camera/pause");
      assertEquals(refused.status, 503);
      assertMatch(String(refused.answer.detail), /come again/);
      assertEquals(await stateOf(foresight), { state: "on" });
      faulty.failReads(1);
      const unread = await fetch("/camera");
      assertEquals([unread.status, unread.headers.get("retry-after")], [503, "1"]);
      await unread.body?.cancel();
      faulty.failCommits({ kind: "answer lost" }, 1);
      assertEquals((await order(foresight, "/camera/pause")).status, 503);
      assertEquals((await stateOf(foresight)).state, "paused");
      assertEquals(logged.filter(({ event }) => event === "kv.camera_failed").length, 3);
    }, { kv: faulty.kv });
  }));

Deno.test("camera: a pause whose answer was lost is obeyed all the same [A14]", () =>
  withKv(async (real) => {
    const faulty = new FaultyKv(real);
    await withModal({}, async (foresight) => {
      const client = await connectAs(2, foresight.url);
      await client.hear(1);
      // Nothing else is written meanwhile.
      faulty.failCommits({ kind: "answer lost" }, 1);
      assertEquals((await order(foresight, "/camera/pause")).status, 503);
      assertEquals(await client.see(2), "paused");
      await client.glasses.leave();
    }, { kv: faulty.kv });
  }));

Deno.test("camera: 422 says what for_s must be and what it is; an empty body is none [H2]", () =>
  withForesight({}, async (foresight) => {
    const must = "must be a whole number of seconds from 1 to 86400, or left out";
    for (const for_s of [0, -1, 1.5, 86_401, "60", null, 1e300]) {
      const { status, answer } = await order(foresight, "/camera/pause", { for_s });
      const [{ loc, msg }] = answer.detail as [{ loc: string[]; msg: string }];
      assertEquals([status, loc], [422, ["body", "for_s"]]);
      assertEquals(msg, `for_s ${must}: current value is ${JSON.stringify(for_s)}`);
    }
    for (const body of ["x", [], null]) {
      assertEquals((await order(foresight, "/camera/pause", body)).status, 422, String(body));
    }
    assertEquals(await stateOf(foresight), { state: "on" });
    const long = await order(foresight, "/camera/pause", { for_s: 1, more: "x".repeat(2000) });
    assertEquals(long.status, 413);
    const { status, answer } = await order(foresight, "/camera/pause");
    assertEquals([status, answer.state, answer.until], [200, "paused", null]);
    const { answer: again } = await order(foresight, "/camera/pause", {});
    assertEquals(again, answer);
  }));

Deno.test("camera is paused by who may stream or act for the wearer, and by nobody else [A14, A6]", () =>
  withForesight({}, async (foresight) => {
    const requests = [["GET", "/camera"], ["POST", "/camera/pause"], ["POST", "/camera/unpause"]];
    for (const scope of TOKEN_SCOPES) {
      const token = await issueToken(foresight, "ann", [scope]);
      const may = scope === "stream" || scope === "admin";
      for (const [method, path] of requests as [string, string][]) {
        const { status, detail } = await ask(foresight, token, method, path);
        assertEquals(status, may ? 200 : 403, `${scope} ${path}`);
        if (!may) assertMatch(String(detail), /must include (stream or admin|others)/);
      }
    }
    const ann = await issueToken(foresight, "ann", ["stream"]);
    await ask(foresight, ann, "POST", "/camera/pause");
    assertEquals(await stateOf(foresight), { state: "on" }, "of the operator's own wearer");
  }));

Deno.test("camera paused as a client is lost: what it left is not described any more [A14, S4]", () =>
  withModal({}, async (foresight, modal) => {
    modal.faults.rpcs("functionGet", { kind: "delay", delayMs: 500 });
    const client = await connectAs(2, foresight.url);
    assertEquals(await client.see(1), "queued");
    client.glasses.vanish();
    while (foresight.streams.size > 0) await pass(5);
    await order(foresight, "/camera/pause");
    await foresight.streams.drain();
    assertEquals([modal.seen.rpcs.functionGet > 0, modal.seen.callCount], [true, 0]);
  }));
