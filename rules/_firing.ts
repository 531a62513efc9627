/**
 * What happens as a rule fires: whether it may, what it says, and how it stands then. No I/O.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Course, Held, Manners, RuleCourse, RuleEventFacts } from "../kv/firing_keys.ts";
import type { Rule } from "../kv/rule_keys.ts";
import type { Courses } from "../kv/rule_courses.ts";
import type { NewMessage } from "../messaging/outbox.ts";
import { whenFired } from "./_course.ts";
import { gistOf, wordingOf } from "./_wording.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Two rules that say the same within this time say it once. */
const FOLD_MS = 60_000;
/** Rules that can be enabled at once: each says one thing. */
const MAX_SAID = 20;
/** News of yesterday are none. Quiet hours may be shorter than that. */
const GOOD_FOR_MS = 12 * 60 * 60 * 1000;

/** A rule that is due, and true as far as anybody knows. */
export interface Occasion {
  readonly wearer: string;
  readonly rule: Rule;
  readonly standing: RuleCourse & { readonly course: DueCourse };
  /** The caption of the chunk with which it is due, if that is known. */
  readonly caption: string | null;
  /** What the second look said; null: none was wanted. */
  readonly confirmation: string | null;
}

/** A course whose rule is due, or was and is being looked at again. */
export type DueCourse = Extract<Course, { kind: "due" | "confirming" }>;

/** What becomes of it. */
export interface Firing {
  readonly courses: Courses;
  /** What is sent; null: nothing is, for this reason. */
  readonly message: NewMessage | null;
  readonly reason: string | null;
}

/** Whether the rule is due, or was and is not over. */
export function isDue(standing: RuleCourse): standing is Occasion["standing"] {
  return standing.course.kind === "due" || standing.course.kind === "confirming";
}

/** Fires the rule, unless manners forbid: then it counts as having fired, and nothing is sent. */
export function fire(before: Courses, occasion: Occasion, manners: Manners): Firing {
  const { rule, standing } = occasion;
  const { course } = standing;
  const sinceMs = course.dueMs - DAY_MS;
  const isRecent = (ms: number) => ms > sinceMs;
  const hash = sha256Of(gistOf(rule));
  const said = before.said.filter(({ atMs }) => atMs > course.dueMs - FOLD_MS);
  const reason = reasonAgainst(before, occasion, manners, isRecent) ??
    (said.some((saying) => saying.hash === hash)
      ? "the same was said less than a minute ago"
      : null);
  const next: RuleCourse = {
    version: rule.version,
    course: whenFired(course, rule, course.dueMs),
    evidence: null,
    firedAtMs: [...standing.firedAtMs.filter(isRecent), ...reason === null ? [course.dueMs] : []],
    misses: 0,
    views: standing.views,
  };
  const courses: Courses = {
    ...before,
    courses: { ...before.courses, [rule.id]: next },
    said: (reason === null ? [...said, { hash, atMs: course.dueMs }] : said).slice(-MAX_SAID),
  };
  return { courses, reason, message: reason === null ? messageOf(occasion, manners, hash) : null };
}

/** What is known of the time that the rule was due, for its event. */
export function factsOf(
  rule: Rule,
  standing: Occasion["standing"],
): Omit<RuleEventFacts, "outcome"> {
  const { dueMs, sinceMs, heldMs }: Held & { dueMs: number } = standing.course;
  const evidence = standing.evidence!;
  const { session, index } = evidence.answers.at(-1)!;
  return {
    ruleId: rule.id,
    ruleVersion: rule.version,
    dueMs,
    sinceMs,
    heldMs,
    session,
    index,
    evidence,
  };
}

function reasonAgainst(
  { courses }: Courses,
  { rule, standing }: Occasion,
  { maxPerDay }: Manners,
  isRecent: (ms: number) => boolean,
): string | null {
  if (standing.firedAtMs.filter(isRecent).length >= rule.maxPerDay) {
    return `the rule had fired ${rule.maxPerDay} times in 24 hours already`;
  }
  const all = Object.values(courses).flatMap(({ firedAtMs }) => firedAtMs.filter(isRecent));
  return all.length >= maxPerDay ? `there were ${maxPerDay} messages in 24 hours already` : null;
}

function messageOf(
  { wearer, rule, standing, caption, confirmation }: Occasion,
  { quietHours }: Manners,
  hash: string,
): NewMessage {
  const { dueMs, sinceMs, heldMs } = standing.course;
  const { session, index } = standing.evidence!.answers.at(-1)!;
  const zone = rule.activeHours?.zone ?? quietHours?.zone ?? null;
  const seen = confirmation || caption;
  return {
    wearer,
    channel: rule.then.channel,
    to: rule.then.to,
    text: wordingOf(rule, { atMs: dueMs, sinceMs, heldMs, seen, zone }),
    cause: { kind: "rule", id: `${rule.id}.${rule.version}` },
    atMs: dueMs,
    name: `rule ${rule.id} at chunk ${index} of ${session}`,
    goodForMs: GOOD_FOR_MS,
    foldKey: hash,
  };
}

function sha256Of(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
