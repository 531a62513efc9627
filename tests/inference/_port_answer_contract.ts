/**
 * What every model behind the port promises to who asks it a question: the part of `_port_contract.ts`
 * that is about `answer`.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { AnswerOutcome, AskContext } from "../../inference/client.ts";
import { MAX_CAPTION_CHARS } from "../../kv/keys.ts";
import type { Asked, Promises } from "./_port_contract.ts";

const { signal: NEVER } = new AbortController();

function pictures(...firstBytes: number[]): Uint8Array[] {
  return firstBytes.map((first) => new Uint8Array([first, 2, 3]));
}

function contextOf(context: Partial<AskContext> = {}): AskContext {
  return { history: [], sessionId: "s", signal: NEVER, ...context };
}

const CHUNK = {
  frames: [{ bytes: new Uint8Array([1, 2, 3]), atS: 0 }],
  frameCount: 1,
  byteCount: 3,
  startS: 0,
  endS: 1,
};

function textOf(outcome: AnswerOutcome): string {
  assert(outcome.kind === "answered", JSON.stringify(outcome));
  return outcome.text;
}

function failureOf(outcome: AnswerOutcome): [scope: string, reason: string] {
  assert(outcome.kind === "failed", JSON.stringify(outcome));
  return [outcome.scope, outcome.reason];
}

/** Registers what a model promises that can be asked. */
export function testAnswers(promise: Promises): void {
  promise(
    "hands over pictures, question and history, and brings the answer back [M8]",
    async (harness, session) => {
      let asked: Asked | null = null;
      harness.behave({ kind: "answers", say: (given) => (asked = given, " Two.\n") });
      const context = contextOf({ history: ["first", "second"] });
      const outcome = await session.answer(pictures(1, 2), "How many cups?", context);
      assert(outcome.kind === "answered" && asked !== null, JSON.stringify(outcome));
      const { frames, prompt, history } = asked as Asked;
      assertEquals(outcome.text, "Two.");
      assert(outcome.latencyMs >= 0);
      assertEquals(frames.map((bytes) => [...bytes]), [[1, 2, 3], [2, 2, 3]]);
      assertEquals(prompt, "How many cups?");
      assertEquals(history, ["first", "second"]);
    },
  );

  promise("tells a refused question from trouble of its own [M8]", async (harness, session) => {
    harness.behave({ kind: "refuses", reason: `no frame decodes, ${harness.secret}` });
    const [scope, reason] = failureOf(await session.answer(pictures(1), "Why?", contextOf()));
    assertEquals(scope, "chunk");
    assertStringIncludes(reason, "no frame decodes, [redacted]");
  });

  promise(
    "takes no text, an empty one and one without end for no answer [M8]",
    async (harness, session) => {
      const refused = async () => {
        const [scope, reason] = failureOf(await session.answer(pictures(1), "Why?", contextOf()));
        assertEquals(scope, "chunk", reason);
        assertStringIncludes(reason, "Cannot read the model's answer");
      };
      harness.behave({ kind: "mumbles" });
      await refused();
      for (const text of ["", " \n", "x".repeat(MAX_CAPTION_CHARS + 1)]) {
        harness.behave({ kind: "answers", say: () => text });
        await refused();
      }
      harness.behave({ kind: "answers", say: () => "x".repeat(MAX_CAPTION_CHARS) });
      const longest = textOf(await session.answer(pictures(1), "Why?", contextOf()));
      assertEquals(longest.length, MAX_CAPTION_CHARS);
    },
  );

  promise("gives a question up at its deadline", async (harness, session) => {
    harness.behave({ kind: "hangs" });
    const [scope, reason] = failureOf(await session.answer(pictures(1), "Why?", contextOf()));
    assertEquals(scope, "service");
    assertStringIncludes(reason, "did not answer within 0.2 s");
  }, 200);

  promise("gives a question up when its caller does", async (harness, session) => {
    harness.behave({ kind: "hangs" });
    const leaving = new AbortController();
    const outcome = session.answer(pictures(1), "Why?", contextOf({ signal: leaving.signal }));
    leaving.abort(new Error("the stream ended"));
    assertEquals(failureOf(await outcome), ["service", "the stream ended"]);
    const late = await session.answer(pictures(1), "Why?", contextOf({ signal: leaving.signal }));
    assertEquals(failureOf(late), ["service", "the stream ended"]);
  });

  promise("says to who asks that its server is gone [V8]", async (harness, session) => {
    harness.behave({ kind: "answers", say: () => "here" });
    assertEquals(textOf(await session.answer(pictures(1), "Why?", contextOf())), "here");
    await harness.stop();
    const [scope, reason] = failureOf(await session.answer(pictures(1), "Why?", contextOf()));
    assertEquals(scope, "service");
    assertStringIncludes(reason, "cannot be reached");
    await harness.restart();
    assertEquals(textOf(await session.answer(pictures(1), "Why?", contextOf())), "here");
  });

  promise(
    "shows no question the frames of another, nor those of a chunk [V11]",
    async (harness, session) => {
      const say = ({ frames, prompt, history }: Asked) =>
        JSON.stringify([prompt, frames.map(([first]) => first), history]);
      harness.behave({ kind: "answers", say });
      const captions = Array.from({ length: 10 }, () => {
        return session.inferChunk(CHUNK, { ...contextOf(), prompt: "look", questions: [] });
      });
      const answers = await Promise.all(Array.from({ length: 10 }, async (_, at) => {
        const context = contextOf({ history: [`said ${at}`] });
        return textOf(await session.answer(pictures(100 + at, 200 + at), `${at}?`, context));
      }));
      assertEquals(
        answers,
        Array.from({ length: 10 }, (_, at) => {
          return JSON.stringify([`${at}?`, [100 + at, 200 + at], [`said ${at}`]]);
        }),
      );
      for (const outcome of await Promise.all(captions)) {
        assert(outcome.kind === "captioned", JSON.stringify(outcome));
        assertEquals(outcome.caption, '["look",[1],[]]');
      }
    },
  );
}

/** Registers what a model promises that was deployed before it could be asked. */
export function testUnanswered(promise: Promises): void {
  promise(
    "says that it takes no questions, and captions as ever [M8]",
    async (harness, session) => {
      harness.behave({ kind: "answers", say: () => "A red ball." });
      for (let turn = 0; turn < 3; turn++) {
        assertEquals(failureOf(await session.answer(pictures(1), "Why?", contextOf())), [
          "chunk",
          "This model takes no questions: it was deployed without them",
        ]);
        const outcome = await session.inferChunk(CHUNK, {
          ...contextOf(),
          prompt: "look",
          questions: [],
        });
        assert(outcome.kind === "captioned", JSON.stringify(outcome));
      }
    },
  );
}
