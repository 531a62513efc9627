import { assert, assertEquals, assertRejects } from "@std/assert";
import { Hono } from "@hono/hono";
import { parseConfig } from "../../config.ts";
import { createCounters } from "../../counters.ts";
import { connectGlasses } from "../../dev/glasses.ts";
import { InferenceSlots } from "../../inference/slots.ts";
import { noopInference } from "../../inference/noop.ts";
import { createLogger } from "../../log.ts";
import type { AccessEnv } from "../../routes/access.ts";
import { visionRoutes } from "../../routes/vision.ts";
import { StandingOrders } from "../../wearers/orders.ts";
import { OPERATOR } from "../../wearers/principal.ts";
import { LiveStreams } from "../../stream/live_streams.ts";
import { createSessionStore } from "../../kv/sessions.ts";
import { NO_BUDGETS } from "../kv/_no_budgets.ts";
import { Admission } from "../../stream/admission.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { MAGIC_WORD, type TestForesight, withForesight } from "../_foresight.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { connectSession } from "./_session.ts";
import { frame, withModal } from "./_vision.ts";

const UPGRADE = { upgrade: "websocket", "sec-websocket-protocol": "foresight.v2" };
const CLAIM = "/vision/stream?session=s&resume=hush&cursor=0";

async function assertComeAgain(response: Response): Promise<void> {
  assertEquals([response.status, response.headers.get("retry-after")], [503, "5"]);
  const detail = "The session cannot be read: connect again";
  assertEquals(await response.json(), { detail });
}

Deno.test("claim on a session that KV cannot read is answered 503, and nothing else is [S4, H2]", async () => {
  const kv = await Deno.openKv(":memory:");
  kv.close();
  const settings = { VISION_DRAIN_SECONDS: "0.05" };
  await withForesight(settings, async ({ url, fetch, logged, streams }: TestForesight) => {
    await assertComeAgain(await fetch(CLAIM, { headers: UPGRADE }));
    const told = logged.filter(({ event }) => event === "kv.claim_failed");
    assertEquals(told.length, 1);
    assert(!JSON.stringify(logged).includes("hush"));
    assertEquals(
      (await (await fetch("/health")).json()).kv_failures,
      3,
      "the orders', the limiter's and this",
    );
    const fresh = await connectSession(url);
    fresh.glasses.send(frame(1));
    await fresh.heard("ack");
    await fresh.glasses.leave();
    await streams.drain();
  }, { kv });
});

Deno.test("claim that KV does not answer is refused after four seconds [S4]", () =>
  withKv(async (kv) => {
    const clock = createFakeClock();
    const outcome = parseConfig({});
    assert(outcome.kind === "valid");
    const store = createSessionStore({ kv, clock, retentionDays: 30 });
    const streams = new LiveStreams();
    const routes = visionRoutes({
      vision: outcome.config.vision,
      inference: noopInference,
      slots: new InferenceSlots(1),
      streams,
      budgets: NO_BUDGETS,
      questions: { follow: () => ({ now: () => [], stop() {} }) },
      maxStreams: 0,
      admission: new Admission({ streams, maxStreams: 0, memory: { isFull: false }, clock }),
      clock,
      log: createLogger("error", () => {}),
      counters: createCounters(),
      sessions: {
        begin: (session) => store.begin(session),
        takeOver: () => new Promise(() => {}),
        getSession: (...args) => store.getSession(...args),
        listChunks: (...args) => store.listChunks(...args),
        recentCaptions: (...args) => store.recentCaptions(...args),
        countRecords: (wearer) => store.countRecords(wearer),
      },
      newId: () => "id",
      upgrade: () => new Response("upgraded"),
      tokens: { watch: () => () => {} },
      orders: new StandingOrders({
        kv,
        clock,
        counters: createCounters(),
        log: createLogger("error", () => {}),
      }),
      rateLimiter: { take: () => Promise.resolve({ kind: "allowed", remaining: 1 }) },
      streamsPerMinute: 60,
      modelIdentity: null,
    });
    const app = new Hono<AccessEnv>();
    app.use((context, next) => (context.set("principal", OPERATOR), next()));
    app.route("/", routes);
    const asked = Promise.resolve(app.request(CLAIM, { headers: UPGRADE }));
    await assertComeAgain(await clock.tickUntil(asked, 100));
    assertEquals([clock.monotonicMs() >= 4000, clock.pendingTimers], [true, 0]);
  }));

Deno.test("results that cannot be read to the end close with 1011, so that none is missed [S4]", async () => {
  const real = await Deno.openKv(":memory:");
  let isBroken = false;
  const kv = new Proxy(real, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name !== "list") return value.bind(target);
      return (selector: Deno.KvListSelector, options?: Deno.KvListOptions) => {
        if (isBroken && "start" in selector) throw new Error("KV is down");
        return target.list(selector, options);
      };
    },
  });
  await withModal({}, async ({ url, logged }) => {
    const first = await connectSession(url);
    first.glasses.send(frame(1));
    await first.heard("result");
    first.glasses.vanish();
    const { session, resume } = first.hello;
    isBroken = true;
    const second = await connectSession(url, { session, resume, cursor: 0 });
    const ending = { code: 1011, reason: "results cannot be read: connect again" };
    assertEquals(await second.glasses.ended, ending);
    assert(logged.some(({ event }) => event === "kv.read_failed"));
    isBroken = false;
    const third = await connectSession(url, { session, resume, cursor: 0 });
    assertEquals((await third.heard("result")).cursor, 1);
    await third.glasses.leave();
  }, { kv });
  real.close();
});

Deno.test("client without the subprotocol hears what it always heard, whatever it says [V1, V5, V6]", () =>
  withModal({ VISION_STALL_SECONDS: "0.01" }, async ({ url, streams }) => {
    const v2 = await connectSession(url);
    v2.glasses.send(frame(7));
    await v2.heard("result");
    const { session, resume } = v2.hello;
    const glasses = await connectGlasses(url, {
      magicWord: MAGIC_WORD,
      protocol: "graphql-ws",
      query: { session, resume, cursor: "not a number" },
    }).catch(() => null);
    assertEquals(glasses, null, "its own client library refuses what is not chosen");
    const v1 = await connectGlasses(url, {
      magicWord: MAGIC_WORD,
      query: { session, resume, cursor: "not a number" },
    });
    assertEquals(v1.protocol, "");
    v1.send(frame(1));
    await v1.heard((ack) => "caption" in ack);
    v1.send(frame(2, 60));
    await v1.heard((ack) => ack.caption === "saw 2 after 1");
    await v2.heard("notice", ({ code }) => code === "stalled");
    await streams.drain();
    assertEquals((await v1.ended).code, 1012);
    const texts = v1.acks.map((ack) =>
      JSON.stringify(ack).replace(/_s":\d+(\.\d{1,3})?/g, '_s":0')
    );
    const fields = '"latency_ms":5,"chunk_start_s":0,"chunk_end_s":0,"tokens_generated":3';
    assertEquals(texts, [
      '{"frame":1,"bytes":50}',
      `{"frame":1,"bytes":50,"caption":"saw 1 after ",${fields}}`,
      '{"frame":2,"bytes":60}',
      `{"frame":2,"bytes":60,"caption":"saw 2 after 1",${fields}}`,
    ]);
  }));

Deno.test("client of v1 that speaks the words of v2 is sent away with 1003 [V9]", () =>
  withModal({}, async ({ url }) => {
    const v1 = await connectGlasses(url, { magicWord: MAGIC_WORD });
    v1.send('{"type":"pause"}');
    assertEquals((await v1.ended).code, 1003);
    assertEquals(v1.acks, []);
  }));

Deno.test("question to a model without answers is answered by an error with its id [S6]", () =>
  withModal({}, async ({ url }) => {
    const client = await connectSession(url);
    client.glasses.send(frame(1));
    await client.heard("result");
    client.say({ type: "ask", id: "q1", question: "What?" });
    const error = await client.heard("error");
    assertEquals([error.code, error.id], ["not_answered", "q1"]);
    await client.glasses.leave();
    await assertRejects(() => client.heard("answer"));
  }));
