import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { cursorOf, positionIn } from "../../routes/_cursor.ts";
import { MAX_EPOCH_MS } from "../../timeline/pages.ts";
import { Pages } from "../../timeline/pages.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { withKv } from "../kv/_temp_kv.ts";

const QUERY = ["timeline", "ann", "newest", 0, null];

Deno.test("positionIn reads back what cursorOf wrote, and nothing that was changed [T3]", () => {
  const position = [1.5, "s1", 7];
  const cursor = cursorOf(QUERY, position);
  assertEquals(positionIn(QUERY, cursor), position);
  assertEquals(positionIn(["timeline", "bob", "newest", 0, null], cursor), null);
  for (let at = 0; at < cursor.length; at++) {
    const other = cursor[at] === "A" ? "B" : "A";
    const changed = cursor.slice(0, at) + other + cursor.slice(at + 1);
    // The last character may carry bits that count for nothing.
    if (at < cursor.length - 1) assertEquals(positionIn(QUERY, changed), null, `at ${at}`);
  }
});

Deno.test("positionIn takes any text without throwing [T3, T8]", () =>
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.json().map((json) => btoa(encodeURIComponent(json)))),
      (text) => assertEquals(positionIn(QUERY, text), null),
    ),
  ));

Deno.test("Pages takes any position that is forged without throwing KV's errors [T3, T8]", () =>
  withKv((kv) => {
    const pages = new Pages({ kv, clock: createFakeClock() });
    const part = fc.oneof(
      fc.double(),
      fc.string(),
      fc.constantFrom(-MAX_EPOCH_MS, MAX_EPOCH_MS, Infinity, NaN, -0),
    );
    return fc.assert(
      fc.asyncProperty(
        fc.array(part, { maxLength: 4 }),
        fc.constantFrom("newest" as const, "oldest" as const),
        async (after, order) => {
          const request = { order, limit: 1, after };
          const range = { fromMs: 5, toMs: 9 };
          const [page] = await Promise.all([
            pages.segments("ann", range, request),
            pages.sessions("ann", range, request),
            pages.chunks("ann", "s1", request),
          ]);
          assertEquals(page?.items ?? [], []);
        },
      ),
      { examples: [[[-0], "newest"]] },
    );
  }));
