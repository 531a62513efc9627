/**
 * The part of the data model (`keys.ts`) that says how a wearer's rules stand: what each has come to
 * so far, what became of each time that it held, and when nobody wants to be disturbed.
 *
 * All courses of a wearer are one record: a chunk answers for all rules at once, so that it is one
 * small read, and one write where anything changed.
 *
 * @module
 */
import { type Stored, wearerPrefix } from "./keys.ts";

/**
 * Where a rule stands. `level` says how convincingly its condition holds, 0 to 1, smoothed over the
 * answers; `atMs` up to where it was looked at. All times are of what was seen, wall time.
 */
export type Course =
  | { readonly kind: "idle"; readonly level: number; readonly atMs: number }
  /** `rising`: it may begin to hold. `holding`: it holds, so long by now. */
  | ({ readonly kind: "rising" | "holding" } & Held)
  /** It has held for long enough. */
  | ({ readonly kind: "due"; readonly dueMs: number } & Held)
  /** A second look is taken, by somebody who is taken to be dead after `untilMs` of the wall clock. */
  | ({
    readonly kind: "confirming";
    readonly dueMs: number;
    readonly attempt: number;
    readonly untilMs: number;
  } & Held)
  /** It fired, and does not again before `untilMs`, nor without having ceased to hold. */
  | {
    readonly kind: "fired";
    readonly level: number;
    readonly atMs: number;
    readonly untilMs: number;
    readonly hasCeased: boolean;
  }
  /** The second look did not agree: it is left alone for a while. */
  | {
    readonly kind: "resting";
    readonly level: number;
    readonly atMs: number;
    readonly untilMs: number;
  };

/** What is known of a condition that holds. */
export interface Held {
  readonly level: number;
  readonly atMs: number;
  readonly sinceMs: number;
  /** So much of the time since then was looked at. */
  readonly heldMs: number;
}

/** Chunks of one session, both ends included. */
export interface ChunkSpan {
  readonly session: string;
  readonly first: number;
  readonly last: number;
}

/** One answer, as it was given. */
export interface EvidentAnswer {
  readonly session: string;
  readonly index: number;
  readonly yes: boolean;
  readonly confidence: number;
}

/** What a firing rests on. */
export interface Evidence {
  /** The newest at last; of very many sessions the oldest are left out. */
  readonly chunks: readonly ChunkSpan[];
  readonly answerCount: number;
  /** Over all of them, how likely the condition's words were true, 0 to 1. */
  readonly meanChance: number;
  /** The newest few. */
  readonly answers: readonly EvidentAnswer[];
}

/** What one of several streams sees that the others may not. */
export interface View {
  readonly session: string;
  /** How likely the condition's words are true there, 0 to 1; more likely than not. */
  readonly chance: number;
  /** So long it speaks for the stream. */
  readonly untilMs: number;
}

/** How one rule stands. */
export interface RuleCourse {
  /** Of the rule that it is the course of: another version begins anew. */
  readonly version: number;
  readonly course: Course;
  /** Null: nothing holds. */
  readonly evidence: Evidence | null;
  /** When it fired in the last 24 hours. */
  readonly firedAtMs: readonly number[];
  /** How often in a row the second look did not agree. */
  readonly misses: number;
  /** Of streams that see what the rule is about. */
  readonly views: readonly View[];
}

/** What was said lately, so that it is not said twice. */
export interface Saying {
  /** SHA-256 of where it went and what it said, without the times in it. */
  readonly hash: string;
  readonly atMs: number;
}

/** How all rules of a wearer stand. */
export interface RuleCoursesRecord extends Stored {
  readonly courses: Readonly<Record<string, RuleCourse>>;
  /** The newest chunk of each session that is in this, so that none counts twice. */
  readonly counted: readonly (readonly [session: string, index: number])[];
  readonly said: readonly Saying[];
}

/** What became of a rule that was due. */
export type RuleEventOutcome =
  /** A second look is being taken. */
  | { readonly kind: "confirming" }
  | {
    readonly kind: "fired";
    /** What the model said at the second look; null: none was wanted. */
    readonly confirmation: string | null;
    readonly messageId: string;
    readonly text: string;
  }
  /** The second look did not agree. */
  | { readonly kind: "not_confirmed"; readonly confirmation: string }
  /** No second look could be taken. */
  | { readonly kind: "not_asked"; readonly reason: string }
  /** It was true, and nothing was sent all the same. */
  | {
    readonly kind: "held_back";
    readonly confirmation: string | null;
    readonly reason: string;
  };

/** One time that a rule was due. */
export interface RuleEventFacts {
  readonly ruleId: string;
  readonly ruleVersion: number;
  /** When its condition had held for long enough. */
  readonly dueMs: number;
  readonly sinceMs: number;
  readonly heldMs: number;
  /** The chunk with which it was due. */
  readonly session: string;
  readonly index: number;
  readonly evidence: Evidence;
  readonly outcome: RuleEventOutcome;
}

/** One such event, as stored. */
export type RuleEventRecord = RuleEventFacts & Stored;

/** When a wearer does not want to be disturbed. */
export interface QuietHours {
  /** `HH:MM`, local time. */
  readonly from: string;
  readonly to: string;
  readonly zone: string;
}

/** How a wearer wants to be spoken to. */
export interface Manners {
  /** Null: at any time. */
  readonly quietHours: QuietHours | null;
  /** Messages of all rules in any 24 hours. */
  readonly maxPerDay: number;
}

/** The manners, as stored: for good. */
export type MannersRecord = Manners & Stored;

/** Holds a {@link RuleCoursesRecord}. */
export function ruleCoursesKey(wearer: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "rule_courses"];
}

/** Holds a {@link RuleEventRecord}. */
export function ruleEventKey(
  wearer: string,
  { ruleId, dueMs, session, index }: Pick<
    RuleEventFacts,
    "ruleId" | "dueMs" | "session" | "index"
  >,
): Deno.KvKey {
  return [...ruleEventPrefix(wearer, ruleId), dueMs, session, index];
}

/** All events of a rule, in the order in which they were due. */
export function ruleEventPrefix(wearer: string, ruleId: string): Deno.KvKey {
  return [...ruleEventsPrefix(wearer), ruleId];
}

/** All events of all rules of a wearer. */
export function ruleEventsPrefix(wearer: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "rule_event"];
}

/** Holds a {@link MannersRecord}. */
export function mannersKey(wearer: string): Deno.KvKey {
  return [...wearerPrefix(wearer), "manners"];
}
