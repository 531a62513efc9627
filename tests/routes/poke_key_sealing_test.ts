import { assert, assertEquals } from "@std/assert";
import { DEFAULT_WEARER } from "../../kv/keys.ts";
import { pokeKeyKey, type PokeKeyRecord } from "../../kv/poke_key_record.ts";
import { SEALING_KEY } from "../_foresight.ts";
import { withKv } from "../kv/_temp_kv.ts";
import {
  ANNS_KEY,
  asKeysAreRead,
  assertNotIn,
  BOBS_KEY,
  described,
  HOUSE_KEY,
  put,
  say,
  send,
  sentIn,
  traces,
  withPoke,
} from "./_poke_key.ts";
import { issueToken } from "./_wearers.ts";

Deno.test("poke-key that no configured key opens counts as not set, and says so [A16]", () =>
  withKv(async (kv) => {
    const unusable = "Poke API key not configured: the one that was set cannot be opened any more";
    await withPoke({}, async (foresight) => {
      await put(foresight, "ann", { key: ANNS_KEY });
      await put(foresight, DEFAULT_WEARER, { key: BOBS_KEY });
    }, kv);
    for (const SECRET_SEALING_KEYS of ["a-sealing-key-that-is-quite-another", ""]) {
      await withPoke({ SECRET_SEALING_KEYS }, async (foresight, received) => {
        const { since, ...told } = await described(foresight, "ann");
        assert(since !== null);
        assertEquals(told, { wearer: "ann", set: true, usable: false, source: null });
        const ann = await issueToken(foresight, "ann", ["poke"]);
        const refused = await send(foresight, ann, "1");
        assertEquals(refused, { status: 500, answer: { detail: unusable } });
        assertEquals(await say(foresight, "ann", "2"), ["dead", unusable]);
        assertEquals(await say(foresight, DEFAULT_WEARER, "3"), ["delivered"]);
        assertEquals(sentIn(received), [[HOUSE_KEY, "3"]]);
        const { value } = await kv.get<PokeKeyRecord>(pokeKeyKey("ann"));
        const warnings = foresight.logged.filter(({ event }) => event === "poke_key.unusable");
        assertEquals(warnings[0]?.sealed_with, value!.keyId);
        assertNotIn(await traces(foresight), ANNS_KEY, BOBS_KEY);
      }, kv);
    }
    const rotated = { SECRET_SEALING_KEYS: `a-sealing-key-that-is-quite-another,${SEALING_KEY}` };
    await withPoke(rotated, async (foresight, received) => {
      assertEquals(await say(foresight, "ann", "4"), ["delivered"]);
      assertEquals(sentIn(received), [[ANNS_KEY, "4"]]);
    }, kv);
  }));

Deno.test("poke-key is sealed anew with the key in use, so that older ones can be taken out [A16]", () =>
  withKv(async (kv) => {
    const NEW_KEY = "a-sealing-key-that-is-quite-another";
    const recordOf = async (wearer: string) =>
      (await kv.get<PokeKeyRecord>(pokeKeyKey(wearer))).value!;
    const wearers = ["ann", "bob", "eve"];
    await withPoke({ SECRET_SEALING_KEYS: "a-sealing-key-that-somebody-has-lost" }, async (it) => {
      await put(it, "eve", { key: BOBS_KEY });
    }, kv);
    await withPoke({}, async (foresight) => {
      await put(foresight, "ann", { key: ANNS_KEY });
      await foresight.pokeKeys.resealAll();
    }, kv);
    const before = await Promise.all(wearers.map((wearer) => wearer !== "bob" && recordOf(wearer)));
    await withPoke({ SECRET_SEALING_KEYS: `${NEW_KEY},${SEALING_KEY}` }, async (foresight) => {
      await put(foresight, "bob", { key: BOBS_KEY });
      const bobs = await recordOf("bob");
      for (const expected of [1, 0]) {
        await foresight.pokeKeys.resealAll();
        const told = foresight.logged.findLast(({ event }) => event === "poke_keys.resealed");
        assertEquals(told?.resealed, expected);
      }
      assertEquals(await recordOf("bob"), bobs, "it was sealed with the new one");
      assertEquals(await recordOf("eve"), before[2], "nobody can open it");
      assertEquals((await recordOf("ann")).setAtMs, (before[0] as PokeKeyRecord).setAtMs);
      assertNotIn(await traces(foresight), ANNS_KEY, BOBS_KEY);
    }, kv);
    await withPoke({ SECRET_SEALING_KEYS: NEW_KEY }, async (foresight, received) => {
      for (const wearer of wearers) await say(foresight, wearer, `to ${wearer}`);
      assertEquals(sentIn(received), [[ANNS_KEY, "to ann"], [BOBS_KEY, "to bob"]]);
    }, kv);
  }));

Deno.test("poke-key that is set or deleted while it is sealed anew is not undone [A16]", () =>
  withKv(async (real) => {
    await withPoke({}, (it) => put(it, "ann", { key: ANNS_KEY }).then(() => {}), real);
    // Between its reading and its writing something else comes in.
    const meanwhile: (() => Promise<unknown>)[] = [];
    const kv = asKeysAreRead(real, async () => void await meanwhile.pop()?.());
    const SECRET_SEALING_KEYS = `a-sealing-key-that-is-quite-another,${SEALING_KEY}`;
    await withPoke({ SECRET_SEALING_KEYS }, async (foresight, received) => {
      meanwhile.push(() => put(foresight, "ann", { key: BOBS_KEY }));
      await foresight.pokeKeys.resealAll();
      assertEquals(await say(foresight, "ann", "1"), ["delivered"]);
      assertEquals(sentIn(received), [[BOBS_KEY, "1"]]);
    }, kv);
    await withPoke({ SECRET_SEALING_KEYS: `${SEALING_KEY},${"k".repeat(32)}` }, async (it) => {
      await put(it, "ann", { key: ANNS_KEY });
    }, real);
    await withPoke({ SECRET_SEALING_KEYS }, async (foresight) => {
      const path = "/wearers/ann/poke-key";
      meanwhile.push(async () =>
        (await foresight.fetch(path, { method: "DELETE" })).body?.cancel()
      );
      await foresight.pokeKeys.resealAll();
      assertEquals((await real.get(pokeKeyKey("ann"))).value, null);
    }, kv);
  }));
