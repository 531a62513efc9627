import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { type Sealed, type SealedFor, Sealer } from "../../kv/sealing.ts";

const KEY = "a-key-of-thirty-two-characters-at-least";
const OTHER_KEY = "another-key-of-thirty-two-characters";
const ANN: SealedFor = { wearer: "ann", purpose: "poke_key" };
const SECRET = "pk_a-secret-of-ann";

const anyOwner = fc.record<SealedFor>({
  wearer: fc.stringMatching(/^[\w.-]{1,64}$/),
  purpose: fc.constantFrom("poke_key", "key", "poke_keyann"),
}, { noNullPrototype: true });

/** The sealed bytes with one bit turned. */
function flipped({ keyId, sealed }: Sealed, at: number, bit: number): Sealed {
  const turned = sealed.slice();
  turned[at]! ^= 1 << bit;
  return { keyId, sealed: turned };
}

Deno.test("Sealer opens what it has sealed, for whom and what it was sealed, and for nobody else [A16]", async () => {
  const sealer = new Sealer([KEY]);
  const secrets = fc.string({ unit: "binary", maxLength: 512 }).filter((text) =>
    text.isWellFormed()
  );
  const property = fc.asyncProperty(secrets, anyOwner, anyOwner, async (secret, owner, other) => {
    const sealed = await sealer.seal(owner, secret);
    assertEquals(await sealer.open(owner, sealed), secret);
    // Also as another process with the same setting, which derives the key anew.
    assertEquals(await new Sealer([KEY]).open(owner, sealed), secret);
    const isSame = owner.wearer === other.wearer && owner.purpose === other.purpose;
    assertEquals(await sealer.open(other, sealed), isSame ? secret : null);
  });
  await fc.assert(property, {
    numRuns: 50,
    examples: [
      ["", ANN, { ...ANN, wearer: "bob" }],
      [SECRET, ANN, { ...ANN, purpose: "key" }],
      // Where one name ends and the next begins counts too.
      [SECRET, { wearer: "annk", purpose: "ey" }, { wearer: "ann", purpose: "key" }],
      [SECRET, { wearer: "ann", purpose: "key" }, { wearer: "keyann", purpose: "" }],
    ],
  });
});

Deno.test("Sealer opens nothing of which a bit was turned, or that was cut [A16]", async () => {
  const sealer = new Sealer([KEY]);
  const sealed = await sealer.seal(ANN, SECRET);
  const bytes = sealed.sealed.length;
  assertEquals(bytes, 12 + SECRET.length + 16);
  for (let at = 0; at < bytes; at++) {
    for (let bit = 0; bit < 8; bit++) {
      assertEquals(await sealer.open(ANN, flipped(sealed, at, bit)), null, `${at} ${bit}`);
    }
    const cut = { ...sealed, sealed: sealed.sealed.slice(0, at) };
    assertEquals(await sealer.open(ANN, cut), null, `${at} bytes`);
  }
  assertEquals(await sealer.open(ANN, sealed), SECRET);
});

Deno.test("Sealer never seals to the same bytes, and says the secret in none of them [A16]", async () => {
  const sealer = new Sealer([KEY]);
  const all = await Promise.all(Array.from({ length: 100 }, () => sealer.seal(ANN, SECRET)));
  const nonces = new Set(all.map(({ sealed }) => sealed.slice(0, 12).toHex()));
  assertEquals(nonces.size, all.length);
  for (const { keyId, sealed } of all) {
    assert(!new TextDecoder("latin1").decode(sealed).includes(SECRET));
    assert(!KEY.includes(keyId) && /^[\w-]{8}$/.test(keyId), keyId);
  }
});

Deno.test("Sealer seals with the first key and opens with any, so keys are changed without loss [A16]", async () => {
  const before = new Sealer([KEY]);
  const between = new Sealer([OTHER_KEY, KEY]);
  const after = new Sealer([OTHER_KEY]);
  const old = await before.seal(ANN, SECRET);
  const fresh = await between.seal(ANN, SECRET);
  assertEquals(await between.open(ANN, old), SECRET);
  assertEquals([await before.open(ANN, fresh), await after.open(ANN, fresh)], [null, SECRET]);
  assertEquals(await after.open(ANN, old), null);
  assertEquals([await between.isNewest(old), await between.isNewest(fresh)], [false, true]);
  // A record that says it was another's key's does not open either.
  assertEquals(await after.open(ANN, { ...old, keyId: fresh.keyId }), null);
});

Deno.test("Sealer without a key seals nothing and opens nothing [A16]", async () => {
  const sealer = new Sealer([]);
  assertEquals([sealer.canSeal, new Sealer([KEY]).canSeal], [false, true]);
  await assertRejects(() => sealer.seal(ANN, SECRET), Error, "a key must be configured");
  const sealed = await new Sealer([KEY]).seal(ANN, SECRET);
  assertEquals([await sealer.open(ANN, sealed), await sealer.isNewest(sealed)], [null, false]);
});
