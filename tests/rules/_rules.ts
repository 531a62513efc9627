/**
 * Rules for tests, and a store for them.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import type { Rule } from "../../kv/rule_keys.ts";
import { RULE_DRAFT } from "../../rules/rule.ts";
import { createRuleStore, type RuleStore } from "../../rules/store.ts";
import { createFakeClock } from "../_fake_clock.ts";

/** A store whose ids are `r1`, `r2` ... unless a name for them is given. */
export function storeOn(
  kv: Deno.Kv,
  clock: Clock = createFakeClock(),
  name = "r",
): RuleStore {
  let count = 0;
  return createRuleStore({ kv, clock, newId: () => `${name}${++count}` });
}

/** The draft that a body makes; a dog is looked for unless it says otherwise. */
export function draft(body: Readonly<Record<string, unknown>> = {}) {
  return RULE_DRAFT.parse({ when: "a dog", ...body });
}

/** A rule that had room. */
export async function added(
  store: RuleStore,
  wearer: string,
  body: Readonly<Record<string, unknown>> = {},
): Promise<Rule> {
  const outcome = await store.add(wearer, draft(body));
  if (outcome.kind !== "added") throw new Error(`no room: ${JSON.stringify(outcome)}`);
  return outcome.rule;
}
