import { assert, assertEquals } from "@std/assert";
import { withForesight } from "../_foresight.ts";
import { FaultyKv } from "../faults/_faulty_kv.ts";
import { withKv } from "../kv/_temp_kv.ts";
import { connectSession } from "./_session.ts";
import { frame, withModal } from "./_vision.ts";
import { ask, bearing, issueToken } from "./_wearers.ts";

Deno.test("export is all that was seen by the wearer, for the wearer and the operator [A11]", () =>
  withModal({}, async (foresight) => {
    const { url, streams } = foresight;
    for (const [wearer, first] of [["ann", 1], ["bob", 2]] as const) {
      const token = await issueToken(foresight, wearer, ["stream"]);
      const { glasses, heard } = await connectSession(url, {}, {
        magicWord: "",
        headers: bearing(token),
      });
      glasses.send(frame(first));
      await heard("result");
      await glasses.leave();
    }
    await streams.drain();
    const ann = await issueToken(foresight, "ann", ["admin"]);
    const own = await fetch(`${url}/wearers/ann/export`, { headers: bearing(ann) });
    assertEquals([own.status, own.headers.get("content-type")], [200, "application/x-ndjson"]);
    const text = await own.text();
    const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line));
    const chunks = lines.filter(({ record }) => record === "chunk");
    assertEquals(chunks.map(({ value }) => value.outcome.caption), ["saw 1 after "]);
    const { record, counts } = lines.at(-1);
    const { session, segment, token } = counts;
    assertEquals([record, session, counts.chunk, segment, token], ["end", 1, 1, 1, 2]);
    assert(!text.includes("saw 2") && !text.includes("secretHash"), text);
    assertEquals(await (await foresight.fetch("/wearers/ann/export")).text(), text);
    const foreign = await ask(foresight, ann, "GET", "/wearers/bob/export");
    assertEquals(foreign.status, 403);
    const reader = await issueToken(foresight, "ann", ["read"]);
    assertEquals((await ask(foresight, reader, "GET", "/wearers/ann/export")).status, 403);
  }));

Deno.test("export that cannot be begun is unavailable, and one that breaks off has no end [A11]", () =>
  withKv(async (real) => {
    const faulty = new FaultyKv(breakingOff(real));
    await withForesight({}, async ({ fetch, logged }) => {
      faulty.failReads(1);
      const refused = await fetch("/wearers/ann/export");
      assertEquals([refused.status, refused.headers.get("retry-after")], [503, "1"]);
      assertEquals(await refused.json(), {
        detail: "The books cannot be read or written: come again",
      });
      for (let at = 0; at < 10; at++) {
        await real.set(["wearer", "ann", "chunk", "s1", at], "x".repeat(10_000));
      }
      const broken = await fetch("/wearers/ann/export");
      const text = await broken.text();
      assertEquals(broken.status, 200);
      assert(text.length > 30_000 && !text.includes('"end"'), "the first piece alone");
      assertEquals(logged.filter(({ event }) => event === "kv.wearer_failed").length, 2);
    }, { kv: faulty.kv });
  }));

/** The same KV, whose lists end badly after the sixth entry. */
function breakingOff(kv: Deno.Kv): Deno.Kv {
  return new Proxy(kv, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      if (name !== "list") return member.bind(target);
      return async function* (...asked: Parameters<Deno.Kv["list"]>) {
        let left = 6;
        for await (const entry of target.list(...asked)) {
          if (left-- === 0) throw new Error("KV went away (fault)");
          yield entry;
        }
      };
    },
  });
}
