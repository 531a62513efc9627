import { assertEquals } from "@std/assert";
import { z } from "zod";
import type {
  AnswerOutcome,
  FailedOutcome,
  GenerateOutcome,
  InferOutcome,
  OpenOutcome,
  VisionInferenceClient,
} from "../../inference/client.ts";
import { createRedactedInference, type Redact } from "../../inference/redacted.ts";

const { signal } = new AbortController();
const CHUNK = { frames: [], frameCount: 1, byteCount: 1, startS: 0, endS: 1 };
const CONTEXT = { prompt: "look", history: [], sessionId: "s", questions: [], signal };
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
  answers: [{ id: "a secret question", yes: true, confidence: 0.9 }],
};
const ANSWERED: AnswerOutcome = { kind: "answered", text: "the secret", latencyMs: 1 };
const withoutSecret: Redact = (text) => text.replace("secret", "***");

/** A model that says what it is told to. */
function saying(
  inferred: InferOutcome,
  answered: AnswerOutcome,
  opens?: OpenOutcome,
  generated: GenerateOutcome<unknown> = FAILED,
) {
  const calls: string[] = [];
  const session = {
    inferChunk: () => Promise.resolve(inferred),
    answer: () => Promise.resolve(answered),
    generate: <T>() => Promise.resolve(generated as GenerateOutcome<T>),
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

/** What is heard of a text, or of JSON of the schema. */
async function written(
  generated: GenerateOutcome<unknown>,
  schema: z.ZodType | null = null,
  redact = hidingDigits,
): Promise<GenerateOutcome<unknown>> {
  const { client } = saying(FAILED, FAILED, undefined, generated);
  const opened = await createRedactedInference(client, redact).openSession(null, signal);
  if (opened.kind !== "opened") throw new Error(opened.kind);
  return await opened.session.generate<unknown>({ messages: [], schema, maxTokens: null }, signal);
}

const hidingDigits: Redact = (text) => text.replace(/\d{3}/g, "***");
const wrote = (value: unknown) => ({ kind: "generated", value, latencyMs: 1 }) as const;

Deno.test("createRedactedInference passes what a model writes through the hook, all of JSON too [A10, M9]", async () => {
  assertEquals(await written(wrote("call 123")), wrote("call ***"));
  const schema = z.json();
  const value = { "x 123": [{ y: "456", n: 12, no: null, yes: true }], z: "7" };
  assertEquals(
    await written(wrote(value), schema),
    wrote({ "x ***": [{ y: "***", n: 12, no: null, yes: true }], z: "7" }),
  );
});

Deno.test("createRedactedInference lets no JSON be heard that cannot be redacted, or not any more [A10, M9]", async () => {
  const any = z.json();
  assertEquals(await written(wrote({ n: 123 }), any), UNREDACTED, "nothing stands for a number");
  assertEquals(await written(wrote([-1234.5]), any), UNREDACTED);
  const short = z.object({ code: z.string().regex(/^\w+$/) });
  assertEquals(await written(wrote({ code: "123" }), short), UNREDACTED, "not of the schema now");
  assertEquals(await written(wrote({ code: "12" }), short), wrote({ code: "12" }));
  const broken: Redact = (text) => {
    throw new Error(`cannot read: ${text}`);
  };
  assertEquals(await written(wrote("call 123"), null, broken), UNREDACTED);
});

Deno.test("createRedactedInference redacts why a model could not write: it may quote [A10, M9]", async () => {
  const quoting: FailedOutcome = { kind: "failed", scope: "chunk", reason: "'123' is no object" };
  assertEquals(await written(quoting), { ...quoting, reason: "'***' is no object" });
  assertEquals(await written(FAILED), FAILED);
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
