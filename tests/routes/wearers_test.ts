import { assert, assertEquals, assertMatch } from "@std/assert";
import { systemClock } from "../../clock.ts";
import { TokenSigner } from "../../wearers/token_signer.ts";
import { isPublic, SIGNING_KEY, type TestForesight, withForesight } from "../_foresight.ts";
import { ask, bearing, issueToken } from "./_wearers.ts";

const signed = (key: string, expiresAtMs: number) =>
  new TokenSigner([key]).sign({ wearer: "ann", tokenId: "t-1", scopes: ["read"], expiresAtMs });

async function dump({ kv }: TestForesight): Promise<unknown[]> {
  return await Array.fromAsync(kv.list({ prefix: [] }));
}

Deno.test("wearers: the operator gives a token out, sees it listed and revokes it [A9]", () =>
  withForesight({}, async (foresight) => {
    const given = await issueToken(foresight, "ann", ["stream", "read"], { label: "phone" });
    const { token, ...listed } = given;
    assertMatch(token, /^fs1\./);
    assertEquals([given.wearer, given.scopes, given.label], ["ann", ["stream", "read"], "phone"]);
    const leftMs = Date.parse(given.expires_at) - systemClock.epochMs();
    assert(leftMs > 590_000 && leftMs <= 600_000);

    const list = async () => await (await foresight.fetch("/wearers/ann/tokens")).json();
    assertEquals(await list(), { tokens: [listed] });
    for (let times = 0; times < 2; times++) {
      const path = `/wearers/ann/tokens/${given.id}`;
      const gone = await foresight.fetch(path, { method: "DELETE" });
      assertEquals([gone.status, await gone.text()], [204, ""]);
    }
    const [after] = (await list()).tokens;
    assertMatch(after.revoked_at, /Z$/);
    const refused = await ask(foresight, given, "GET", "/profiles");
    assertEquals([refused.status, refused.detail], [403, "token must not be revoked: it is"]);
  }));

Deno.test("wearers: expires_at is a time of any zone, as precise as it is given [A9]", () =>
  withForesight({}, async (foresight) => {
    const at = new Date(Math.ceil(systemClock.epochMs() / 1000) * 1000 + 3_600_000);
    const inBerlin = new Date(at.getTime() + 7_200_000).toISOString().replace("Z", "+02:00");
    const more = { expires_in_s: undefined, expires_at: inBerlin };
    const { expires_at } = await issueToken(foresight, "ann", ["read"], more);
    assertEquals(expires_at, at.toISOString());
  }));

Deno.test("wearers: 422 says which field, what it must be and what it is [H2]", () =>
  withForesight({}, async (foresight) => {
    const scopes = ["read"];
    const hour = { expires_in_s: 3600 };
    const at = (expires_at: unknown) => ({ scopes, expires_at });
    const inS = (expires_in_s: unknown) => ({ scopes, expires_in_s });
    const cases: [unknown, string][] = [
      ["x", "the body must be a JSON object"],
      [{ ...hour }, "scopes must be a list of one or more of stream, read, poke, rules, admin"],
      [{ scopes: [], ...hour }, "scopes must be a list of one or more"],
      [{ scopes: ["read", "read"], ...hour }, "scopes must be a list of one or more"],
      [{ scopes: ["root"], ...hour }, "scopes.0 must be one of stream, read, poke, rules, admin"],
      [{ scopes }, "expires_in_s must be given, or expires_at in its place, and not both"],
      [{ scopes, ...hour, expires_at: "2030-01-01T00:00:00Z" }, "expires_in_s must be given, or"],
      ...[0, -1, 1.5, 31_536_001, "60", null, 1e300].map((value): [unknown, string] => [
        inS(value),
        `expires_in_s must be a whole number of seconds from 1 to 31536000: current value is ${
          JSON.stringify(value)
        }`,
      ]),
      ...["2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "2030-02-31T25:00:00Z", "soon", 7].map((
        value,
      ): [unknown, string] => [
        at(value),
        "expires_at must be a time as 2030-01-31T12:00:00Z, after now and within 365 days",
      ]),
      [{ scopes, ...hour, label: "x".repeat(101) }, "label must be a text of at most 100"],
      [{ scopes, ...hour, label: 7 }, "label must be a text of at most 100 characters"],
    ];
    for (const [body, expected] of cases) {
      const path = "/wearers/ann/tokens";
      const answer = await foresight.fetch(path, { method: "POST", body: JSON.stringify(body) });
      const { detail } = await answer.json();
      assertEquals(answer.status, 422, JSON.stringify(body));
      assert(detail[0].msg.startsWith(expected), `${detail[0].msg} | ${expected}`);
      assert(detail[0].msg.includes("current value is"));
    }
    assertEquals(await dump(foresight), []);
  }));

Deno.test("wearers: ids of wearers and tokens that are none are 422 [H2]", () =>
  withForesight({}, async ({ fetch }) => {
    const must = "must be 1 to 64 characters of A-Z a-z 0-9 _ - .";
    const cases: [string, string][] = [
      ["GET /wearers/a%20b/tokens", `wearer id ${must}: current value is "a b"`],
      ["GET /wearers/a%2Fb/tokens", `wearer id ${must}: current value is "a/b"`],
      ["GET /wearers/%E4%BD%A0/tokens", `wearer id ${must}: current value is "你"`],
      ["GET /wearers/%ff/tokens", `wearer id ${must}: current value is "%ff"`],
      [`POST /wearers/${"w".repeat(65)}/tokens`, `wearer id ${must}: current value is "w`],
      [`GET /wearers/${"w".repeat(999)}/tokens`, "current value is a text of 999 characters"],
      ["DELETE /wearers/ann/tokens/a%20b", `token id ${must}: current value is "a b"`],
    ];
    for (const [request, expected] of cases) {
      const [method, path] = request.split(" ") as [string, string];
      const answer = await fetch(path, { method });
      const { detail } = await answer.json();
      assertEquals(answer.status, 422, request);
      assert(detail.includes(expected), `${detail} | ${expected}`);
    }
    const long = await fetch("/wearers/ann/tokens", { method: "POST", body: "x".repeat(20_000) });
    assertEquals([long.status, await long.json()], [413, {
      detail: "The body must be at most 16384 bytes",
    }]);
  }));

Deno.test("wearers: forged, expired and foreign tokens are told what is wrong, and touch no KV [A7, A3]", () =>
  withForesight({}, async (foresight) => {
    const nowMs = systemClock.epochMs();
    const mine = await issueToken(foresight, "ann", ["admin", "read"]);
    const before = await dump(foresight);
    const forged = "token must be one that this server has issued: it is not";
    const cases: [string, string][] = [
      ["nonsense", forged],
      [signed("another-key-of-thirty-two-characters", nowMs + 9999), forged],
      [`${mine.token.slice(0, -1)}_`, forged],
      [signed(SIGNING_KEY, Date.UTC(2026, 0, 1)), "it did at 2026-01-01T00:00:00.000Z"],
      [signed(SIGNING_KEY, nowMs + 60_000), "token must not be revoked: it is"],
    ];
    for (const [token, expected] of cases) {
      for (const request of foresight.routes.filter((route) => !isPublic(route))) {
        const [method, path] = request.split(" ") as [string, string];
        const { status, detail, text } = await ask(foresight, { token }, method, path);
        assertEquals(status, 403, request);
        assert(String(detail).includes(expected), `${detail} | ${expected}`);
        assert(!text.includes(token), "the token is not repeated");
      }
    }
    const body = { scopes: ["read"], expires_in_s: 60 };
    const foreign = await ask(foresight, mine, "POST", "/wearers/bob/tokens", body);
    const own = "wearer id must be the token's own, ann: current value is bob";
    assertEquals([foreign.status, foreign.detail], [403, own]);
    assertEquals(await dump(foresight), before);
  }));

Deno.test("wearers: a token that lacks the scope is told which it needs [A6]", () =>
  withForesight({}, async (foresight) => {
    const routes: [string, string, string][] = [
      ["GET", "/vision/stream", "stream"],
      ["POST", "/poke/send", "poke"],
      ["POST", "/wearers/ann/tokens", "admin"],
      ["GET", "/wearers/ann/tokens", "admin"],
      ["DELETE", "/wearers/ann/tokens/t", "admin"],
    ];
    const reader = await issueToken(foresight, "ann", ["read", "rules"]);
    const before = await dump(foresight);
    for (const [method, path, scope] of routes) {
      const { status, detail } = await ask(foresight, reader, method, path);
      const expected = `The token's scopes must include ${scope}: current value is read, rules`;
      assertEquals([status, detail], [403, expected]);
    }
    assertEquals(await dump(foresight), before);
    assertEquals((await ask(foresight, reader, "GET", "/profiles")).status, 200);
  }));

Deno.test("wearers: a token gives its own wearer's tokens no more than it has itself [A9]", () =>
  withForesight({}, async (foresight) => {
    const admin = await issueToken(foresight, "ann", ["admin", "read"]);
    const path = "/wearers/ann/tokens";
    const kept = await foresight.fetch(path, {
      method: "POST",
      body: '{"scopes":["read"],"expires_in_s":9}',
    });
    assertEquals(kept.headers.get("cache-control"), "no-store");
    await kept.body?.cancel();
    const issued = await ask(foresight, admin, "POST", path, { scopes: ["read"], expires_in_s: 9 });
    assertEquals(issued.status, 201);
    assertEquals(JSON.parse(issued.text).issued_by, admin.id);
    const more = { scopes: ["read", "poke"], expires_in_s: 9 };
    assertEquals(
      (await ask(foresight, admin, "POST", path, more)).detail,
      [
        "scopes must be among the token's own (admin, read): current value is read, poke",
      ].join(),
    );
    const longer = { scopes: ["read"], expires_in_s: 9999 };
    const tooLong = await ask(foresight, admin, "POST", path, longer);
    assertEquals(tooLong.status, 403);
    assert(String(tooLong.detail).includes(`at most the token's own, ${admin.expires_at}`));
    const list = JSON.parse((await ask(foresight, admin, "GET", path)).text);
    assertEquals(list.tokens.length, 3);
    const gone = await ask(foresight, admin, "DELETE", `${path}/${admin.id}`);
    assertEquals([gone.status, (await ask(foresight, admin, "GET", path)).status], [204, 403]);
  }));

Deno.test("wearers: keys are rotated without logging anyone out [A9]", async () => {
  const kv = await Deno.openKv(":memory:");
  const NEW_KEY = "the-new-signing-key-of-these-tests";
  let old = "";
  await withForesight({}, async (foresight) => {
    old = (await issueToken(foresight, "ann", ["read"])).token;
  }, { kv });
  await withForesight({ TOKEN_SIGNING_KEYS: `${NEW_KEY}, ${SIGNING_KEY}` }, async (foresight) => {
    const fresh = await issueToken(foresight, "ann", ["read"]);
    assert(new TokenSigner([NEW_KEY]).verify(fresh.token, 0).kind === "valid");
    assertEquals((await ask(foresight, { token: old }, "GET", "/profiles")).status, 200);
    assertEquals((await ask(foresight, fresh, "GET", "/profiles")).status, 200);
  }, { kv });
  await withForesight({ TOKEN_SIGNING_KEYS: NEW_KEY }, async (foresight) => {
    assertEquals((await ask(foresight, { token: old }, "GET", "/profiles")).status, 403);
  }, { kv });
  kv.close();
});

Deno.test("wearers: without a key there are no tokens, and the magic word goes on [A9]", () =>
  withForesight({ TOKEN_SIGNING_KEYS: "" }, async (foresight) => {
    const body = JSON.stringify({ scopes: ["read"], expires_in_s: 9 });
    const answer = await foresight.fetch("/wearers/ann/tokens", { method: "POST", body });
    assertEquals([answer.status, await answer.json()], [501, {
      detail: "TOKEN_SIGNING_KEYS must be set for tokens to be issued: it is unset",
    }]);
    const token = signed(SIGNING_KEY, systemClock.epochMs() + 9999);
    assertEquals((await ask(foresight, { token }, "GET", "/profiles")).status, 403);
    assertEquals((await foresight.fetch("/profiles").then((got) => got.text())).length > 9, true);
  }));

Deno.test("wearers: a KV that is away is 503, for tokens that nobody here knew lately [A8]", async () => {
  const kv = await Deno.openKv(":memory:");
  await withForesight({}, async (foresight) => {
    const known = await issueToken(foresight, "ann", ["read", "admin"]);
    const unknown = await issueToken(foresight, "ann", ["read"]);
    assertEquals((await ask(foresight, known, "GET", "/profiles")).status, 200);
    kv.close();
    assertEquals((await ask(foresight, known, "GET", "/profiles")).status, 200);
    const answer = await fetch(`${foresight.url}/profiles`, { headers: bearing(unknown) });
    assertEquals([answer.status, answer.headers.get("retry-after")], [503, "1"]);
    assertEquals(await answer.json(), { detail: "The token cannot be checked: come again" });
    for (const method of ["GET", "POST", "DELETE"]) {
      const path = method === "DELETE" ? "/wearers/ann/tokens/t" : "/wearers/ann/tokens";
      const body = { scopes: ["read"], expires_in_s: 9 };
      const said = await ask(foresight, known, method, path, method === "POST" ? body : undefined);
      assertEquals([said.status, said.detail], [
        503,
        "The books cannot be read or written: come again",
      ]);
    }
  }, { kv });
});

Deno.test("wearers: a token in the address opens the stream and nothing else; the word goes first [A5]", () =>
  withForesight({}, async (foresight) => {
    const { token } = await issueToken(foresight, "ann", ["stream"]);
    const stream = await fetch(`${foresight.url}/vision/stream?token=${token}`);
    assertEquals([stream.status, await stream.json()], [426, {
      detail: "Upgrade to WebSocket required",
    }]);
    const other = await fetch(`${foresight.url}/profiles?token=${token}`);
    assertEquals([other.status, await other.text()], [403, "forbidden"]);
    const headers = { authorization: "Bearer someone-elses" };
    const word = await foresight.fetch("/profiles", { headers });
    assertEquals(word.status, 200);
    await word.body?.cancel();
    for (const authorization of ["Basic eDp5", "Bearer", "Bearer a b", token]) {
      const answer = await fetch(`${foresight.url}/profiles`, { headers: { authorization } });
      assertEquals([answer.status, await answer.text()], [403, "forbidden"]);
    }
    assert(!JSON.stringify(foresight.logged).includes(token));
    assert(JSON.stringify(foresight.logged).includes("/vision/stream?token=[redacted]"));
  }));
