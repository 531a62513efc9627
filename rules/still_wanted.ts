/**
 * Whether a rule's message is still wanted, asked by the outbox just before it is sent.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { DAYS } from "../kv/rule_keys.ts";
import type { MannersBook } from "../kv/manners.ts";
import type { MessageCause, MessageFacts } from "../kv/outbox_keys.ts";
import type { Wanted } from "../messaging/outbox.ts";
import { hoursEndMs } from "./_hours_now.ts";
import { askedRuleOf } from "./question.ts";
import type { RuleStore } from "./store.ts";

/** What it needs. */
export interface StillWantedOptions {
  readonly clock: Clock;
  readonly rules: Pick<RuleStore, "get">;
  readonly manners: Pick<MannersBook, "get">;
}

/** Rejects with KV's own error. Of messages that no rule is the cause of it has nothing to say. */
export function createStillWanted(
  { clock, rules, manners }: StillWantedOptions,
): (message: Pick<MessageFacts, "wearer" | "cause">) => Promise<Wanted> {
  return async ({ wearer, cause }) => {
    const asked = ruleIn(cause);
    if (!asked) return { kind: "yes" };
    const rule = await rules.get(wearer, asked.ruleId);
    if (!rule) return { kind: "no", reason: "the rule was removed" };
    if (!rule.enabled) return { kind: "no", reason: "the rule was disabled" };
    if (rule.version !== asked.version) return { kind: "no", reason: "the rule was changed" };
    const { quietHours } = await manners.get(wearer);
    const endsAtMs = quietHours && hoursEndMs({ ...quietHours, days: DAYS }, clock.epochMs());
    return endsAtMs === null ? { kind: "yes" } : { kind: "later", untilMs: endsAtMs };
  };
}

function ruleIn({ kind, id }: MessageCause) {
  return kind === "rule" && id !== null ? askedRuleOf(id) : null;
}
