import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { outcomeOf } from "../../inference/_answer.ts";

const CHUNK = { frames: [], frameCount: 3, byteCount: 30, startS: 4, endS: 5.5 };
const MEASURED_MS = 77;

const read = (answer: unknown) => outcomeOf(answer, CHUNK, [], MEASURED_MS);

Deno.test("outcomeOf reads all that a class answers [M1]", () => {
  const answer = {
    caption: "A red ball rolls.",
    chunk_start_s: 1,
    chunk_end_s: 2.5,
    latency_ms: 12.5,
    tokens_generated: 9,
    model: "gemma-3",
    added_later: { what: "ever" },
  };
  assertEquals(read(answer), {
    kind: "captioned",
    caption: "A red ball rolls.",
    chunkStartS: 1,
    chunkEndS: 2.5,
    latencyMs: 12.5,
    tokensGenerated: 9,
    model: "gemma-3",
    answers: [],
  });
});

Deno.test("outcomeOf fills in what the class does not say: latency as measured [M3]", () => {
  const expected = {
    kind: "captioned",
    caption: "",
    chunkStartS: 4,
    chunkEndS: 5.5,
    latencyMs: MEASURED_MS,
    tokensGenerated: null,
    model: null,
    answers: [],
  } as const;
  assertEquals(read({ caption: "" }), expected);
  const nulls = { chunk_start_s: null, chunk_end_s: null, latency_ms: null };
  assertEquals(read({ caption: "", ...nulls, tokens_generated: null, model: null }), expected);
});

Deno.test("outcomeOf keeps the zeros of a chunk without frames [M2]", () => {
  const outcome = read({ caption: "", latency_ms: 0, tokens_generated: 0, chunk_start_s: 0 });
  assert(outcome.kind === "captioned");
  assertEquals([outcome.latencyMs, outcome.tokensGenerated, outcome.chunkStartS], [0, 0, 0]);
});

Deno.test("outcomeOf takes an answer that is no object for an error of the chunk [M3]", () => {
  for (const answer of ["a caption", 7, true, null, undefined, [], ["a caption"], new Map()]) {
    const outcome = read(answer);
    assert(outcome.kind === "failed" && outcome.scope === "chunk", String(answer));
    assertMatch(outcome.reason, /^Cannot read the model's answer: ./);
  }
});

Deno.test("outcomeOf names the field that is wrong [M3]", () => {
  const wrong: [answer: Record<string, unknown>, field: string][] = [
    [{}, "caption"],
    [{ caption: null }, "caption"],
    [{ caption: 7 }, "caption"],
    [{ caption: "", latency_ms: "12" }, "latency_ms"],
    [{ caption: "", latency_ms: -1 }, "latency_ms"],
    [{ caption: "", tokens_generated: 1.5 }, "tokens_generated"],
    [{ caption: "", chunk_start_s: "0" }, "chunk_start_s"],
    [{ caption: "", chunk_end_s: {} }, "chunk_end_s"],
    [{ caption: "", model: [] }, "model"],
  ];
  for (const [answer, field] of wrong) {
    const outcome = read(answer);
    assert(outcome.kind === "failed");
    assertMatch(outcome.reason, new RegExp(`^Cannot read the model's answer: ${field} is wrong, `));
  }
});

Deno.test("outcomeOf never throws, and a caption is one that the class gave [M3]", () => {
  const value = fc.oneof(fc.jsonValue(), fc.constant(undefined), fc.double(), fc.uint8Array());
  const almost = fc.record({
    caption: fc.oneof(fc.string(), value),
    chunk_start_s: fc.oneof(fc.double(), value),
    chunk_end_s: fc.oneof(fc.double(), value),
    latency_ms: fc.oneof(fc.double(), value),
    tokens_generated: fc.oneof(fc.integer(), value),
    model: fc.oneof(fc.string(), value),
  }, { requiredKeys: [] });
  fc.assert(
    fc.property(fc.oneof(almost, fc.anything()), (answer) => {
      const outcome = read(answer);
      if (outcome.kind === "failed") return assertEquals(typeof outcome.reason, "string");
      const { caption, chunkStartS, chunkEndS, latencyMs, tokensGenerated, model } = outcome;
      assertEquals(caption, (answer as { caption: string }).caption);
      assert([chunkStartS, chunkEndS, latencyMs].every(Number.isFinite) && latencyMs >= 0);
      assert(tokensGenerated === null || Number.isInteger(tokensGenerated));
      assert(model === null || typeof model === "string");
    }),
    { numRuns: 1000 },
  );
});
