import { assertEquals } from "@std/assert";
import type {
  AnswerOutcome,
  FailedOutcome,
  InferOutcome,
  OpenOutcome,
  VisionInferenceClient,
} from "../../inference/client.ts";
import { createRedactedInference, type Redact } from "../../inference/redacted.ts";

const { signal } = new AbortController();
const CHUNK = { frames: [], frameCount: 1, byteCount: 1, startS: 0, endS: 1 };
const CONTEXT = { prompt: "look", history: [], sessionId: "s", signal };
const FAILED: FailedOutcome = { kind: "failed", scope: "service", reason: "secret is away" };
const UNREDACTED: FailedOutcome = {
  kind: "failed",
  scope: "chunk",
  reason: "What the model said could not be redacted",
};
const CAPTIONED: InferOutcome = {
  kind: "captioned",
  caption: "a secret",
  chunkStartS: 0,
  chunkEndS: 1,
  latencyMs: 1,
  tokensGenerated: 1,
  model: "secret-model",
};
const ANSWERED: AnswerOutcome = { kind: "answered", text: "the secret", latencyMs: 1 };
const withoutSecret: Redact = (text) => text.replace("secret", "***");

/** A model that says what it is told to. */
function saying(inferred: InferOutcome, answered: AnswerOutcome, opens?: OpenOutcome) {
  const calls: string[] = [];
  const session = {
    inferChunk: () => Promise.resolve(inferred),
    answer: () => Promise.resolve(answered),
    close: () => void calls.push("session.close"),
  };
  const client: VisionInferenceClient = {
    serves: (identity) => identity === null,
    openSession: () => Promise.resolve(opens ?? { kind: "opened", session }),
    prepare: () => Promise.resolve(void calls.push("prepare")),
    close: () => Promise.resolve(void calls.push("close")),
  };
  return { client, calls };
}

async function heard(client: VisionInferenceClient, redact: Redact) {
  const opened = await createRedactedInference(client, redact).openSession(null, signal);
  if (opened.kind !== "opened") return opened;
  const { session } = opened;
  const inferred = await session.inferChunk(CHUNK, CONTEXT);
  const answered = await session.answer([], "what?", CONTEXT);
  session.close();
  return [inferred, answered];
}

Deno.test("createRedactedInference passes captions and answers through the hook [A10]", async () => {
  const { client, calls } = saying(CAPTIONED, ANSWERED);
  assertEquals(await heard(client, withoutSecret), [
    { ...CAPTIONED, caption: "a ***" },
    { ...ANSWERED, text: "the ***" },
  ]);
  assertEquals(calls, ["session.close"]);
});

Deno.test("createRedactedInference lets nothing be heard where the hook fails [A10]", async () => {
  const { client } = saying(CAPTIONED, ANSWERED);
  const broken: Redact = (text) => {
    throw new Error(`cannot read: ${text}`);
  };
  assertEquals(await heard(client, broken), [UNREDACTED, UNREDACTED]);
});

Deno.test("createRedactedInference leaves failures, and what it has nothing to say about", async () => {
  assertEquals(await heard(saying(FAILED, FAILED).client, withoutSecret), [FAILED, FAILED]);
  const opens = { kind: "unavailable", reason: "gone" } as const;
  assertEquals(await heard(saying(FAILED, FAILED, opens).client, withoutSecret), opens);
  const { client, calls } = saying(CAPTIONED, ANSWERED);
  const redacted = createRedactedInference(client, withoutSecret);
  const identity = { tokenId: "", tokenSecret: "", appName: "", className: "" };
  assertEquals([redacted.serves(null), redacted.serves(identity)], [true, false]);
  await redacted.prepare();
  await redacted.close();
  assertEquals(calls, ["prepare", "close"]);
});
