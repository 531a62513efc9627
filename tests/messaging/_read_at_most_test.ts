import { assert, assertEquals } from "@std/assert";
import { readAtMost } from "../../messaging/_read_at_most.ts";

Deno.test("readAtMost reads a body up to and including maxBytes", async () => {
  assertEquals(await readAtMost(new Response("häh"), 4), { text: "häh", isCut: false });
  assertEquals(await readAtMost(new Response(null), 4), { text: "", isCut: false });
});

Deno.test("readAtMost stops after maxBytes and cancels the rest", async () => {
  let isCancelled = false;
  const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode("abc")),
    cancel: () => void (isCancelled = true),
  });
  assertEquals(await readAtMost(new Response(endless), 4), { text: "abca", isCut: true });
  assert(isCancelled);
});

Deno.test("readAtMost puts characters together that came in two parts", async () => {
  const bytes = new TextEncoder().encode("é");
  const parts = ReadableStream.from([bytes.subarray(0, 1), bytes.subarray(1)]);
  assertEquals(await readAtMost(new Response(parts), 10), { text: "é", isCut: false });
});
