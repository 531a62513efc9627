import { assert, assertEquals } from "@std/assert";
import { MAX_TOKENS } from "../../kv/token_records.ts";
import { tokenKey } from "../../kv/token_keys.ts";
import { OPERATOR, type Principal } from "../../wearers/principal.ts";
import { createTokens, type IssueRequest, type Tokens } from "../../wearers/tokens.ts";
import { createFakeClock, type FakeClock } from "../_fake_clock.ts";

const signingKeys = ["a-key-of-thirty-two-characters-at-least"];
const DAY_MS = 86_400_000;

interface Given {
  readonly kv: Deno.Kv;
  readonly clock: FakeClock;
  readonly tokens: Tokens;
  /** As another process on the same database sees it. */
  readonly elsewhere: Tokens;
}

async function withTokens(use: (given: Given) => Promise<void>): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  const clock = createFakeClock();
  let ids = 0;
  const options = { kv, clock, newId: () => `t-${++ids}`, signingKeys };
  try {
    await use({ kv, clock, tokens: createTokens(options), elsewhere: createTokens(options) });
  } finally {
    try {
      kv.close();
    } catch {
      // The test has closed it.
    }
  }
}

async function issued({ tokens, clock }: Given, more: Partial<IssueRequest> = {}) {
  const outcome = await tokens.issue({
    wearer: "ann",
    scopes: ["stream"],
    expiresAtMs: clock.epochMs() + DAY_MS,
    label: null,
    issuer: OPERATOR,
    ...more,
  });
  if (outcome.kind !== "issued") throw new Error(outcome.kind);
  return outcome;
}

Deno.test("Tokens.authenticate says on whose behalf a token acts [A5]", () =>
  withTokens(async (given) => {
    const { token, record } = await issued(given, { scopes: ["read", "poke"] });
    const principal: Principal = {
      wearer: "ann",
      scopes: ["read", "poke"],
      tokenId: record.id,
      expiresAtMs: record.expiresAtMs,
    };
    for (const tokens of [given.tokens, given.elsewhere]) {
      assertEquals(await tokens.authenticate(token), { kind: "known", principal });
    }
  }));

Deno.test("Tokens.authenticate needs no KV for what is forged or expired [A7]", () =>
  withTokens(async (given) => {
    const { token, record } = await issued(given);
    given.kv.close();
    assertEquals(await given.tokens.authenticate(`${token}x`), { kind: "forged" });
    given.clock.tick(DAY_MS);
    const { expiresAtMs } = record;
    assertEquals(await given.tokens.authenticate(token), { kind: "expired", expiresAtMs });
  }));

Deno.test("Tokens.revoke ends a token here at once, and elsewhere within five seconds [A8]", () =>
  withTokens(async (given) => {
    const { token, record } = await issued(given);
    const { tokens, elsewhere, clock } = given;
    assertEquals((await elsewhere.authenticate(token)).kind, "known");
    assertEquals((await tokens.authenticate(token)).kind, "known");
    await tokens.revoke("ann", record.id);
    await tokens.revoke("ann", record.id);
    assertEquals(await tokens.authenticate(token), { kind: "revoked" });
    clock.tick(4_999);
    assertEquals((await elsewhere.authenticate(token)).kind, "known");
    clock.tick(1);
    assertEquals(await elsewhere.authenticate(token), { kind: "revoked" });
  }));

Deno.test("Tokens.revoke does not reach another wearer's token of the same id", () =>
  withTokens(async (given) => {
    const { token, record } = await issued(given);
    await given.tokens.revoke("bob", record.id);
    await given.tokens.revoke("bob", "unknown");
    assertEquals((await given.tokens.authenticate(token)).kind, "known");
    assertEquals((await given.elsewhere.authenticate(token)).kind, "known");
  }));

Deno.test("Tokens.authenticate refuses a token that was erased with its wearer", () =>
  withTokens(async (given) => {
    const { token, record } = await issued(given);
    await given.kv.delete(tokenKey("ann", record.id));
    assertEquals(await given.tokens.authenticate(token), { kind: "revoked" });
  }));

Deno.test("Tokens.authenticate relies on what it knew for five minutes while KV is away [A8]", () =>
  withTokens(async (given) => {
    const { tokens, elsewhere, clock } = given;
    const known = await issued(given);
    const gone = await issued(given);
    await tokens.authenticate(known.token);
    await tokens.revoke("ann", gone.record.id);
    given.kv.close();
    clock.tick(299_999);
    assertEquals((await tokens.authenticate(known.token)).kind, "known");
    assertEquals((await tokens.authenticate(gone.token)).kind, "revoked");
    assertEquals((await elsewhere.authenticate(known.token)).kind, "unavailable");
    clock.tick(1);
    assertEquals((await tokens.authenticate(known.token)).kind, "unavailable");
  }));

Deno.test("Tokens.authenticate does not wait for ever for a KV that hangs", () =>
  withTokens(async (given) => {
    const { token } = await issued(given);
    const kv = { get: () => new Promise(() => {}) } as unknown as Deno.Kv;
    const { clock } = given;
    const tokens = createTokens({ kv, clock, newId: () => "t", signingKeys });
    const answer = await clock.tickUntil(tokens.authenticate(token), 100);
    assertEquals(answer, { kind: "unavailable", reason: "No answer within 2000 ms" });
    assertEquals(clock.pendingTimers, 0);
  }));

Deno.test("Tokens.issue gives no more than the issuer has [A9]", () =>
  withTokens(async (given) => {
    const { clock, tokens } = given;
    const latestMs = clock.epochMs() + 1000;
    const issuer: Principal = {
      wearer: "ann",
      scopes: ["admin", "read"],
      tokenId: "t-0",
      expiresAtMs: latestMs,
    };
    const wish = { wearer: "ann", expiresAtMs: latestMs, label: null, issuer };
    const less = await tokens.issue({ ...wish, scopes: ["read"] });
    assert(less.kind === "issued" && less.record.issuedBy === "t-0");
    assertEquals(await tokens.issue({ ...wish, scopes: ["read", "poke", "rules"] }), {
      kind: "beyond_scopes",
      missing: ["poke", "rules"],
    });
    const longer = { ...wish, expiresAtMs: latestMs + 1, scopes: ["read"] as const };
    assertEquals(await tokens.issue(longer), { kind: "beyond_life", latestMs });
    assertEquals((await tokens.list("ann")).length, 1);
  }));

Deno.test("Tokens.list tells a wearer's tokens, the newest first, until they expire [A9]", () =>
  withTokens(async (given) => {
    const { tokens, clock } = given;
    const first = await issued(given, { label: "phone" });
    clock.tick(1);
    const second = await issued(given, { expiresAtMs: clock.epochMs() + 1000 });
    await issued(given, { wearer: "bob" });
    assertEquals(await tokens.list("ann"), [second.record, first.record]);
    clock.tick(1000);
    assertEquals(await tokens.list("ann"), [first.record]);
    await tokens.revoke("ann", first.record.id);
    const revokedAtMs = clock.epochMs();
    clock.tick(1);
    await tokens.revoke("ann", first.record.id);
    assertEquals(await tokens.list("ann"), [{ ...first.record, revokedAtMs }], "not again");
  }));

Deno.test("Tokens.issue stops at as many as can be listed, for each wearer", () =>
  withTokens(async (given) => {
    for (let at = 0; at < MAX_TOKENS; at++) await issued(given);
    const { tokens, clock } = given;
    const wish = { scopes: ["read"], label: null, issuer: OPERATOR } as const;
    const expiresAtMs = clock.epochMs() + 1;
    assertEquals(await tokens.issue({ ...wish, wearer: "ann", expiresAtMs }), { kind: "full" });
    await issued(given, { wearer: "bob" });
  }));

Deno.test("Tokens.watch says within fifteen seconds that a token was revoked elsewhere [A8]", () =>
  withTokens(async (given) => {
    const { tokens, elsewhere, clock } = given;
    const { token, record } = await issued(given);
    const principal = await principalOf(tokens, token);
    const ended = Promise.withResolvers<string>();
    tokens.watch(principal, ended.resolve);
    const operators = watched(tokens, OPERATOR);
    await clock.tickAsync(9_999);
    await elsewhere.revoke("ann", record.id);
    await clock.tickAsync(1);
    // Time stands still while KV answers.
    assertEquals(await ended.promise, "revoked");
    assertEquals([operators, clock.pendingTimers], [[], 0]);
  }));

Deno.test("Tokens.watch says at once that a token was revoked here, to all, once [A8]", () =>
  withTokens(async (given) => {
    const { tokens, clock } = given;
    const [one, other] = [await issued(given), await issued(given)];
    const principal = await principalOf(tokens, one.token);
    const heard = [watched(tokens, principal), watched(tokens, principal)];
    const others = watched(tokens, await principalOf(tokens, other.token));
    const cancelled: string[] = [];
    tokens.watch(principal, (how) => cancelled.push(how))();
    await tokens.revoke("ann", one.record.id);
    await tokens.revoke("ann", one.record.id);
    assertEquals([heard, others, cancelled], [[["revoked"], ["revoked"]], [], []]);
    assertEquals(clock.pendingTimers, 1, "the other's");
    await clock.tickAsync(60_000);
    assertEquals([heard, others], [[["revoked"], ["revoked"]], []]);
    await tokens.revoke("ann", other.record.id);
    assertEquals([others, clock.pendingTimers], [["revoked"], 0]);
  }));

Deno.test("Tokens.watch ends nothing because KV is away", () =>
  withTokens(async (given) => {
    const { tokens, clock, kv } = given;
    const { token } = await issued(given, { expiresAtMs: clock.epochMs() + 400_000 });
    const heard = watched(tokens, await principalOf(tokens, token));
    kv.close();
    while (clock.monotonicMs() < 399_000) await clock.tickAsync(1_000);
    assertEquals(heard, []);
    while (clock.monotonicMs() < 420_000) await clock.tickAsync(1_000);
    assertEquals([heard, clock.pendingTimers], [["expired"], 0]);
  }));

function watched(tokens: Tokens, principal: Principal): string[] {
  const heard: string[] = [];
  tokens.watch(principal, (how) => heard.push(how));
  return heard;
}

async function principalOf(tokens: Tokens, token: string): Promise<Principal> {
  const answer = await tokens.authenticate(token);
  if (answer.kind !== "known") throw new Error(answer.kind);
  return answer.principal;
}
