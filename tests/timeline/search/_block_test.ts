import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  addRun,
  append,
  decode,
  emptyDraft,
  encode,
  firstNotBefore,
  type Run,
  runsOf,
  sizeOf,
} from "../../../timeline/search/_block.ts";

const EPOCH_MS = Date.UTC(2026, 0, 1);
const term = fc.string({
  unit: fc.constantFrom("a", "b", "é", "鍵", "~"),
  minLength: 1,
  maxLength: 4,
});

function runAt(index: number, startMs: number): Run {
  return { first: index, last: index + 2, startMs, endMs: startMs + 3000 };
}

Deno.test("a block says after KV what was put into it, appended blocks behind it", () => {
  const terms = fc.array(fc.uniqueArray(term, { maxLength: 5 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(terms, fc.nat(200), (all, cut) => {
      const whole = emptyDraft(7);
      const [early, late] = [emptyDraft(7), emptyDraft(9)];
      for (const [at, one] of all.entries()) {
        // Clocks are set back now and then.
        const run = runAt(at * 5, EPOCH_MS + at * 4000 - (at % 7 === 6 ? 90_000 : 0));
        addRun(whole, run, one);
        addRun(at < cut ? early : late, run, one);
      }
      whole.lastCaption = late.lastCaption = "hash";
      const read = decode(encode(early));
      append(read, decode(encode(late)));
      assertEquals(read.runs, whole.runs);
      assertEquals(encode(read), encode(whole));
      assertEquals(runsOf(encode(whole)), whole.runs);
    }),
    { numRuns: 40 },
  );
});

Deno.test("firstNotBefore finds by halving what reading from the start finds", () => {
  fc.assert(fc.property(fc.uniqueArray(term), term, (terms, wanted) => {
    const draft = emptyDraft(0);
    addRun(draft, runAt(0, EPOCH_MS), terms);
    const { words } = encode(draft);
    const next = terms.sort().find((one) => one >= wanted);
    const expected = next === undefined ? words.length : words.indexOf(`\n${next}\t`) + 1;
    assertEquals(firstNotBefore(words, wanted), expected);
  }));
});

Deno.test("sizeOf counts two bytes a letter where V8 writes two", () => {
  const sizeWith = (word: string) => {
    const draft = emptyDraft(0);
    addRun(draft, runAt(0, EPOCH_MS), [word]);
    return sizeOf(encode(draft));
  };
  assertEquals(sizeWith("ключ") - sizeWith("keys"), "\nkeys\t0\n".length);
});
