/**
 * `add_rule`, `list_rules`, `remove_rule`: what the wearer wants to be told of.
 *
 * An assistant may be talked into things, also by what stands in a caption. So it names no addressee
 * and learns of none: what it adds goes to the wearer. Others are named over HTTP alone.
 *
 * @module
 */
import { z } from "zod";
import type { Rule } from "../kv/rule_keys.ts";
import { RULE_DRAFT, ruleView } from "../rules/rule.ts";
import { NAME, NAME_MUST } from "../wearers/principal.ts";
import { TIME } from "./_scenes.ts";
import { defineTool, problemsOf, READS } from "./_tool.ts";

const FIELDS = RULE_DRAFT.in.shape;
/** Fields that `rules` may add do not get in the way. */
const RULE = z.looseObject({
  id: z.string(),
  name: z.string(),
  kind: z.enum(["seen", "absent"]),
  when: z.string(),
  message: z.string(),
  channel: z.string(),
  enabled: z.boolean(),
  created_at: TIME,
});

/** Adds a rule. */
export const addRule = defineTool({
  name: "add_rule",
  title: "Tell the wearer when something is seen",
  description:
    "Adds a rule: from now on the wearer gets a message when the glasses see something (tell me when " +
    "the bus 22 comes), or no longer see it (remind me if I have not drunk for a while). when alone " +
    "makes a whole rule. Only on the wearer's own wish. Answers the rule with its id.",
  scopes: ["rules"],
  annotations: {
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: false,
    openWorldHint: false,
  },
  input: z.strictObject({
    when: FIELDS.when.describe(
      "One condition about what can be seen, as a short sentence in plain words, without " +
        "instructions: the bus 22 is in sight; the stove is on.",
    ),
    kind: FIELDS.kind.describe("seen: tell when it is so; absent: tell when it has not been so"),
    name: FIELDS.name.describe("A short name. Left out: the condition"),
    message: z.string("must be a text").optional().describe(
      "What the wearer gets, with {rule} {state} {seen} {at} {since} {for} filled in. Best left out.",
    ),
    hold_s: FIELDS.hold_s.describe(
      "So many seconds it must hold without a break. Left out: 3, or 600 where kind is absent",
    ),
    cooldown_s: FIELDS.cooldown_s.describe("So many seconds there is no second message"),
    active_hours: FIELDS.active_hours.describe(
      "Local hours in which it counts: {from, to, zone, days?}. Left out: always",
    ),
    max_per_day: FIELDS.max_per_day.describe("At most so many messages in 24 hours"),
  }),
  output: z.object({ rule: RULE }),
  async call({ wearer, rules }, { message, ...given }) {
    const read = RULE_DRAFT.safeParse({ ...given, then: message === undefined ? {} : { message } });
    if (!read.success) {
      // Here it has no object of its own.
      const issues = read.error.issues.map((issue) => ({
        ...issue,
        path: issue.path.filter((part) => part !== "then"),
      }));
      return { kind: "refused", detail: problemsOf(issues, { message, ...given }) };
    }
    const outcome = await rules.add(wearer, read.data);
    switch (outcome.kind) {
      case "full": {
        const which = outcome.counts === "active" ? "enabled rules" : "rules";
        const detail =
          `The wearer has ${outcome.limit} ${which}, the most there may be: remove one`;
        return { kind: "refused", detail };
      }
      case "added": {
        const rule = viewOf(outcome.rule);
        return { kind: "answered", text: `Added:\n${lineOf(rule)}`, data: { rule } };
      }
    }
  },
});

/** Lists the rules. */
export const listRules = defineTool({
  name: "list_rules",
  title: "What the wearer is told of",
  description:
    "Lists the wearer's rules, with the ids that remove_rule takes: of what they get a message when " +
    "the glasses see it, or no longer do.",
  scopes: ["rules"],
  annotations: READS,
  input: z.strictObject({}),
  output: z.object({ items: z.array(RULE) }),
  async call({ wearer, rules }) {
    const items = (await rules.list(wearer)).map(viewOf);
    const text = items.length === 0 ? "There are no rules." : items.map(lineOf).join("\n");
    return { kind: "answered", text, data: { items } };
  },
});

/** Removes a rule. */
export const removeRule = defineTool({
  name: "remove_rule",
  title: "Tell the wearer no longer",
  description:
    "Removes one of the wearer's rules for good: they get no message of it any more. list_rules has " +
    "the ids. Only on the wearer's own wish.",
  scopes: ["rules"],
  annotations: {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: true,
    openWorldHint: false,
  },
  input: z.strictObject({
    id: z.string(NAME_MUST).regex(NAME, NAME_MUST).describe("The rule's id, as list_rules has it"),
  }),
  output: z.object({ removed: z.literal(true), id: z.string() }),
  async call({ wearer, rules }, { id }) {
    const { kind } = await rules.remove(wearer, id);
    if (kind === "removed") {
      return { kind: "answered", text: "Removed.", data: { removed: true, id } };
    }
    const detail = `id must be that of a rule: there is none, current value is ${
      JSON.stringify(id)
    }`;
    return { kind: "refused", detail };
  },
});

/** Where a webhook leads may be a secret. */
function viewOf(rule: Rule) {
  const { then: { message, channel }, ...view } = ruleView(rule);
  return { ...view, message, channel };
}

function lineOf({ id, kind, when, enabled }: ReturnType<typeof viewOf>): string {
  const state = enabled ? "" : ", switched off";
  return `- ${id}: ${kind === "seen" ? "when" : "when not"} ${JSON.stringify(when)}${state}`;
}
