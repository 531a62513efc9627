import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { TOKEN_SCOPES } from "../../kv/token_keys.ts";
import { type Claims, TokenSigner } from "../../wearers/token_signer.ts";

const KEY = "a-key-of-thirty-two-characters-at-least";
const OTHER_KEY = "another-key-of-thirty-two-characters";
const NOW_MS = Date.UTC(2026, 0, 1);
const CLAIMS: Claims = {
  wearer: "ann",
  tokenId: "t-1",
  scopes: ["stream", "admin"],
  expiresAtMs: NOW_MS + 1000,
};
const FORGED = { kind: "forged" } as const;

const anyName = fc.stringMatching(/^[\w.-]{1,64}$/);
const anyClaims: fc.Arbitrary<Claims> = fc.record({
  wearer: anyName,
  tokenId: anyName,
  scopes: fc.uniqueArray(fc.constantFrom(...TOKEN_SCOPES), { minLength: 1 }),
  expiresAtMs: fc.integer({ min: NOW_MS + 1, max: 4e12 }),
}, { noNullPrototype: true });

/** The token with one bit of its text turned. */
function flipped(token: string, at: number, bit: number): string {
  const turned = String.fromCharCode(token.charCodeAt(at) ^ (1 << bit));
  return token.slice(0, at) + turned + token.slice(at + 1);
}

Deno.test("TokenSigner knows again whatever it has signed", () => {
  const signer = new TokenSigner([KEY]);
  fc.assert(fc.property(anyClaims, (claims) => {
    const token = signer.sign(claims);
    assertMatch(token, /^fs1(\.[\w-]+){3}$/);
    assertEquals(signer.verify(token, NOW_MS), { kind: "valid", claims });
  }));
});

Deno.test("TokenSigner takes a token with any bit turned for forged [A7]", () => {
  const signer = new TokenSigner([KEY]);
  const token = signer.sign(CLAIMS);
  for (let at = 0; at < token.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      assertEquals(signer.verify(flipped(token, at, bit), NOW_MS), FORGED, `${at} ${bit}`);
    }
  }
});

Deno.test("TokenSigner takes whatever else is brought for forged [A7]", () => {
  const signer = new TokenSigner([KEY]);
  const [version, keyId, payload, signature] = signer.sign(CLAIMS).split(".") as string[];
  const [, , foreignPayload] = signer.sign({ ...CLAIMS, wearer: "bob" }).split(".");
  const foreign = new TokenSigner([OTHER_KEY]).sign(CLAIMS);
  const none = btoa('{"alg":"none"}').replaceAll("=", "");
  const signed = (text: string) =>
    `${text}.${createHmac("sha256", KEY).update(text).digest("base64url")}`;
  const cases = [
    "",
    foreign,
    [version, keyId, foreign.split(".")[2], foreign.split(".")[3]].join("."),
    [version, keyId, foreignPayload, signature].join("."),
    [version, keyId, payload, ""].join("."),
    [version, keyId, payload].join("."),
    [version, keyId, payload, signature + "="].join("."),
    [version, keyId, payload + "=", signature].join("."),
    [version, keyId, payload, signature, signature].join("."),
    `${none}.${payload}.`,
    `${none}.${payload}.${signature}`,
    // Signed with our key, as something else may be one day.
    signed(`fs1.${keyId}.${btoa("[]")}`),
    signed(`fs1.${keyId}.${btoa('"x"').replaceAll("=", "")}`),
    signed(`fs2.${keyId}.${payload}`),
    signed(`fs1.${keyId}.x`),
    "fs1.".padEnd(100_000, "x"),
  ];
  for (const token of cases) assertEquals(signer.verify(token, NOW_MS), FORGED, token);
  fc.assert(fc.property(fc.string({ unit: "binary" }), (token) => {
    assertEquals(signer.verify(token, NOW_MS), FORGED);
  }));
});

Deno.test("TokenSigner takes a token for expired from its end on [A7]", () => {
  const signer = new TokenSigner([KEY]);
  const token = signer.sign(CLAIMS);
  const { expiresAtMs } = CLAIMS;
  assertEquals(signer.verify(token, expiresAtMs - 1).kind, "valid");
  assertEquals(signer.verify(token, expiresAtMs), { kind: "expired", expiresAtMs });
});

Deno.test("TokenSigner signs with the first key and knows what any of them signed [A9]", () => {
  const before = new TokenSigner([KEY]);
  const after = new TokenSigner([OTHER_KEY, KEY]);
  const old = before.sign(CLAIMS);
  assertEquals(after.verify(old, NOW_MS).kind, "valid", "nobody is logged out");
  const fresh = after.sign(CLAIMS);
  assertEquals(before.verify(fresh, NOW_MS), FORGED, "the new key signs");
  assert(after.keyId !== before.keyId && fresh.includes(after.keyId!));
  const later = new TokenSigner([OTHER_KEY]);
  assertEquals([later.verify(fresh, NOW_MS).kind, later.verify(old, NOW_MS)], ["valid", FORGED]);
});

Deno.test("TokenSigner without a key signs nothing and knows nothing", () => {
  const signer = new TokenSigner([]);
  assertEquals(signer.keyId, null);
  assertThrows(() => signer.sign(CLAIMS), Error, "a key must be configured");
  assertEquals(signer.verify(new TokenSigner([KEY]).sign(CLAIMS), NOW_MS), FORGED);
});
