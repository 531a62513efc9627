import { assertEquals } from "@std/assert";
import { lookQuestionOf, opinionIn } from "../../rules/_second_look.ts";

Deno.test("a second look is asked the rule's question, to be answered in words [R6]", () => {
  assertEquals(
    lookQuestionOf({ when: "tell me when it gets dark" }),
    'Can this be seen: "it gets dark"? Begin with yes or no, then say in one short sentence what is seen.',
  );
});

Deno.test("a second look counts only if it begins with yes or no [R6]", () => {
  const cases: [text: string, kind: "seen" | "absent", opinion: string, words?: string][] = [
    ["Yes, a dog.", "seen", "agrees", "a dog."],
    ["yes", "seen", "agrees", ""],
    ['**Yes.** "A dog."', "seen", "agrees", 'A dog."'],
    ["No: a cat.", "seen", "disagrees", "a cat."],
    ["No: a cat.", "absent", "agrees", "a cat."],
    ["Yes, she takes them.", "absent", "disagrees", "she takes them."],
    ["Yesterday there was a dog.", "seen", "none"],
    ["Nothing.", "absent", "none"],
    ["I see a dog, so yes.", "seen", "none"],
    ["", "seen", "none"],
  ];
  for (const [text, kind, opinion, words] of cases) {
    const read = opinionIn(kind, { kind: "answered", text });
    assertEquals(read.kind, opinion, text);
    if (read.kind !== "none") assertEquals(read.words, words, text);
  }
  assertEquals(opinionIn("seen", { kind: "failed", reason: "no model" }), {
    kind: "none",
    reason: "no model",
  });
});
