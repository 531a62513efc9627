import { assert, assertEquals } from "@std/assert";
import { wearerPrefix } from "../../kv/keys.ts";
import { exportOf } from "../../wearers/export.ts";
import { withKv } from "../kv/_temp_kv.ts";

Deno.test("exportOf says every record under the wearer's prefix, and counts them [A11]", () =>
  withKv(async (kv) => {
    const ann = wearerPrefix("ann");
    await kv.set([...ann, "session", "s1"], { resume: { secretHash: "x", untilMs: 1 } });
    await kv.set([...ann, "chunk", "s1", 0], {
      caption: "Ein Hund,\nein Ball",
      expiresAtMs: Infinity,
    });
    await kv.set([...ann, "later", 7n, true], new Uint8Array([1, 2, 255]));
    await kv.set([...wearerPrefix("ann2"), "chunk", "s1", 0], { caption: "not hers" });
    const lines = (await Array.fromAsync(exportOf(kv, "ann"))).join("").trimEnd().split("\n");
    assertEquals(lines.map((line) => JSON.parse(line)), [
      {
        record: "chunk",
        key: ["s1", 0],
        value: { caption: "Ein Hund,\nein Ball", expiresAtMs: null },
      },
      { record: "later", key: ["7", true], value: "AQL/" },
      { record: "session", key: ["s1"], value: { resume: { untilMs: 1 } } },
      { record: "end", counts: { chunk: 1, later: 1, session: 1 } },
    ]);
    const nobody = await Array.fromAsync(exportOf(kv, "bob"));
    assertEquals(nobody, ['{"record":"end","counts":{}}\n']);
  }));

Deno.test("exportOf reads on only as it is read [A11]", () =>
  withKv(async (kv) => {
    const caption = "x".repeat(20_000);
    for (let at = 0; at < 200; at++) {
      await kv.set([...wearerPrefix("ann"), "chunk", "s1", at], { caption });
    }
    const pieces = exportOf(kv, "ann");
    const first = await pieces.next();
    assert(!first.done && first.value.length < 60_000, "one piece");
    await kv.delete([...wearerPrefix("ann"), "chunk", "s1", 199]);
    const rest = (await Array.fromAsync(pieces)).join("");
    assertEquals(JSON.parse(rest.trimEnd().split("\n").at(-1)!).counts, { chunk: 199 });
  }));
