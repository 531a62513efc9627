import { assert, assertEquals } from "@std/assert";
import { DEFAULT_WEARER } from "../../kv/keys.ts";
import { pokeKeyKey } from "../../kv/poke_key_record.ts";
import { SEALING_KEY, withForesight } from "../_foresight.ts";
import { FaultyKv } from "../faults/_faulty_kv.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { withPokeSink } from "../messaging/_poke_sink.ts";
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

Deno.test("poke-key sends a wearer's messages, and nobody else's, by request and by outbox [P2, A16]", () =>
  withPoke({}, async (foresight, received) => {
    const token = (wearer: string) => issueToken(foresight, wearer, ["poke"]);
    const [ann, bob, eve] = [await token("ann"), await token("bob"), await token("eve")];
    const house = await token(DEFAULT_WEARER);
    assertEquals((await put(foresight, "ann", { key: ANNS_KEY })).status, 200);
    assertEquals((await put(foresight, "bob", { key: BOBS_KEY })).status, 200);
    for (const [bearer, text] of [[ann, "a1"], [bob, "b1"], [house, "d1"]] as const) {
      assertEquals((await send(foresight, bearer, text)).status, 200);
    }
    for (const [wearer, text] of [["ann", "a2"], ["bob", "b2"], [DEFAULT_WEARER, "d2"]] as const) {
      assertEquals(await say(foresight, wearer, text), ["delivered"]);
    }
    assertEquals(sentIn(received), [
      [ANNS_KEY, "a1"],
      [BOBS_KEY, "b1"],
      [HOUSE_KEY, "d1"],
      [ANNS_KEY, "a2"],
      [BOBS_KEY, "b2"],
      [HOUSE_KEY, "d2"],
    ]);
    const missing = "Poke API key not configured";
    assertEquals(await send(foresight, eve, "e1"), { status: 500, answer: { detail: missing } });
    assertEquals(await say(foresight, "eve", "e2"), ["dead", missing]);
    assertEquals(received.length, 6, "the house's phone hears nothing of it");
    const everything = await traces(foresight);
    assert(everything.includes("poke_key") && everything.includes("/wearers/ann/poke-key"));
    assertNotIn(everything, ANNS_KEY, BOBS_KEY, HOUSE_KEY, SEALING_KEY);
  }));

Deno.test("poke-key of the wearer default goes before the house's, and the request's before both [P2, A16]", () =>
  withPoke({}, async (foresight, received) => {
    const say = async (headers: Record<string, string> = {}) => {
      const asked = { method: "POST", headers, body: '{"message":"hi"}' };
      const response = await foresight.fetch("/poke/send", asked);
      assertEquals(response.status, 200, await response.text());
    };
    const sources = [(await described(foresight, DEFAULT_WEARER)).source];
    await say();
    await put(foresight, DEFAULT_WEARER, { key: ANNS_KEY });
    sources.push((await described(foresight, DEFAULT_WEARER)).source);
    await say();
    await say({ "x-poke-api-key": BOBS_KEY });
    await foresight.fetch(`/wearers/${DEFAULT_WEARER}/poke-key`, { method: "DELETE" });
    await say();
    assertEquals(sources, ["house", "own"]);
    assertEquals(sentIn(received).map(([key]) => key), [HOUSE_KEY, ANNS_KEY, BOBS_KEY, HOUSE_KEY]);
  }));

Deno.test("poke-key sends no more once it is deleted, also on another process, nor once it is replaced [A16]", () =>
  withKv((kv) =>
    withPoke(
      {},
      (here, received) =>
        withPokeSink(() => Response.json({}), (url, receivedThere) =>
          withForesight({ FORESIGHT_POKE_URL: url }, async (there) => {
            const ann = await issueToken(here, "ann", ["poke"]);
            const { status, text } = await put(here, "ann", { key: ANNS_KEY });
            assertEquals(status, 200, text);
            assertEquals((await send(there, ann, "1")).status, 200);
            await put(there, "ann", { key: BOBS_KEY });
            assertEquals((await send(here, ann, "2")).status, 200);
            await here.fetch("/wearers/ann/poke-key", { method: "DELETE" });
            assertEquals((await send(there, ann, "3")).status, 500);
            assertEquals((await say(there, "ann", "4"))[0], "dead");
            assertEquals(sentIn(receivedThere), [[ANNS_KEY, "1"]]);
            assertEquals(sentIn(received), [[BOBS_KEY, "2"]]);
          }, { kv })),
      kv,
    )
  ));

Deno.test("poke-key of one wearer does not open as another's, wherever its record is put [A16]", () =>
  withPoke({}, async (foresight, received) => {
    await put(foresight, "ann", { key: ANNS_KEY });
    const { value } = await foresight.kv.get(pokeKeyKey("ann"));
    await foresight.kv.set(pokeKeyKey("bob"), value);
    assertEquals((await described(foresight, "bob")).usable, false);
    assertEquals((await say(foresight, "bob", "1"))[0], "dead");
    assertEquals(received, []);
  }));

Deno.test("poke-key that cannot be read is read again by the outbox, later [A16, O3]", () =>
  withKv(async (real) => {
    const faults: string[] = ["KV went away"];
    const kv = asKeysAreRead(real, () => {
      const fault = faults.pop();
      return fault === undefined ? Promise.resolve() : Promise.reject(new Error(fault));
    });
    await withPoke({}, async (foresight, received) => {
      assertEquals(await say(foresight, DEFAULT_WEARER, "1"), ["queued"]);
      const [message] = (await foresight.outbox.store.page(DEFAULT_WEARER, {
        order: "newest",
        limit: 1,
        after: null,
        state: null,
      })).items;
      const { lastCause, mayHaveArrived, attempts } = message!;
      assertEquals(
        [lastCause, mayHaveArrived, attempts, received.length],
        ["The Poke API key could not be read", false, 1, 0],
      );
      assertEquals(await say(foresight, DEFAULT_WEARER, "2"), ["delivered"]);
      assertEquals(sentIn(received), [[HOUSE_KEY, "2"]]);
    }, kv);
  }));

Deno.test("poke-key that cannot be read sends nothing by another key [A16, P2]", () =>
  withKv(async (real) => {
    const faulty = new FaultyKv(real);
    await withPoke({}, async (foresight, received) => {
      await put(foresight, DEFAULT_WEARER, { key: ANNS_KEY });
      faulty.failReads(1);
      const body = '{"message":"hi"}';
      const response = await foresight.fetch("/poke/send", { method: "POST", body });
      assertEquals([response.status, response.headers.get("retry-after"), await response.json()], [
        503,
        "1",
        { detail: "The Poke API key could not be read, so nothing was sent" },
      ]);
      assertEquals(received, []);
      faulty.failReads(1);
      const refused = await foresight.fetch("/wearers/ann/poke-key");
      assertEquals(refused.status, 503);
      await refused.body?.cancel();
      faulty.failCommits({ kind: "refused" }, 1);
      assertEquals((await put(foresight, "ann", { key: ANNS_KEY })).status, 503);
      const { kv_failures } = await (await foresight.fetch("/health")).json();
      assertEquals(kv_failures, 3);
      assertNotIn(await traces(foresight), ANNS_KEY);
    }, faulty.kv);
  }));
