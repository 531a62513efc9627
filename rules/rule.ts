/**
 * A rule as somebody writes it: `{"when": "bus 22 comes"}` is a whole one, all else has a default.
 *
 * @module
 */
import { z } from "zod";
import { CHANNEL_NAMES, type Rule, RULE_KINDS, type RuleDraft } from "../kv/rule_keys.ts";
import { WEBHOOK_MUST, webhookAddress } from "../messaging/webhook_address.ts";
import { CONDITION } from "./_condition.ts";
import { hasHidden } from "./_hidden.ts";
import { ACTIVE_HOURS, longestStretchS } from "./_hours.ts";
import { DEFAULT_MESSAGE, MESSAGE } from "./_message.ts";
import { strictly } from "./_strictly.ts";

const MAX_NAME_CHARS = 80;
const DAY_S = 24 * 60 * 60;

/** One odd answer is not enough; absence is only told after a while. */
const DEFAULT_HOLD_S = { seen: 3, absent: 10 * 60 } as const;
const MAX_HOLD_S = DAY_S;
const DEFAULT_COOLDOWN_S = 5 * 60;
const MAX_COOLDOWN_S = 7 * DAY_S;
const DEFAULT_PER_DAY = 10;
const MAX_PER_DAY = 100;

const NAME_MUST = `must be one line of 1 to ${MAX_NAME_CHARS} characters`;
const KIND_MUST = `must be ${RULE_KINDS.join(" or ")}`;
const CHANNEL_MUST = `must be one of ${CHANNEL_NAMES.join(", ")}`;
const TO_MUST = "must be left out unless channel is webhook";
const SWITCH_MUST = "must be true or false";

const NAME = z.string({ error: NAME_MUST }).transform((given) => given.trim())
  .refine((name) => name.length > 0 && name.length <= MAX_NAME_CHARS && !hasHidden(name), {
    error: NAME_MUST,
  });

/** Where messages go. */
function thenOf(allowsLoopback: boolean) {
  return z.strictObject({
    message: MESSAGE.default(DEFAULT_MESSAGE),
    channel: z.enum(CHANNEL_NAMES, { error: CHANNEL_MUST }).default("poke"),
    to: z.string({ error: WEBHOOK_MUST }).nullable().default(null),
  }, { error: strictly("must be an object with message, channel and to") })
    .transform(({ message, channel, to }, context) => {
      if (channel !== "webhook" && to === null) return { message, channel, to };
      const address = channel === "webhook" ? webhookAddress(to ?? "", allowsLoopback) : null;
      if (address !== null) return { message, channel, to: address };
      const must = channel === "webhook" ? WEBHOOK_MUST : TO_MUST;
      context.addIssue({ code: "custom", path: ["to"], message: must });
      return z.NEVER;
    });
}

/**
 * A rule as a client writes it: the fields of {@link RuleDraft} in snake case.
 *
 * @param allowsLoopback whether webhooks may lead to this machine itself (for development)
 */
export function ruleDraft(allowsLoopback: boolean) {
  return z.strictObject({
    name: NAME.optional(),
    kind: z.enum(RULE_KINDS, { error: KIND_MUST }).default("seen"),
    when: CONDITION,
    then: thenOf(allowsLoopback).prefault({}),
    hold_s: seconds(0, MAX_HOLD_S).optional(),
    cooldown_s: seconds(0, MAX_COOLDOWN_S).default(DEFAULT_COOLDOWN_S),
    active_hours: ACTIVE_HOURS.nullable().default(null),
    max_per_day: wholeNumber(1, MAX_PER_DAY).default(DEFAULT_PER_DAY),
    enabled: z.boolean({ error: SWITCH_MUST }).default(true),
    confirm: z.boolean({ error: SWITCH_MUST }).default(true),
  }, { error: strictly("must be a JSON object") })
    .transform((body, context): RuleDraft => {
      const holdS = body.hold_s ?? DEFAULT_HOLD_S[body.kind];
      const { active_hours: activeHours } = body;
      const stretchS = activeHours ? longestStretchS(activeHours) : Infinity;
      if (holdS >= stretchS) {
        const message = `must be below ${stretchS}, the length of active_hours, or it never fires`;
        context.addIssue({ code: "custom", path: ["hold_s"], message });
        return z.NEVER;
      }
      return {
        name: body.name ?? nameFrom(body.when),
        kind: body.kind,
        when: body.when,
        then: body.then,
        holdS,
        cooldownS: body.cooldown_s,
        activeHours,
        maxPerDay: body.max_per_day,
        enabled: body.enabled,
        confirm: body.confirm,
      };
    });
}

/** The same where webhooks lead to the public internet alone. */
export const RULE_DRAFT = ruleDraft(false);

/** A rule as clients read and write it, complete. {@link RULE_DRAFT} makes the same draft of it. */
export function bodyOf(draft: RuleDraft) {
  return {
    name: draft.name,
    kind: draft.kind,
    when: draft.when,
    then: draft.then,
    hold_s: draft.holdS,
    cooldown_s: draft.cooldownS,
    active_hours: draft.activeHours,
    max_per_day: draft.maxPerDay,
    enabled: draft.enabled,
    confirm: draft.confirm,
  };
}

/**
 * The same without what follows from other fields, so that it follows again when these are changed:
 * a name that is the condition, a hold that is the kind's.
 */
export function givenOf(draft: RuleDraft): Partial<ReturnType<typeof bodyOf>> {
  const { name, hold_s, ...rest } = bodyOf(draft);
  return {
    ...name !== nameFrom(draft.when) && { name },
    ...hold_s !== DEFAULT_HOLD_S[draft.kind] && { hold_s },
    ...rest,
  };
}

/** A rule as clients see it: what they wrote, and what became of it. */
export function ruleView(rule: Rule) {
  return {
    id: rule.id,
    version: rule.version,
    ...bodyOf(rule),
    created_at: new Date(rule.createdAtMs).toISOString(),
    changed_at: new Date(rule.changedAtMs).toISOString(),
  };
}

function seconds(min: number, max: number) {
  const must = `must be a number of seconds from ${min} to ${max}`;
  return z.number({ error: must }).min(min, must).max(max, must);
}

function wholeNumber(min: number, max: number) {
  const must = `must be a whole number from ${min} to ${max}`;
  return z.int({ error: must }).min(min, must).max(max, must);
}

function nameFrom(when: string): string {
  return when.length <= MAX_NAME_CHARS
    ? when
    : `${when.slice(0, MAX_NAME_CHARS - 1).toWellFormed()}…`;
}
