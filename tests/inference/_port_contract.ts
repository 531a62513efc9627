/**
 * What every model behind the port promises, whatever it speaks. Each adapter brings a harness with a
 * real server, and runs all of it.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type {
  ChatMessage,
  Chunk,
  InferContext,
  InferOutcome,
  ModelIdentity,
  Question,
  VisionInferenceClient,
  VisionInferenceSession,
} from "../../inference/client.ts";
import { testAnswers, testUnanswered } from "./_port_answer_contract.ts";
import { testUnwritten, testWriting } from "./_port_generate_contract.ts";
import { testQuestions, testTooMany, testUnjudged } from "./_port_questions_contract.ts";

/** What a model was asked. */
export interface Asked {
  readonly frames: readonly Uint8Array[];
  /** What to look for, or the question. */
  readonly prompt: string;
  readonly history: readonly string[];
  /** To be answered beside, as the model is told of them. */
  readonly questions: readonly Question[];
  /** Where it was asked to write. */
  readonly written?: {
    readonly messages: readonly ChatMessage[];
    readonly schema: unknown;
    readonly maxTokens: unknown;
  };
}

/** How the model takes its next calls, for a caption, an answer or a text; JSON is said as text. */
export type Behaviour =
  | {
    readonly kind: "answers";
    say(asked: Asked): string;
    /** What it says to questions, if anything; by the ids as it is told of them. */
    judge?(asked: Asked): unknown;
    /** More are refused. */
    readonly mostQuestions?: number;
  }
  /** It says that these frames are no good. */
  | { readonly kind: "refuses"; readonly reason: string }
  /** It answers what is no caption, and no answer to a question either. */
  | { readonly kind: "mumbles" }
  | { readonly kind: "hangs" };

/** One adapter with a server of its own. */
export interface PortHarness {
  readonly client: VisionInferenceClient;
  readonly identity: ModelIdentity | null;
  /** A secret that the adapter was given. */
  readonly secret: string;
  behave(behaviour: Behaviour): void;
  stop(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a harness whose adapter gives up after `timeoutMs`. */
export type StartHarness = (timeoutMs: number) => Promise<PortHarness>;

/** Registers a test of one adapter; the session is open, and closed behind it. */
export type Promises = (
  does: string,
  run: (harness: PortHarness, session: VisionInferenceSession) => Promise<void>,
  timeoutMs?: number,
) => void;

const { signal: NEVER } = new AbortController();

function chunkOf(...firstBytes: number[]): Chunk {
  const frames = firstBytes.map((first, at) => ({ bytes: new Uint8Array([first, 2, 3]), atS: at }));
  return { frames, frameCount: frames.length, byteCount: 3, startS: 0.5, endS: 1.5 };
}

function contextOf(context: Partial<InferContext> = {}): InferContext {
  return { prompt: "look", history: [], sessionId: "s", questions: [], signal: NEVER, ...context };
}

function failureOf(outcome: InferOutcome): [scope: string, reason: string] {
  assert(outcome.kind === "failed", JSON.stringify(outcome));
  return [outcome.scope, outcome.reason];
}

function captionOf(outcome: InferOutcome): string {
  assert(outcome.kind === "captioned", JSON.stringify(outcome));
  return outcome.caption;
}

/** Registers every promise as a test of the adapter called `name`. */
export function testPort(name: string, start: StartHarness): void {
  const promise = promisesOf(name, start);
  testCaptions(promise);
  testAnswers(promise);
  testWriting(promise);
  testQuestions(promise);
  testTooMany(promise);
}

/** As {@link testPort}, of an adapter whose model was deployed before it could be asked. */
export function testPortOfOldModel(name: string, start: StartHarness): void {
  const promise = promisesOf(name, start);
  testUnanswered(promise);
  testUnwritten(promise);
  testUnjudged(promise);
}

function promisesOf(name: string, start: StartHarness): Promises {
  return (does, run, timeoutMs = 10_000) =>
    Deno.test(`${name} ${does}`, async () => {
      const harness = await start(timeoutMs);
      try {
        const opened = await harness.client.openSession(harness.identity, NEVER);
        assert(opened.kind === "opened", JSON.stringify(opened));
        assert(harness.client.serves(harness.identity));
        await run(harness, opened.session);
        opened.session.close();
      } finally {
        await harness.client.close();
        await harness.close();
      }
    });
}

function testCaptions(promise: Promises): void {
  promise(
    "hands over frames, prompt and history, and brings the caption back",
    async (harness, session) => {
      let asked: Asked | null = null;
      harness.behave({ kind: "answers", say: (given) => (asked = given, "A red ball.") });
      const context = contextOf({ prompt: "look around", history: ["first", "second"] });
      const outcome = await session.inferChunk(chunkOf(1, 2), context);
      assert(outcome.kind === "captioned" && asked !== null);
      const { frames, prompt, history } = asked as Asked;
      assertEquals(outcome.caption, "A red ball.");
      assertEquals([outcome.chunkStartS, outcome.chunkEndS], [0.5, 1.5]);
      assert(outcome.latencyMs >= 0 && outcome.model !== null);
      assertEquals(frames.map((bytes) => [...bytes]), [[1, 2, 3], [2, 2, 3]]);
      assertStringIncludes(prompt, "look around");
      assertEquals(history, ["first", "second"]);
    },
  );

  promise("tells a refusal of these frames from trouble of its own", async (harness, session) => {
    harness.behave({ kind: "refuses", reason: "no frame decodes" });
    const [scope, reason] = failureOf(await session.inferChunk(chunkOf(1), contextOf()));
    assertEquals(scope, "chunk");
    assertStringIncludes(reason, "no frame decodes");
    harness.behave({ kind: "answers", say: () => "fine" });
    assertEquals(captionOf(await session.inferChunk(chunkOf(1), contextOf())), "fine");
  });

  promise(
    "takes an answer that is no caption for an error of the chunk [M3]",
    async (harness, session) => {
      harness.behave({ kind: "mumbles" });
      const [scope, reason] = failureOf(await session.inferChunk(chunkOf(1), contextOf()));
      assertEquals(scope, "chunk");
      assertStringIncludes(reason, "Cannot read the model's answer");
    },
  );

  promise("gives up at its deadline", async (harness, session) => {
    harness.behave({ kind: "hangs" });
    const [scope, reason] = failureOf(await session.inferChunk(chunkOf(1), contextOf()));
    assertEquals(scope, "service");
    assertStringIncludes(reason, "did not answer within 0.2 s");
  }, 200);

  promise("gives up when its caller does", async (harness, session) => {
    harness.behave({ kind: "hangs" });
    const leaving = new AbortController();
    const outcome = session.inferChunk(chunkOf(1), contextOf({ signal: leaving.signal }));
    leaving.abort(new Error("the stream ended"));
    assertEquals(failureOf(await outcome), ["service", "the stream ended"]);
  });

  promise(
    "says that its server is gone, and goes on when it is back [V8]",
    async (harness, session) => {
      harness.behave({ kind: "answers", say: () => "here" });
      assertEquals(captionOf(await session.inferChunk(chunkOf(1), contextOf())), "here");
      await harness.stop();
      const [scope, reason] = failureOf(await session.inferChunk(chunkOf(1), contextOf()));
      assertEquals(scope, "service");
      assertStringIncludes(reason, "cannot be reached");
      await harness.restart();
      assertEquals(captionOf(await session.inferChunk(chunkOf(1), contextOf())), "here");
    },
  );

  promise(
    "keeps its secrets out of what the server says about them [A4]",
    async (harness, session) => {
      harness.behave({ kind: "refuses", reason: `${harness.secret} may not` });
      const [, reason] = failureOf(await session.inferChunk(chunkOf(1), contextOf()));
      assertStringIncludes(reason, "[redacted] may not");
      assert(!reason.includes(harness.secret), reason);
    },
  );

  promise("keeps calls that run together apart [V11]", async (harness, session) => {
    harness.behave({ kind: "answers", say: ({ frames }) => `saw ${frames[0]![0]}` });
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, at) => session.inferChunk(chunkOf(at), contextOf())),
    );
    assertEquals(outcomes.map(captionOf), Array.from({ length: 20 }, (_, at) => `saw ${at}`));
  });
}
