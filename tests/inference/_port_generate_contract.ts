/**
 * What every model behind the port promises to who has it write: the part of `_port_contract.ts` that
 * is about `generate`.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import type { ChatMessage, GenerateOutcome, GenerateRequest } from "../../inference/client.ts";
import { MAX_CAPTION_CHARS } from "../../kv/keys.ts";
import type { Asked, Promises } from "./_port_contract.ts";

const { signal: NEVER } = new AbortController();

const CHAT: readonly ChatMessage[] = [
  { role: "user", content: "How many cups?" },
  { role: "assistant", content: "Where?" },
  { role: "user", content: "On the table." },
];
const CUPS = z.object({ cups: z.int().min(0).max(99), where: z.array(z.string().max(40)).max(3) });
const CUPS_AS_JSON = {
  type: "object",
  properties: {
    cups: { type: "integer", minimum: 0, maximum: 99 },
    where: { type: "array", maxItems: 3, items: { type: "string", maxLength: 40 } },
  },
  required: ["cups", "where"],
  additionalProperties: false,
};

function text(content: string): GenerateRequest<string> {
  return { messages: [{ role: "user", content }], schema: null, maxTokens: null };
}

function json(): GenerateRequest<z.infer<typeof CUPS>> {
  return { messages: CHAT, schema: CUPS, maxTokens: null };
}

function valueOf<T>(outcome: GenerateOutcome<T>): T {
  assert(outcome.kind === "generated", JSON.stringify(outcome));
  assert(outcome.latencyMs >= 0);
  return outcome.value;
}

function failureOf(outcome: GenerateOutcome<unknown>): [scope: string, reason: string] {
  assert(outcome.kind === "failed", JSON.stringify(outcome));
  return [outcome.scope, outcome.reason];
}

/** Registers what a model promises that can write. */
export function testWriting(promise: Promises): void {
  testForms(promise);
  testTrouble(promise);
}

function testForms(promise: Promises): void {
  promise("hands a chat over and brings the text back [M9]", async (harness, session) => {
    let asked: Asked | null = null;
    harness.behave({ kind: "answers", say: (given) => (asked = given, " Two.\n") });
    const outcome = await session.generate({ messages: CHAT, schema: null, maxTokens: 12 }, NEVER);
    assertEquals(valueOf(outcome), "Two.");
    const { frames, written } = asked! as Asked;
    assertEquals([frames, written], [[], { messages: CHAT, schema: null, maxTokens: 12 }]);
  });

  promise("hands a schema over and brings JSON of it back [M9]", async (harness, session) => {
    let asked: Asked | null = null;
    const said = { cups: 2, where: ["left", "right"] };
    harness.behave({ kind: "answers", say: (given) => (asked = given, JSON.stringify(said)) });
    assertEquals(valueOf(await session.generate(json(), NEVER)), said);
    const { schema, messages } = (asked! as Asked).written!;
    assertEquals(schema, CUPS_AS_JSON);
    assertEquals(messages.map(({ role }) => role), ["user", "assistant", "user"]);
    assert(messages.every(({ content }, at) => content.startsWith(CHAT[at]!.content)));
  });

  promise(
    "takes JSON that is not of the schema for no answer, and does not repeat it [M9]",
    async (harness, session) => {
      for (const said of [{ cups: "two", where: [] }, { cups: 2 }, { cups: 100, where: [] }, []]) {
        harness.behave({ kind: "answers", say: () => JSON.stringify(said) });
        const [scope, reason] = failureOf(await session.generate(json(), NEVER));
        assertEquals(scope, "chunk");
        assertStringIncludes(reason, "Cannot read the model's answer");
        assert(!reason.includes("two"), reason);
      }
    },
  );

  promise(
    "takes no text, an empty one and one without end for none [M9]",
    async (harness, session) => {
      const refused = async () => {
        const [scope, reason] = failureOf(await session.generate(text("Why?"), NEVER));
        assertEquals(scope, "chunk", reason);
        assertStringIncludes(reason, "Cannot read the model's answer");
      };
      harness.behave({ kind: "mumbles" });
      await refused();
      for (const said of ["", " \n", "x".repeat(MAX_CAPTION_CHARS + 1)]) {
        harness.behave({ kind: "answers", say: () => said });
        await refused();
      }
      harness.behave({ kind: "answers", say: () => "x".repeat(MAX_CAPTION_CHARS) });
      const longest = valueOf(await session.generate(text("Why?"), NEVER));
      assertEquals(longest.length, MAX_CAPTION_CHARS);
    },
  );
}

function testTrouble(promise: Promises): void {
  promise("tells a refused chat from trouble of its own [M9]", async (harness, session) => {
    harness.behave({ kind: "refuses", reason: `too long, ${harness.secret}` });
    for (const request of [text("Why?"), json()]) {
      const [scope, reason] = failureOf(await session.generate<unknown>(request, NEVER));
      assertEquals(scope, "chunk");
      assertStringIncludes(reason, "too long, [redacted]");
    }
  });

  promise("gives writing up at its deadline", async (harness, session) => {
    harness.behave({ kind: "hangs" });
    const [scope, reason] = failureOf(await session.generate(text("Why?"), NEVER));
    assertEquals(scope, "service");
    assertStringIncludes(reason, "did not answer within 0.2 s");
  }, 200);

  promise("gives writing up when its caller does", async (harness, session) => {
    harness.behave({ kind: "hangs" });
    const leaving = new AbortController();
    const outcome = session.generate(text("Why?"), leaving.signal);
    leaving.abort(new Error("the caller left"));
    assertEquals(failureOf(await outcome), ["service", "the caller left"]);
    const late = await session.generate(text("Why?"), leaving.signal);
    assertEquals(failureOf(late), ["service", "the caller left"]);
  });

  promise("says to who has it write that its server is gone [V8]", async (harness, session) => {
    await harness.stop();
    const [scope, reason] = failureOf(await session.generate(text("Why?"), NEVER));
    assertEquals(scope, "service");
    assertStringIncludes(reason, "cannot be reached");
    await harness.restart();
    harness.behave({ kind: "answers", say: () => "here" });
    assertEquals(valueOf(await session.generate(text("Why?"), NEVER)), "here");
  });

  promise("mixes no chats of callers at once [V11]", async (harness, session) => {
    const say = ({ written }: Asked) => `${written?.messages[0]?.content} it is`;
    harness.behave({ kind: "answers", say });
    const texts = await Promise.all(Array.from({ length: 10 }, async (_, at) => {
      return valueOf(await session.generate(text(`number ${at}`), NEVER));
    }));
    assertEquals(texts, Array.from({ length: 10 }, (_, at) => `number ${at} it is`));
  });
}

/** Registers what a model promises that was deployed before it could write. */
export function testUnwritten(promise: Promises): void {
  promise("says that it writes nothing, and captions as ever [M9]", async (harness, session) => {
    harness.behave({ kind: "answers", say: () => "A red ball." });
    for (let turn = 0; turn < 3; turn++) {
      assertEquals(failureOf(await session.generate(text("Why?"), NEVER)), [
        "chunk",
        "This model only looks at pictures: it was deployed without `generate`",
      ]);
      const frames = [{ bytes: new Uint8Array([1, 2, 3]), atS: 0 }];
      const chunk = { frames, frameCount: 1, byteCount: 3, startS: 0, endS: 1 };
      const context = { prompt: "look", history: [], sessionId: "s", questions: [], signal: NEVER };
      const outcome = await session.inferChunk(chunk, context);
      assert(outcome.kind === "captioned", JSON.stringify(outcome));
    }
  });
}
