import { assert, assertEquals, assertMatch } from "@std/assert";
import { connectGlasses } from "../../dev/glasses.ts";
import { systemClock } from "../../clock.ts";
import { DEFAULT_WEARER } from "../../kv/keys.ts";
import { SHARE_SCOPES, type TokenScope } from "../../kv/token_keys.ts";
import { TokenSigner } from "../../wearers/token_signer.ts";
import { isPublic, SIGNING_KEY, type TestForesight, withForesight } from "../_foresight.ts";
import { dumpKv } from "../kv/_temp_kv.ts";
import { different, LiveClient, seen, session } from "./_timeline.ts";
import { ask, bearing, issueToken } from "./_wearers.ts";

/** What a link is answered with. */
interface Shared {
  readonly id: string;
  readonly scopes: string[];
  readonly expires_at: string;
  readonly label: string | null;
  readonly token: string;
  readonly urls: { readonly live?: string; readonly timeline?: string };
}

/** All that a link may lead to, by its scope. */
const LEADS_TO: Readonly<Record<string, string>> = {
  "GET /timeline/live": "live",
  "GET /timeline": "timeline",
  "GET /timeline/search": "timeline",
  "GET /sessions": "timeline",
  "GET /sessions/:id": "timeline",
  "GET /sessions/:id/chunks": "timeline",
};
const EVERY_WISH = {
  scopes: ["live"],
  expires_in_s: 60,
  message: "hi",
  question: "hi?",
  for_s: 60,
};

async function share({ fetch }: TestForesight, wish: Record<string, unknown> = {}) {
  const body = JSON.stringify({ scopes: SHARE_SCOPES, expires_in_s: 600, ...wish });
  const response = await fetch("/share", { method: "POST", body });
  const answer: Shared = await response.json();
  assertEquals(response.status, 201, JSON.stringify(answer));
  return { response, ...answer };
}

/** What a route answers, asked with a token in its address; of a stream the status alone. */
async function follow(
  { url }: TestForesight,
  request: string,
  token: string,
): Promise<{ status: number; text: string; headers: Headers }> {
  const [method, path] = request.split(" ") as [string, string];
  const address = url + path.replaceAll(/:\w+/g, session.id) + `?q=saw&token=${token}`;
  const init = method === "GET" ? {} : { body: JSON.stringify(EVERY_WISH) };
  const response = await fetch(address, { method, ...init });
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
  if (isStream) await response.body!.cancel();
  const text = isStream ? "" : await response.text();
  return { status: response.status, text, headers: response.headers };
}

for (const SOCKET_TRANSPORT of ["ws", "native"]) {
  Deno.test(`share: links work as they are, and end at once as they are revoked, over ${SOCKET_TRANSPORT} [A15, A8]`, () =>
    withForesight({ SOCKET_TRANSPORT }, async (foresight) => {
      await seen(foresight, different(3));
      const { response, id, token, urls, ...rest } = await share(foresight, { label: "Eve" });
      assertEquals([rest.scopes, rest.label], [["live", "timeline"], "Eve"]);
      assertEquals(response.headers.get("cache-control"), "no-store");
      const leftMs = Date.parse(rest.expires_at) - systemClock.epochMs();
      assert(leftMs > 590_000 && leftMs <= 600_000);
      assertEquals(urls, {
        live: `${foresight.url}/timeline/live?token=${token}`,
        timeline: `${foresight.url}/timeline?token=${token}`,
      });

      const first = await (await fetch(`${urls.timeline}&limit=2`)).json();
      const more = await (await fetch(`${urls.timeline}&cursor=${first.next_cursor}`)).json();
      const captions = [...first.items, ...more.items].map(({ caption }) => caption);
      assertEquals(captions, ["saw 2", "saw 1", "saw 0"]);
      const client = await LiveClient.connect({ fetch: () => fetch(urls.live!) });
      const { headers } = client.response;
      assertEquals([headers.get("referrer-policy"), headers.get("cache-control")], [
        "no-referrer",
        "no-store",
      ]);
      await client.next();

      const gone = await foresight.fetch(`/share/${id}`, { method: "DELETE" });
      assertEquals([gone.status, await gone.text()], [204, ""]);
      assertEquals(await client.next(), null, "it says nothing more, and does not wait for a look");
      const late = await fetch(urls.timeline!);
      assertEquals([late.status, (await late.json()).detail], [
        403,
        "token must not be revoked: it is",
      ]);
      const kept = JSON.stringify(foresight.logged) + await dumpKv(foresight.kv);
      assert(!kept.includes(token), "the token is nowhere");
      assert(JSON.stringify(foresight.logged).includes("/timeline/live?token=[redacted]"));
    }));
}

Deno.test("share: a link opens what its scopes say, and no other route that there is [A15, A6]", () =>
  withForesight({}, async (foresight) => {
    const { routes, kv } = foresight;
    await seen(foresight, different(1));
    const wishes: TokenScope[][] = [["live"], ["timeline"], ["timeline", "live"]];
    const links = await Promise.all(wishes.map((scopes) => share(foresight, { scopes })));
    const before = await dumpKv(kv);
    assertEquals(Object.keys(LEADS_TO).filter((route) => !routes.includes(route)), []);
    const asked = [...routes, "GET /nothing", "DELETE /timeline", "POST /sessions"];
    for (const { scopes, token } of links) {
      for (const route of asked.filter((route) => !isPublic(route))) {
        const may = scopes.includes(LEADS_TO[route] ?? "none");
        const { status, text } = await follow(foresight, route, token);
        assertEquals(status, may ? 200 : 403, `${route} with ${scopes}`);
        assert(may || !text.includes("saw"), text);
        const [method, path] = route.split(" ") as [string, string];
        if (may) continue;
        const named = path.replaceAll(/:\w+/g, DEFAULT_WEARER);
        const wish = method === "GET" ? undefined : EVERY_WISH;
        const brought = await ask(foresight, { token }, method, named, wish);
        assertEquals(brought.status, 403, `${route} with ${scopes} in its header`);
        assertMatch(String(brought.detail), /^The token's scopes must include /);
      }
    }
    assertEquals(await dumpKv(kv), before);
  }));

Deno.test("share: a link is no way to a stream [A15]", () =>
  withForesight({}, async (foresight) => {
    const { token } = await share(foresight);
    const headers = { upgrade: "websocket" };
    const response = await fetch(`${foresight.url}/vision/stream?token=${token}`, { headers });
    assertEquals([response.status, foresight.streams.size], [403, 0]);
    await response.body?.cancel();
  }));

Deno.test("share: any token may stand in the address where links lead, and nowhere else [A15, A5]", () =>
  withForesight({}, async (foresight) => {
    await seen(foresight, different(1));
    const { token } = await issueToken(foresight, DEFAULT_WEARER, ["read", "admin", "poke"]);
    for (const route of foresight.routes.filter((route) => !isPublic(route))) {
      const { status, text, headers } = await follow(foresight, route, token);
      if (route in LEADS_TO) {
        assertEquals([status, headers.get("referrer-policy")], [200, "no-referrer"], route);
      } else if (route.endsWith("/vision/stream")) {
        assertMatch(text, /must include stream/);
      } else {
        assertEquals([status, text], [403, "forbidden"], route);
      }
    }
    const head = await fetch(`${foresight.url}/timeline?token=${token}`, { method: "HEAD" });
    assertEquals([head.status, head.headers.get("cache-control")], [200, "no-store"]);
  }));

Deno.test("share: forged, expired, revoked and foreign links are told what is wrong [A15, A7, A6]", () =>
  withForesight({}, async (foresight) => {
    await seen(foresight, different(1));
    const { id, token } = await share(foresight);
    const signed = (key: string, expiresAtMs: number) =>
      new TokenSigner([key]).sign({
        wearer: DEFAULT_WEARER,
        tokenId: id,
        scopes: ["timeline"],
        expiresAtMs,
      });
    const laterMs = systemClock.epochMs() + 60_000;
    const cases: [string, RegExp][] = [
      [signed("another-key-of-thirty-two-characters", laterMs), /must be one that this server/],
      [`${token.slice(0, -2)}__`, /must be one that this server/],
      [signed(SIGNING_KEY, Date.UTC(2026, 0, 1)), /it did at 2026-01-01/],
    ];
    for (const [bad, expected] of cases) {
      for (const route of Object.keys(LEADS_TO)) {
        const { status, text, headers } = await follow(foresight, route, bad);
        assertEquals([status, headers.get("cache-control")], [403, "no-store"], route);
        assertMatch(JSON.parse(text).detail, expected);
      }
    }
    const anns = await issueToken(foresight, "ann", ["timeline"]);
    const { status, text } = await follow(foresight, "GET /timeline", anns.token);
    assertEquals([status, JSON.parse(text).items], [200, []], "of ann there is nothing");
    assertEquals((await follow(foresight, "GET /sessions/:id", anns.token)).status, 404);
    await foresight.fetch(`/share/${id}`, { method: "DELETE" });
    const revoked = await follow(foresight, "GET /timeline", token);
    assertEquals([revoked.status, JSON.parse(revoked.text).detail], [
      403,
      "token must not be revoked: it is",
    ]);
  }));

Deno.test("share: links are listed without their tokens, and revoked by their wearer alone [A15]", () =>
  withForesight({}, async (foresight) => {
    const ann = await issueToken(foresight, "ann", ["admin"]);
    const wish = { scopes: ["live"], expires_in_s: 60 };
    const made = JSON.parse((await ask(foresight, ann, "POST", "/share", wish)).text);
    const { id, scopes, expires_at, label } = made;
    const list = async (token = ann) =>
      JSON.parse((await ask(foresight, token, "GET", "/share")).text).links;
    const [link, ...others] = await list();
    const { issued_at, ...rest } = link;
    assertMatch(issued_at, /Z$/);
    assertEquals([rest, others], [{ id, scopes, label, expires_at, revoked_at: null }, []]);

    const bob = await issueToken(foresight, "bob", ["admin"]);
    assertEquals(await list(bob), []);
    const unknown = "No link has this id, or it has expired";
    for (const [token, other] of [[bob, id], [ann, ann.id], [ann, "x".repeat(3000)]] as const) {
      const { status, detail } = await ask(foresight, token, "DELETE", `/share/${other}`);
      assertEquals([status, detail], [404, unknown]);
    }
    assertEquals((await list())[0].revoked_at, null);
    for (let times = 0; times < 2; times++) {
      assertEquals((await ask(foresight, ann, "DELETE", `/share/${id}`)).status, 204);
    }
    assertMatch((await list())[0].revoked_at, /Z$/);
  }));

Deno.test("share: who acts for the wearer in all things shares, no longer than its own token lasts [A15]", () =>
  withForesight({}, async (foresight) => {
    const wish = { scopes: ["live"], expires_in_s: 3600 };
    const every = await issueToken(foresight, "ann", ["stream", "read", "poke", "rules"]);
    for (const [method, path] of [["POST", ""], ["GET", ""], ["DELETE", "/x"]]) {
      const body = method === "POST" ? wish : undefined;
      const { status, detail } = await ask(foresight, every, method!, `/share${path}`, body);
      assertEquals(status, 403);
      assertMatch(String(detail), /must include admin/);
    }
    const admin = await issueToken(foresight, "ann", ["admin"]);
    const { status, detail } = await ask(foresight, admin, "POST", "/share", wish);
    assertEquals(status, 403);
    assertMatch(String(detail), /^expires_at must be at most the token's own/);
  }));

Deno.test("share: tokens of links are issued as others are too, by who has or includes them [A15, A9]", () =>
  withForesight({}, async (foresight) => {
    const admin = await issueToken(foresight, "ann", ["admin"]);
    const reader = await issueToken(foresight, "ann", ["admin", "read"]);
    const wish = { scopes: ["timeline"], expires_in_s: 60 };
    const issue = (by: typeof admin) => ask(foresight, by, "POST", "/wearers/ann/tokens", wish);
    assertEquals([(await issue(admin)).status, (await issue(reader)).status], [403, 201]);
    const { links } = JSON.parse((await ask(foresight, admin, "GET", "/share")).text);
    assertEquals(links.length, 1, "and are links then");
  }));

Deno.test("share: 422 says which field, what it must be and what it is [A15, H2]", () =>
  withForesight({}, async (foresight) => {
    const hour = { expires_in_s: 3600 };
    const scopes = ["live"];
    const cases: [unknown, string][] = [
      [undefined, "the body must be a JSON object: current value is missing"],
      ["x", 'the body must be a JSON object: current value is "x"'],
      [hour, "scopes must be a list of one or more of live, timeline, none twice"],
      [{ scopes: [], ...hour }, "scopes must be a list of one or more of live, timeline"],
      [{ scopes: ["live", "live"], ...hour }, "scopes must be a list of one or more of live"],
      [
        { scopes: ["live", "read"], ...hour },
        'scopes.1 must be one of live, timeline: current value is "read"',
      ],
      [
        { scopes: ["admin"], ...hour },
        'scopes.0 must be one of live, timeline: current value is "admin"',
      ],
      [{ scopes }, "expires_in_s must be given, or expires_at in its place, and not both"],
      [
        { scopes, expires_in_s: 2_592_001 },
        "expires_in_s must be a whole number of seconds from 1 to 2592000",
      ],
      [
        { scopes, expires_at: "2999-01-01T00:00:00Z" },
        "expires_at must be a time as 2030-01-31T12:00:00Z, after now and within 30 days",
      ],
      [{ scopes, ...hour, label: 7 }, "label must be a text of at most 100 characters"],
    ];
    const before = await dumpKv(foresight.kv);
    for (const [body, expected] of cases) {
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      const answer = await foresight.fetch("/share", { method: "POST", ...sent });
      const { detail } = await answer.json();
      assertEquals(answer.status, 422, JSON.stringify(body));
      assert(detail[0].msg.startsWith(expected), `${detail[0].msg} | ${expected}`);
    }
    const long = await foresight.fetch("/share", { method: "POST", body: "x".repeat(20_000) });
    assertEquals(long.status, 413);
    await long.body?.cancel();
    assertEquals(await dumpKv(foresight.kv), before);
  }));

Deno.test("share: links begin where PUBLIC_URL says; without keys there are none [A15]", async () => {
  await withForesight({ PUBLIC_URL: "https://eyes.example/foresight/" }, async (foresight) => {
    const { token, urls } = await share(foresight, { scopes: ["timeline"] });
    assertEquals(urls, { timeline: `https://eyes.example/foresight/timeline?token=${token}` });
  });
  await withForesight({ TOKEN_SIGNING_KEYS: "" }, async ({ fetch }) => {
    const body = JSON.stringify({ scopes: ["live"], expires_in_s: 60 });
    const response = await fetch("/share", { method: "POST", body });
    assertEquals(response.status, 501);
    await response.body?.cancel();
  });
});

Deno.test("share: where KV is away, 503 and no link [A15]", async () => {
  const kv = await Deno.openKv(":memory:");
  kv.close();
  await withForesight({}, async ({ fetch }) => {
    const body = JSON.stringify({ scopes: ["live"], expires_in_s: 60 });
    for (const [method, path] of [["POST", ""], ["GET", ""], ["DELETE", "/x"]]) {
      const init = method === "POST" ? { method, body } : { method: method! };
      const response = await fetch(`/share${path}`, init);
      assertEquals([response.status, response.headers.get("retry-after")], [503, "1"]);
      await response.body?.cancel();
    }
  }, { kv });
});

Deno.test("a stream closes at once as its token is revoked in its process [A8]", () =>
  withForesight({}, async (foresight) => {
    const ann = await issueToken(foresight, "ann", ["stream"]);
    const other = await issueToken(foresight, "ann", ["stream"]);
    const connect = (token: typeof ann) =>
      connectGlasses(foresight.url, { magicWord: "", headers: bearing(token) });
    const [first, second, kept] = [await connect(ann), await connect(ann), await connect(other)];
    await foresight.fetch(`/wearers/ann/tokens/${ann.id}`, { method: "DELETE" });
    const reason = "the token was revoked: connect with another";
    assertEquals([await first.ended, await second.ended], [
      { code: 1008, reason },
      { code: 1008, reason },
    ]);
    assertEquals(foresight.streams.size, 1);
    await kept.leave();
  }));
