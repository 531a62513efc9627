import { assert, assertEquals } from "@std/assert";
import { retentionKey } from "../../kv/retention_keys.ts";
import { withForesight } from "../_foresight.ts";
import { entriesOf, openSweeping } from "../kv/_sweeping.ts";
import { connectSession } from "./_session.ts";
import { frame, withModal } from "./_vision.ts";
import { ask, bearing, issueToken } from "./_wearers.ts";

Deno.test("retention is told and changed by the operator and the wearer's own admin [A9, A13]", () =>
  withForesight({ RETENTION_DAYS: "7" }, async (foresight) => {
    const { fetch, kv } = foresight;
    const read = async () => await (await fetch("/wearers/ann/retention")).json();
    const initial = { wearer: "ann", days: 7, own_days: null, default_days: 7, last_sweep: null };
    assertEquals(await read(), initial);
    assertEquals((await kv.get(retentionKey("ann"))).value, null, "asking writes nothing");
    const ann = await issueToken(foresight, "ann", ["admin"]);
    const bob = await issueToken(foresight, "bob", ["admin"]);
    const reader = await issueToken(foresight, "ann", ["read", "stream"]);
    const own = await ask(foresight, ann, "PUT", "/wearers/ann/retention", { days: 365 });
    assertEquals([own.status, JSON.parse(own.text).days], [200, 365]);
    for (const bearer of [bob, reader]) {
      const put = await ask(foresight, bearer, "PUT", "/wearers/ann/retention", { days: 1 });
      const get = await ask(foresight, bearer, "GET", "/wearers/ann/retention");
      assertEquals([put.status, get.status], [403, 403]);
    }
    const { days, own_days } = await read();
    assertEquals([days, own_days], [365, 365]);
    const back = await ask(foresight, ann, "PUT", "/wearers/ann/retention", { days: null });
    assertEquals(JSON.parse(back.text).days, 7);
  }));

Deno.test("retention that is none is refused with what it must be [A13]", () =>
  withForesight({}, async ({ fetch, kv }) => {
    const bodies = [-1, 3651, 1.5, "7", true, 1e300].map((days) => JSON.stringify({ days }));
    for (const body of [...bodies, "{}", "[]", "null", "", "{"]) {
      const response = await fetch("/wearers/ann/retention", { method: "PUT", body });
      const [{ loc, msg }] = (await response.json()).detail;
      assertEquals([response.status, loc[0]], [422, "body"], body);
      assert(/must be a (whole number from 1 to 3650|JSON object)/.test(msg), msg);
    }
    const long = await fetch("/wearers/ann/retention", { method: "PUT", body: "x".repeat(2000) });
    assertEquals([long.status, (await long.json()).detail !== undefined], [413, true]);
    assertEquals((await kv.get(retentionKey("ann"))).value, null);
  }));

Deno.test("retention that is made shorter is swept at once, and says with what result [A13]", () =>
  withForesight({}, async (foresight) => {
    const { fetch, kv } = foresight;
    const books = openSweeping(kv);
    const daysAgo = (Date.now() - Date.UTC(2026, 5, 1, 12)) / 86_400_000;
    // On the clock of today: forty days ago, and two.
    await books.tell({ id: "old", daysAgo: 40 - daysAgo, seenAtS: [1, 2], isLive: false });
    await books.tell({ id: "new", daysAgo: 2 - daysAgo, seenAtS: [1], isLive: false });
    const ann = await issueToken(foresight, "ann", ["read"]);
    const hits = async () => {
      const { text } = await ask(foresight, ann, "GET", "/timeline/search?q=thing");
      return JSON.parse(text).hits.map(({ session }: { readonly session: string }) => session);
    };
    assertEquals((await hits()).sort(), ["new", "old", "old"]);
    const before = await entriesOf(kv);
    const put = await fetch("/wearers/ann/retention", { method: "PUT", body: `{"days":7}` });
    assertEquals((await put.json()).days, 7);
    let last = null;
    while (last === null) {
      last = (await (await fetch("/wearers/ann/retention")).json()).last_sweep;
    }
    assertEquals([last.counts.session, last.counts.chunk, last.left_older], [1, 2, 0]);
    const isOld = ({ key, value }: Deno.KvEntry<unknown>) =>
      key.includes("old") || (value as { readonly session?: string }).session === "old";
    assertEquals(await entriesOf(kv), before.filter((entry) => !isOld(entry)));
    assertEquals(await hits(), ["new"]);
  }));

Deno.test("retention of a wearer's own counts for what is written from then on [A13]", () =>
  withModal({}, async (foresight) => {
    const { fetch, kv, url } = foresight;
    const put = await fetch("/wearers/ann/retention", { method: "PUT", body: `{"days":365}` });
    assertEquals((await put.json()).own_days, 365);
    const token = await issueToken(foresight, "ann", ["stream"]);
    const options = { magicWord: "", headers: bearing(token) };
    const { glasses, heard } = await connectSession(url, {}, options);
    glasses.send(frame(1));
    await heard("result");
    await glasses.leave();
    await foresight.streams.drain();
    const kinds = ["chunk", "search", "segment", "segment_tail", "segment_change", "session"];
    const entries = await entriesOf(kv);
    const days = entries.filter(({ key }) => kinds.includes(String(key[2]))).map(({ value }) => {
      const { expiresAtMs } = value as { readonly expiresAtMs: number };
      return Math.round((expiresAtMs - Date.now()) / 86_400_000);
    });
    assertEquals(days, kinds.map(() => 365));
  }));
