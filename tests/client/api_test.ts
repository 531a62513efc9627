import { assert, assertEquals, assertRejects } from "@std/assert";
import { createApi, itemsOf } from "../../client/api.ts";
import { Incomplete, Refused } from "../../client/refused.ts";
import { DEFAULT_WEARER } from "../../kv/keys.ts";
import { type TestForesight, withForesight } from "../_foresight.ts";
import { deployWriter } from "../routes/_asking.ts";
import { different, seen } from "../routes/_timeline.ts";
import { frame, withModal } from "../routes/_vision.ts";
import { issueToken } from "../routes/_wearers.ts";
import { withGlasses, WORD } from "./_glasses.ts";

const apiOf = ({ url }: TestForesight) => createApi({ url, access: WORD });

Deno.test("api reads the timeline page by page, and each page as it is asked for [T2, T3]", () =>
  withForesight({}, async (foresight) => {
    await seen(foresight, different(5));
    const api = apiOf(foresight);
    const pages = await Array.fromAsync(api.timeline({ order: "oldest", limit: 2 }));
    assertEquals(pages.map(({ items }) => items.length), [2, 2, 1]);
    const all = api.timeline({ limit: 2, zone: "Europe/Berlin", from: "2026-01-01" });
    const captions = await Array.fromAsync(itemsOf(all), ({ caption, started_at_local }) => {
      assert(started_at_local?.endsWith("+01:00"));
      return caption;
    });
    assertEquals(captions, different(5).reverse());
    let asked = 0;
    const counting = ((...request) => (asked++, fetch(...request))) as typeof fetch;
    const counted = createApi({ url: foresight.url, access: WORD, platform: { fetch: counting } });
    for await (const _ of counted.timeline({ limit: 1 })) break;
    assertEquals(asked, 1);
  }));

Deno.test("api reads sessions and their chunks, and rejects with what the server says [T5, T8]", () =>
  withModal({}, async (foresight) => {
    await withGlasses({ url: foresight.url }, async (glasses) => {
      glasses.send(frame(1));
      await glasses.bye();
    });
    const api = apiOf(foresight);
    const [session] = await Array.fromAsync(itemsOf(api.sessions()));
    assertEquals(session, await api.session(session!.id));
    assertEquals([session!.status, session!.frames], ["ended", 1]);
    const [chunk] = await Array.fromAsync(itemsOf(api.chunks(session!.id)));
    assertEquals([chunk!.index, chunk!.caption], [0, "saw 1 after "]);
    const unknown = await assertRejects(() => api.session("../health"), Refused) as Refused;
    assertEquals([unknown.status, unknown.detail], [404, "There is no such session"]);
    const wrong = await assertRejects(() => api.timeline({ limit: 0 }).next(), Refused) as Refused;
    assertEquals([wrong.status, wrong.detail.startsWith("limit must be")], [422, true]);
  }));

Deno.test("api searches, and asks about the past [T9]", () =>
  withModal({}, async (foresight, modal) => {
    deployWriter(modal, () => ({ citations: [1], known: true, answer: "A seven." }));
    await withGlasses({ url: foresight.url }, async (glasses) => {
      glasses.send(frame(7));
      await glasses.bye();
    });
    const api = apiOf(foresight);
    const [hit] = await api.search("7", { limit: 1 });
    assertEquals([hit!.caption, hit!.matched], ["saw 7 after ", [{ word: "7", from: 4, to: 5 }]]);
    const reply = await api.ask("What was there?", { zone: "Europe/Berlin" });
    assertEquals(reply.segments.map(({ caption }) => caption), ["saw 7 after "]);
    const { outcome, answer, citations } = reply;
    assertEquals([outcome, answer, citations], ["answered", "A seven.", [reply.segments[0]!.id]]);
    const wrong = await assertRejects(() => api.ask("?"), Refused) as Refused;
    assertEquals([wrong.status, wrong.detail.startsWith("question must be")], [422, true]);
  }));

Deno.test("api adds, changes and removes rules; of two changes one is told the other [R1, R3, R8, R9]", () =>
  withForesight({}, async (foresight) => {
    const { rules } = apiOf(foresight);
    const rule = await rules.add({ when: "bus 22 comes" });
    assertEquals([rule.kind, rule.version, rule.then.channel], ["seen", 1, "poke"]);
    const changed = await rules.change(rule.id, { enabled: false }, 1);
    assertEquals(changed.kind === "changed" && changed.rule.version, 2);
    const conflict = await rules.change(rule.id, { enabled: true }, 1);
    assertEquals(conflict.kind === "conflict" && conflict.current.version, 2);
    assertEquals((await rules.list()).map(({ id }) => id), [rule.id]);
    assertEquals((await rules.get(rule.id)).enabled, false);
    assertEquals(await Array.fromAsync(itemsOf(rules.events(rule.id))), []);
    const tested = await rules.test(rule.id, { from: "2026-01-01", to: "2026-01-02" });
    assertEquals([tested.would_fire, tested.judged], [[], 0]);
    assertEquals((await rules.setManners({ max_per_day: 7 })).max_per_day, 7);
    assertEquals(await rules.manners(), { quiet_hours: null, max_per_day: 7 });
    await rules.remove(rule.id);
    assertEquals(await rules.list(), []);
  }));

Deno.test("api pauses the camera, and makes links that a helper comes in with [A14, A15]", () =>
  withForesight({}, async (foresight) => {
    await seen(foresight, different(1));
    const api = apiOf(foresight);
    assertEquals(await api.camera.state(), { state: "on" });
    const paused = await api.camera.pause(60);
    assert(paused.state === "paused" && paused.until !== null);
    assertEquals(await api.camera.unpause(), { state: "on" });
    const link = await api.share.create({ scopes: ["timeline"], expires_in_s: 60, label: "Eve" });
    for (const place of ["header", "query"] as const) {
      const access = { kind: "token", token: link.token, place } as const;
      const helper = createApi({ url: foresight.url, access });
      const seen = await Array.fromAsync(itemsOf(helper.timeline()), ({ caption }) => caption);
      assertEquals(seen, different(1));
      await assertRejects(() => helper.camera.state(), Refused, "403");
    }
    assertEquals((await api.share.links()).map(({ label }) => label), ["Eve"]);
    await api.share.revoke(link.id);
    const late = createApi({ url: foresight.url, access: { kind: "token", token: link.token } });
    await assertRejects(() => late.timeline().next(), Refused, "revoked");
  }));

Deno.test("api lists what left, and is refused to send again what did not fail [O6]", () =>
  withForesight({ OUTBOX_LOG_TEXT: "on" }, async (foresight) => {
    const commit = foresight.kv.atomic();
    const id = await foresight.outbox.enqueue(commit, {
      wearer: DEFAULT_WEARER,
      channel: "log",
      text: "hello",
      cause: { kind: "rule", id: "r" },
      atMs: Date.now(),
      name: "n",
    });
    await commit.commit();
    foresight.outbox.wake(DEFAULT_WEARER);
    await foresight.outbox.quiet();
    const { outbox } = apiOf(foresight);
    const [message] = await Array.fromAsync(itemsOf(outbox.messages({ state: "delivered" })));
    assertEquals([message!.id, message!.text, message!.state], [id, "hello", "delivered"]);
    assertEquals(await outbox.message(id), message);
    const refused = await assertRejects(() => outbox.resend(id), Refused) as Refused;
    assertEquals(refused.status, 409);
    await assertRejects(() => outbox.webhookSecrets(), Refused, "501");
  }));

Deno.test("api exports line by line, misses what broke off, and erases with a receipt [A11, A12, A13]", () =>
  withForesight({}, async (foresight) => {
    await seen(foresight, different(3));
    const api = apiOf(foresight);
    const wearer = api.wearer(DEFAULT_WEARER);
    assertEquals((await wearer.setRetention(0)).own_days, 0);
    const lines = await Array.fromAsync(wearer.export());
    const end = lines.at(-1)!;
    assert(end.record === "end" && "counts" in end);
    assertEquals(lines.filter(({ record }) => record === "chunk").length, end.counts.chunk);
    const broken = (async (input, init) => {
      const text = await (await fetch(input, init)).text();
      return new Response(text.split("\n").slice(0, -2).join("\n"));
    }) as typeof fetch;
    const cut = createApi({ url: foresight.url, access: WORD, platform: { fetch: broken } });
    await assertRejects(() => Array.fromAsync(cut.wearer(DEFAULT_WEARER).export()), Incomplete);
    const erased = await wearer.erase();
    assert(erased.kind === "erased", erased.kind);
    assertEquals(erased.receipt.counts, end.counts);
    assertEquals(await Array.fromAsync(itemsOf(api.timeline())), []);
  }));

Deno.test("api brings another token once where one is good no more, and asks for it once [A8]", () =>
  withForesight({}, async (foresight) => {
    const first = await issueToken(foresight, "ann", ["read"]);
    const second = await issueToken(foresight, "ann", ["read"]);
    const asked: (string | null)[] = [];
    const token = (refused: string | null) => {
      asked.push(refused);
      return refused === null ? first.token : second.token;
    };
    const api = createApi({ url: foresight.url, access: { kind: "token", token } });
    await api.timeline().next();
    await apiOf(foresight).wearer("ann").revokeToken(first.id);
    await Promise.all([api.timeline().next(), api.sessions().next()]);
    assertEquals(asked, [null, first.token]);
    const tokens = await apiOf(foresight).wearer("ann").tokens();
    assertEquals(tokens.filter(({ revoked_at }) => revoked_at !== null).length, 1);
  }));

Deno.test("api says whether the server lives, and what it can look for [H1]", () =>
  withForesight({}, async (foresight) => {
    const api = apiOf(foresight);
    assertEquals((await api.health()).status, "ok");
    assert((await api.profiles()).some(({ name }) => name === "narrate"));
  }));

Deno.test("api asks once for another token, however many requests are refused at once", async () => {
  let asked = 0;
  const refusing = (_: unknown, init?: RequestInit) => {
    const isGood = new Headers(init!.headers).get("authorization") === "Bearer token 2";
    const detail = "token must not have expired: it did";
    return Promise.resolve(Response.json({ detail, items: [] }, { status: isGood ? 200 : 403 }));
  };
  const api = createApi({
    url: "http://host",
    access: { kind: "token", token: () => Promise.resolve(`token ${++asked}`) },
    platform: { fetch: refusing as typeof fetch },
  });
  await api.health();
  assertEquals(asked, 2);
  const fresh = createApi({
    url: "http://host",
    access: {
      kind: "token",
      token: (refused) => refused === null ? "token 1" : Promise.resolve(`token ${asked++}`),
    },
    platform: { fetch: refusing as typeof fetch },
  });
  await Promise.all([fresh.health(), fresh.health(), fresh.rules.list()]);
  assertEquals(asked, 3);
});
