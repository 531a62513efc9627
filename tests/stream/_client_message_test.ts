import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { coach } from "../../inference/profiles/coach.ts";
import { readClientMessage } from "../../stream/_client_message.ts";

const read = (message: unknown) => readClientMessage(JSON.stringify(message));

/** The message as read. */
function valid(message: unknown) {
  const outcome = read(message);
  assert(outcome.kind === "message", JSON.stringify(outcome));
  return outcome.message;
}

Deno.test("readClientMessage reads each message of the protocol [S2, S6]", () => {
  assertEquals(valid({ type: "frame", captured_at_ms: 1.5 }), { type: "frame", capturedAtMs: 1.5 });
  assertEquals(valid({ type: "prompt", prompt: " Read. " }), { type: "prompt", prompt: "Read." });
  assertEquals(valid({ type: "prompt", profile: "coach" }), {
    type: "prompt",
    prompt: coach.prompt,
  });
  for (const type of ["pause", "unpause", "bye"] as const) {
    assertEquals(valid({ type, more: "of the future" }), { type });
  }
  assertEquals(valid({ type: "ask", id: "1", question: "What?" }), {
    type: "ask",
    id: "1",
    question: "What?",
  });
});

Deno.test("readClientMessage says what is wrong, by name [S7]", () => {
  const wrong: [message: unknown, code: string, part: string][] = [
    [{}, "unknown_type", "current value is missing"],
    [null, "unknown_type", "type must be one of frame, prompt, pause, unpause, ask, bye"],
    [[], "unknown_type", "missing"],
    ["bye", "unknown_type", "missing"],
    [{ type: 7 }, "unknown_type", "current value is 7"],
    [{ type: "toString" }, "unknown_type", '"toString"'],
    [{ type: "__proto__" }, "unknown_type", "type must be"],
    [{ type: "frame" }, "malformed", "frame: captured_at_ms must be milliseconds since 1970"],
    [{ type: "frame", captured_at_ms: -1 }, "malformed", "must not be negative"],
    [{ type: "frame", captured_at_ms: 1e15 }, "malformed", "at most 100000000000000"],
    [{ type: "frame", captured_at_ms: "5" }, "malformed", "captured_at_ms must be"],
    [{ type: "prompt" }, "malformed", "either prompt or profile must be given, and not both"],
    [{ type: "prompt", prompt: "a", profile: "coach" }, "malformed", "and not both"],
    [{ type: "prompt", prompt: "  " }, "malformed", "prompt must not be empty"],
    [{ type: "prompt", prompt: "x".repeat(8001) }, "malformed", "at most 8000 characters"],
    [{ type: "prompt", profile: "poet" }, "malformed", "profile must be one of narrate"],
    [{ type: "ask", id: "1" }, "malformed", "ask: question must be a text"],
    [{ type: "ask", question: "?" }, "malformed", "ask: id must be a text"],
    [{ type: "ask", id: "x".repeat(129), question: "?" }, "malformed", "at most 128 characters"],
  ];
  for (const [message, code, part] of wrong) {
    const outcome = read(message);
    assert(outcome.kind === "malformed", JSON.stringify(message));
    assertEquals(outcome.code, code);
    assertStringIncludes(outcome.message, part);
  }
  const notJson = readClientMessage("x".repeat(1000));
  assert(notJson.kind === "malformed" && notJson.code === "not_json");
  assert(notJson.message.length < 200, "a long message is not said back");
});

Deno.test("readClientMessage never throws, whatever it is given [S7]", () => {
  const types = fc.constantFrom("frame", "prompt", "pause", "unpause", "ask", "bye", "x");
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json(),
    fc.tuple(types, fc.object()).map(([type, rest]) => JSON.stringify({ ...rest, type })),
  );
  fc.assert(fc.property(text, (text) => {
    const outcome = readClientMessage(text);
    assert(outcome.kind === "message" || outcome.message.length < 300);
  }));
});
