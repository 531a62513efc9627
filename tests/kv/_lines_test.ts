import { assertEquals, assertRejects } from "@std/assert";
import { Lines } from "../../kv/_lines.ts";

Deno.test("Lines.enter gives turns in the order of asking, one at a time for each name", async () => {
  const lines = new Lines();
  const events: string[] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const turn = (label: string, until: Promise<void>) => async () => {
    events.push(`${label} begins`);
    await until;
    events.push(`${label} ends`);
    return label;
  };
  const first = lines.enter("a", turn("a1", gate));
  const second = lines.enter("a", turn("a2", Promise.resolve()));
  assertEquals(await lines.enter("b", turn("b1", Promise.resolve())), "b1");
  assertEquals(events, ["a1 begins", "b1 begins", "b1 ends"]);
  open();
  assertEquals(await Promise.all([first, second]), ["a1", "a2"]);
  assertEquals(events.slice(3), ["a1 ends", "a2 begins", "a2 ends"]);
});

Deno.test("Lines.enter goes on after a turn that failed, and forgets empty lines", async () => {
  const lines = new Lines();
  const failing = lines.enter("a", () => Promise.reject(new Error("no")));
  const next = lines.enter("a", () => Promise.resolve("yes"));
  assertEquals(lines.size, 1);
  await assertRejects(() => failing, Error, "no");
  assertEquals(await next, "yes");
  await lines.enter("b", () => Promise.resolve());
  await Promise.resolve();
  assertEquals(lines.size, 0);
});
