import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { answersRule, askedRuleOf, questionOf, questionTextOf } from "../../rules/question.ts";

Deno.test("questionTextOf makes one yes/no question of a condition, which stands in quotes [R4]", () => {
  const questions: [when: string, quoted: string][] = [
    ["bus 22 comes", "bus 22 comes"],
    ["I leave the stove on.", "I leave the stove on"],
    ["is it dark?", "is it dark"],
    ["tell me when it gets dark", "it gets dark"],
    ["Please tell me if bus 22 comes!", "bus 22 comes"],
    ["text my daughter if I leave the stove on", "I leave the stove on"],
    ["let me know as soon as the light goes out", "the light goes out"],
    ["when it gets dark", "it gets dark"],
    ['a sign that says "Exit"', "a sign that says 'Exit'"],
    ["when", "when"],
    ["tell me a story", "tell me a story"],
    ["iffy cables", "iffy cables"],
    ["please", "please"],
  ];
  for (const [when, quoted] of questions) {
    assertEquals(questionTextOf(when), `Can this be seen: "${quoted}"?`, when);
  }
});

Deno.test("questionTextOf lets no condition out of its quotes [R4]", () =>
  fc.assert(fc.property(fc.string({ unit: "binary" }), (when) => {
    const text = questionTextOf(when);
    assertEquals(text.slice(0, 19), 'Can this be seen: "');
    assertEquals(text.slice(-2), '"?');
    assertEquals(text.match(/["“”„«»]/g)?.length, 2, text);
  })));

Deno.test("askedRuleOf tells of which rule, in which words, an answer is [R4]", () => {
  for (const id of ["9f1c-4e", "a.b", "r.1"]) {
    const question = questionOf({ id, version: 12, when: "a dog" });
    assertEquals(question, { id: `${id}.12`, text: 'Can this be seen: "a dog"?' });
    assertEquals(askedRuleOf(question.id), { ruleId: id, version: 12 });
  }
  for (const id of ["", "rule", ".1", "rule.", "rule.x", "rule.-1"]) {
    assertEquals(askedRuleOf(id), null, id);
  }
});

Deno.test("an answer is to a rule's words as they are now, whatever else was changed since [R9]", () => {
  const rule = { id: "r.1", version: 5, whenVersion: 3 };
  assertEquals(["r.1.3", "r.1.5"].map((id) => answersRule(id, rule)), [true, true]);
  const others = ["r.1.2", "r.1.6", "r.3", "r.2.4", "other"];
  assertEquals(others.map((id) => answersRule(id, rule)), others.map(() => false));
  assertEquals(answersRule("r.1.1", { id: "r.1", version: 1 }), true);
});
