import { assertEquals } from "@std/assert";
import { lineWriter } from "../log.ts";

Deno.test("lineWriter writes whole lines to a stream that takes a few bytes at a time", () => {
  const taken: number[] = [];
  const write = lineWriter({
    writeSync(bytes) {
      taken.push(...bytes.subarray(0, 3));
      return Math.min(3, bytes.length);
    },
  });
  write("a longer line: é");
  write("next");
  assertEquals(new TextDecoder().decode(new Uint8Array(taken)), "a longer line: é\nnext\n");
});

Deno.test("lineWriter outlives a reader that has gone away", () => {
  let attempts = 0;
  const write = lineWriter({
    writeSync() {
      attempts++;
      throw new Deno.errors.BrokenPipe();
    },
  });
  write("one");
  write("two");
  assertEquals(attempts, 2);
});
