import { assert, assertEquals } from "@std/assert";
import { pokeKeyKey, type PokeKeyRecord } from "../../kv/poke_key_record.ts";
import {
  ANNS_KEY,
  assertNotIn,
  BOBS_KEY,
  described,
  NOT_SET,
  put,
  traces,
  withPoke,
} from "./_poke_key.ts";
import { ask, issueToken } from "./_wearers.ts";

Deno.test("poke-key is set, told of and deleted by the operator and the wearer's own admin [A9, A16]", () =>
  withPoke({}, async (foresight) => {
    const path = "/wearers/ann/poke-key";
    const ann = await issueToken(foresight, "ann", ["admin"]);
    const others = [
      await issueToken(foresight, "bob", ["admin"]),
      await issueToken(foresight, "ann", ["poke", "rules", "read", "stream"]),
    ];
    const none = { wearer: "ann", ...NOT_SET, source: null };
    assertEquals(await described(foresight, "ann"), none);
    const before = Date.now();
    const set = await ask(foresight, ann, "PUT", path, { key: ANNS_KEY });
    const { since, ...rest } = JSON.parse(set.text);
    assertEquals(
      [set.status, rest],
      [200, { wearer: "ann", set: true, usable: true, source: "own" }],
    );
    assert(Date.parse(since) >= before && Date.parse(since) <= Date.now(), since);
    for (const bearer of others) {
      for (const [method, body] of [["GET"], ["PUT", { key: BOBS_KEY }], ["DELETE"]] as const) {
        assertEquals((await ask(foresight, bearer, method, path, body)).status, 403, method);
      }
    }
    assertEquals(await described(foresight, "ann"), { ...rest, since });
    const unknown = await ask(foresight, ann, "GET", "/wearers/bob/poke-key");
    assertEquals(unknown.status, 403);
    const unfit = await foresight.fetch("/wearers/a%20b/poke-key");
    assertEquals(unfit.status, 422, await unfit.text());
    for (let turn = 0; turn < 2; turn++) {
      assertEquals((await ask(foresight, ann, "DELETE", path)).status, 204);
      assertEquals(await described(foresight, "ann"), none);
    }
    assertNotIn(set.text, ANNS_KEY);
  }));

Deno.test("poke-key that is none is refused, and not told, whatever it was given as [A16, A4]", () =>
  withPoke({}, async (foresight) => {
    const must = "key must be a text of 1 to 512 visible ASCII characters";
    const hidden = "current value is hidden, as it may be a secret";
    const object = "the body must be a JSON object";
    const cases: [unknown, string][] = [
      [{}, `${must}: current value is missing`],
      [{ kye: ANNS_KEY }, `${must}: current value is missing`],
      [{ [ANNS_KEY]: ANNS_KEY }, `${must}: current value is missing`],
      [{ key: "" }, `${must}: ${hidden}`],
      [{ key: ` ${ANNS_KEY}` }, `${must}: ${hidden}`],
      [{ key: `${ANNS_KEY}\n` }, `${must}: ${hidden}`],
      [{ key: `${ANNS_KEY}\u00e9` }, `${must}: ${hidden}`],
      [{ key: [ANNS_KEY] }, `${must}: ${hidden}`],
      [{ key: { [ANNS_KEY]: 1 } }, `${must}: ${hidden}`],
      [{ key: 70_707_070_707 }, `${must}: ${hidden}`],
      [{ key: "k".repeat(513) }, `${must}: ${hidden}`],
      [ANNS_KEY, `${object}: ${hidden}`],
      [JSON.stringify(ANNS_KEY), `${object}: ${hidden}`],
      [[ANNS_KEY], `${object}: ${hidden}`],
      ["", `${object}: current value is missing`],
      [`{"key": "${ANNS_KEY}`, `${object}: ${hidden}`],
    ];
    for (const [body, msg] of cases) {
      const { status, text } = await put(foresight, "ann", body);
      assertEquals([status, JSON.parse(text).detail[0].msg], [422, msg]);
      assertNotIn(text, ANNS_KEY, "70707070707");
    }
    const long = await put(foresight, "ann", { key: ANNS_KEY, more: "x".repeat(5_000) });
    assertEquals(long.status, 413);
    assertEquals((await foresight.kv.get(pokeKeyKey("ann"))).value, null);
    assertNotIn(long.text + await traces(foresight), ANNS_KEY);
    assertEquals((await put(foresight, "ann", { key: "k".repeat(512) })).status, 200);
  }));

Deno.test("poke-key is not kept while there is nothing to seal it with [A16]", () =>
  withPoke({ SECRET_SEALING_KEYS: "" }, async (foresight) => {
    const { status, text } = await put(foresight, "ann", { key: ANNS_KEY });
    assertEquals([status, JSON.parse(text)], [501, {
      detail: "SECRET_SEALING_KEYS must be set for Poke keys to be kept: it is unset",
    }]);
    assertEquals((await described(foresight, "ann")).set, false);
    const removed = await foresight.fetch("/wearers/ann/poke-key", { method: "DELETE" });
    assertEquals(removed.status, 204);
    assertNotIn(text + await traces(foresight), ANNS_KEY);
  }));

Deno.test("poke-key is in the export without its bytes, and goes with the wearer [A11, A12, A16]", () =>
  withPoke({}, async (foresight) => {
    const { fetch, kv } = foresight;
    await put(foresight, "ann", { key: ANNS_KEY });
    const { value } = await kv.get<PokeKeyRecord>(pokeKeyKey("ann"));
    const text = await (await fetch("/wearers/ann/export")).text();
    const [line, end] = text.trimEnd().split("\n").map((each) => JSON.parse(each));
    const { keyId, setAtMs } = value!;
    const told = { version: 1, expiresAtMs: null, keyId, setAtMs };
    assertEquals(line, { record: "poke_key", key: [], value: told });
    assertEquals(end, { record: "end", counts: { poke_key: 1 } });
    assertNotIn(text, ANNS_KEY, value!.sealed.toBase64());
    const erased = await (await fetch("/wearers/ann", { method: "DELETE" })).json();
    assertEquals([erased.state, erased.counts], ["erased", { poke_key: 1 }]);
    assertEquals((await kv.get(pokeKeyKey("ann"))).value, null);
  }));
