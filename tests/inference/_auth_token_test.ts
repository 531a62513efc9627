import { assertEquals, assertRejects } from "@std/assert";
import { createAuthToken } from "../../inference/_auth_token.ts";
import { createFakeClock } from "../_fake_clock.ts";

const MINUTE_MS = 60_000;

/** A JWT with this payload; header and signature are nobody's business. */
function jwtOf(payload: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(payload));
  return `head.${bytes.toBase64({ alphabet: "base64url", omitPadding: true })}.signature`;
}

/** A desk that gives out tokens; `next` says what the next one is. */
function createDesk(next: (asked: number) => string | Promise<string>) {
  const clock = createFakeClock();
  const desk = { asked: 0, clock };
  const authToken = createAuthToken(async () => await next(++desk.asked), clock);
  return { desk, clock, authToken };
}

Deno.test("auth token is kept until 5 minutes before its end", async () => {
  const { desk, clock, authToken } = createDesk((asked) =>
    jwtOf({ n: asked, exp: (clock.epochMs() + 20 * MINUTE_MS) / 1000 })
  );
  const first = await authToken();
  clock.tick(15 * MINUTE_MS - 1);
  assertEquals(await authToken(), first);
  clock.tick(1);
  const second = await authToken();
  assertEquals([desk.asked, second === first], [2, false]);
  assertEquals(await authToken(), second);
});

Deno.test("auth token that lives shorter than that is good for half its life", async () => {
  const { desk, clock, authToken } = createDesk(() => jwtOf({ exp: clock.epochMs() / 1000 + 60 }));
  await authToken();
  clock.tick(29_999);
  await authToken();
  assertEquals(desk.asked, 1);
  clock.tick(1);
  await authToken();
  assertEquals(desk.asked, 2);
});

Deno.test("auth token that has ended already is given once, and asked for anew", async () => {
  const { desk, clock, authToken } = createDesk(() => jwtOf({ exp: clock.epochMs() / 1000 - 60 }));
  await authToken();
  await authToken();
  assertEquals(desk.asked, 2);
});

Deno.test("auth token that does not say when it ends is taken for 20 minutes", async () => {
  const silent = [
    "opaque",
    "a.b",
    "a.%%%.c",
    jwtOf({}),
    jwtOf(null),
    jwtOf([]),
    jwtOf({ exp: "soon" }),
    jwtOf({ exp: null }),
  ];
  for (const token of silent) {
    const { desk, clock, authToken } = createDesk(() => token);
    assertEquals(await authToken(), token);
    clock.tick(15 * MINUTE_MS - 1);
    await authToken();
    assertEquals(desk.asked, 1, token);
    clock.tick(1);
    await authToken();
    assertEquals(desk.asked, 2, token);
  }
});

Deno.test("auth token reads an expiry whose base64 takes - and _", async () => {
  const { desk, clock, authToken } = createDesk(() =>
    jwtOf({ who: "~~~???>>>", exp: clock.epochMs() / 1000 + 3600 })
  );
  const token = await authToken();
  assertEquals(/[-_]/.test(token.split(".")[1]!), true, token);
  clock.tick(54 * MINUTE_MS);
  await authToken();
  assertEquals(desk.asked, 1);
});

Deno.test("auth token is asked for once by all who wait for it", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const { desk, authToken } = createDesk(() => promise);
  const waiting = [authToken(), authToken(), authToken()];
  resolve("opaque");
  assertEquals(await Promise.all(waiting), ["opaque", "opaque", "opaque"]);
  assertEquals(desk.asked, 1);
});

Deno.test("auth token that could not be had fails all who wait, and is asked for anew", async () => {
  const { desk, authToken } = createDesk((asked) => {
    if (asked === 1) throw new Error("refused");
    return "opaque";
  });
  const waiting = [authToken(), authToken()];
  for (const each of waiting) await assertRejects(() => each, Error, "refused");
  assertEquals([await authToken(), desk.asked], ["opaque", 2]);
});

Deno.test("auth token that cannot be renewed is not given out beyond its time", async () => {
  const { clock, authToken } = createDesk((asked) => {
    if (asked === 2) throw new Error("refused");
    return jwtOf({ exp: clock.epochMs() / 1000 + 3600 });
  });
  await authToken();
  clock.tick(60 * MINUTE_MS);
  await assertRejects(authToken, Error, "refused");
  await authToken();
});

Deno.test("auth token that cannot be renewed yet is used until its end, and no longer", async () => {
  let isRefused = false;
  const { desk, clock, authToken } = createDesk((asked) => {
    if (isRefused) throw new Error("Modal is away");
    return jwtOf({ n: asked, exp: (clock.epochMs() + 20 * MINUTE_MS) / 1000 });
  });
  const first = await authToken();
  isRefused = true;
  clock.tick(15 * MINUTE_MS);
  assertEquals(await authToken(), first);
  assertEquals(await authToken(), first);
  assertEquals(desk.asked, 2, "asked again after half a minute, not with each call");
  clock.tick(30_000);
  assertEquals(await authToken(), first);
  assertEquals(desk.asked, 3);
  clock.tick(5 * MINUTE_MS);
  await assertRejects(() => authToken(), Error, "Modal is away");
  isRefused = false;
  assertEquals(await authToken() === first, false);
});
