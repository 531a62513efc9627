/**
 * The part of the data model (`keys.ts`) that says what a wearer wants to be told of.
 *
 * A rule's record changes only when somebody changes the rule. What changes with each chunk (timers,
 * firings) is elsewhere (`firing_keys.ts`), so that a stream and whoever edits rules never contend.
 *
 * @module
 */
import { type Stored, wearerPrefix } from "./keys.ts";

/** Ways in which a message may leave. */
export const CHANNEL_NAMES = ["poke", "webhook", "log"] as const;
export type ChannelName = typeof CHANNEL_NAMES[number];

/** What has to hold before a rule fires: its words are true, or they are not. */
export const RULE_KINDS = ["seen", "absent"] as const;
export type RuleKind = typeof RULE_KINDS[number];

/** Days of the week, from the first of ISO 8601 on. */
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Day = typeof DAYS[number];

/** When a rule is looked at: from `from` to before `to`, local time. */
export interface ActiveHours {
  /** `HH:MM`, `00:00` to `23:59`. */
  readonly from: string;
  /** `HH:MM`, `00:01` to `24:00`; earlier than `from`: on the day after. */
  readonly to: string;
  /** The IANA name of a time zone. */
  readonly zone: string;
  /** The days on which the hours begin, in the order of the week; none twice. */
  readonly days: readonly Day[];
}

/** What leaves when the rule fires, and where to. */
export interface RuleMessage {
  /** A template; `rules/_message.ts` knows its fields. */
  readonly message: string;
  readonly channel: ChannelName;
  /** An https URL for `webhook`; null: the channel knows where to. */
  readonly to: string | null;
}

/** What somebody says of a rule; all else follows. */
export interface RuleDraft {
  readonly name: string;
  readonly kind: RuleKind;
  /** One condition in plain words, as the model is asked it. */
  readonly when: string;
  readonly then: RuleMessage;
  /** So long it must have held without a break. */
  readonly holdS: number;
  /** So long after a firing the rule does not fire again. */
  readonly cooldownS: number;
  /** Null: always. */
  readonly activeHours: ActiveHours | null;
  /** Firings in any 24 hours. */
  readonly maxPerDay: number;
  /** Whether it is looked at. */
  readonly enabled: boolean;
  /** Whether a second look must agree before a message leaves. */
  readonly confirm: boolean;
}

/** One rule of a wearer. */
export interface Rule extends RuleDraft {
  readonly id: string;
  /** From 1; each change raises it by one. */
  readonly version: number;
  /** The version that brought its condition: answers to it and later ones are to the same words. */
  readonly whenVersion?: number;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
}

/** One rule, as stored: for good, until it is removed. */
export interface RuleRecord extends Stored {
  readonly rule: Rule;
}

/**
 * Which rules a wearer has. Every commit that touches a rule checks and writes this record too: so
 * nobody can add one while they are counted, and its versionstamp tells whether anything changed.
 */
export interface RuleSetRecord extends Stored {
  /** In the order in which they were added. */
  readonly members: readonly { readonly id: string; readonly enabled: boolean }[];
}

/** Holds a {@link RuleRecord}. */
export function ruleKey(wearer: string, ruleId: string): Deno.KvKey {
  return [...rulePrefix(wearer), ruleId];
}

/** All rules of a wearer. */
export function rulePrefix(wearer: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "rule"];
}

/** Holds the {@link RuleSetRecord}. */
export function ruleSetKey(wearer: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "rule_set"];
}
