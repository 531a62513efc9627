import { assert, assertEquals } from "@std/assert";
import { checkedInDist, clientDist, DIST } from "../../dev/client_dist.ts";
import { frame, withModal } from "../routes/_vision.ts";
import { WORD } from "./_glasses.ts";

Deno.test("client/dist is what `deno task client` makes of client/", async () => {
  const fresh = await clientDist();
  assertEquals([...(await checkedInDist()).keys()].sort(), [...fresh.keys()].sort());
  for (const [name, text] of await checkedInDist()) assertEquals(text, fresh.get(name), name);
});

Deno.test("client/dist asks for nothing but itself, and keeps the lines of its sources", async () => {
  for (const [name, text] of await checkedInDist()) {
    for (const [, specifier] of text.matchAll(/(?:\bfrom|\bimport)\s*\(?"([^"]+)"/g)) {
      assert(/^\.\/[\w]+\.js$/.test(specifier!), `${name} imports ${specifier}`);
    }
    const source = await Deno.readTextFile(new URL(`../${name.replace(/\.js$/, ".ts")}`, DIST));
    assertEquals(text.split("\n").length, source.split("\n").length, name);
  }
});

Deno.test("client/dist streams and reads as the sources do", () =>
  withModal({}, async ({ url }) => {
    const { connect } = await import(new URL("glasses.js", DIST).href);
    const { createApi } = await import(new URL("api.js", DIST).href);
    const glasses = connect({ url, access: WORD });
    const results = glasses.results();
    glasses.send(frame(1));
    assertEquals((await results.next()).value.caption, "saw 1 after ");
    assertEquals(await glasses.bye(), { kind: "left" });
    const api = createApi({ url, access: WORD });
    const { value: page } = await api.timeline().next();
    assertEquals(page.items.map(({ caption }: { caption: string }) => caption), ["saw 1 after "]);
  }));
