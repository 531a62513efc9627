/**
 * The course of one rule: what its state becomes with each look. Plain functions, no I/O.
 *
 * ```
 *           likely           convincing           long enough
 *  idle ─────────────▶ rising ─────────▶ holding ─────────────▶ due ──▶ confirming
 *    ▲ ◀──unlikely──────┘                   │                    │         │
 *    ├◀──────── convincingly no ────────────┘                    └───┬─────┤ agrees
 *    │                                                               ▼     │
 *    ├◀─── has ceased to hold, and the cooldown is over ──────────  fired  │
 *    └◀─── a pause is over ────────────────────────────────────── resting ◀┘ does not
 * ```
 *
 * Each answer moves the level half of the way to itself. So from nothing it takes two certain answers
 * to convince, and from certainty two to take that back: one odd chunk neither starts nor stops a
 * rule. What was not looked at neither counts nor undoes anything, for a while.
 *
 * @module
 */
import type { Course, Held } from "../kv/firing_keys.ts";
import type { Rule } from "../kv/rule_keys.ts";

/** From this level on a condition holds convincingly. */
export const ON_LEVEL = 0.7;
/** At this level and below it convincingly does not. */
export const OFF_LEVEL = 0.3;
/** Who has not seen for so long knows nothing any more, unless the hold is so long that a tenth is more. */
const MAX_GAP_MS = 2 * 60 * 1000;
const MAX_GAP_SHARE = 0.1;
/** What is nearly certain counts as certain, so that a rule that rests need not be written. */
const NEARLY = 0.1;

/** What counts of a rule. */
export type Terms = Pick<Rule, "kind" | "holdS" | "cooldownS">;

/** What one chunk says of a rule's words. */
export interface Look {
  readonly startMs: number;
  readonly endMs: number;
  /** How likely the words are true, 0 to 1. */
  readonly chance: number;
  /** The same of this stream alone, where others are there that see more; else as `chance`. */
  readonly ownChance?: number;
  /** Whether the rule is to be looked at now. */
  readonly isActive: boolean;
}

/** A rule that nothing was seen of. */
export const IDLE = { kind: "idle", level: 0, atMs: 0 } as const satisfies Course;

/** For so long a rule's time goes on though nobody looks, in milliseconds. */
export function maxGapMs({ holdS }: Pick<Terms, "holdS">): number {
  return Math.max(MAX_GAP_MS, holdS * 1000 * MAX_GAP_SHARE);
}

/** What a course becomes with one more look. */
export function stepped(course: Course, terms: Terms, look: Look): Course {
  const begun = isForgotten(course, terms, look) ? afterGap(course) : course;
  const likely = likelyOf(terms, look.chance);
  const level = settled((begun.level + likely) / 2);
  // Of two streams at once the one that lags behind adds no time.
  const atMs = Math.max(begun.atMs, look.endMs);
  switch (begun.kind) {
    case "idle":
    case "rising":
    case "holding":
      return watched(begun, terms, look, { level, atMs, likely });
    case "due":
    case "confirming":
      return { ...begun, level, atMs };
    case "resting":
      if (look.endMs < begun.untilMs) return { ...begun, level, atMs };
      return watched({ ...IDLE, level: begun.level }, terms, look, { level, atMs, likely });
    case "fired": {
      const hasCeased = begun.hasCeased || level <= OFF_LEVEL;
      if (!hasCeased || look.endMs < begun.untilMs) {
        return { ...begun, hasCeased, level, atMs: isAtRest(level, hasCeased) ? 0 : atMs };
      }
      return watched({ ...IDLE, level: begun.level }, terms, look, { level, atMs, likely });
    }
  }
}

/** The rule has fired. */
export function whenFired(course: Course, { cooldownS }: Pick<Terms, "cooldownS">, nowMs: number) {
  const { level, atMs } = course;
  const untilMs = nowMs + cooldownS * 1000;
  return { kind: "fired", level, atMs, untilMs, hasCeased: false } as const satisfies Course;
}

/** The rule is left alone until then. */
export function whenPutOff({ level, atMs }: Course, untilMs: number) {
  return { kind: "resting", level, atMs, untilMs } as const satisfies Course;
}

interface Now {
  readonly level: number;
  readonly atMs: number;
  readonly likely: number;
}

/** Nothing is due: does it hold? */
function watched(
  before: Extract<Course, { kind: "idle" | "rising" | "holding" }>,
  terms: Terms,
  look: Look,
  { level, atMs, likely }: Now,
): Course {
  const ended: Course = { kind: "idle", level, atMs: level === 0 ? 0 : atMs };
  if (!look.isActive) return ended;
  const holds = before.kind === "holding" ? level > OFF_LEVEL : level >= ON_LEVEL;
  if (!holds && likely < 0.5 || before.kind === "holding" && !holds) return ended;
  const goesOn = before.kind === "holding" || before.kind === "rising" && level > before.level;
  const held = goesOn ? longer(before, look, { level, atMs }) : begunWith(look, { level, atMs });
  if (!holds) return { ...held, kind: "rising" };
  // The odd chunk that says no, or the stream that does not see it, does not stop it, but is not what
  // it fires on: the second look is of that stream.
  const own = likelyOf(terms, look.ownChance ?? look.chance);
  const isLong = held.heldMs >= terms.holdS * 1000 && own >= 0.5;
  if (!isLong) return { ...held, kind: "holding" };
  return { ...held, kind: "due", dueMs: Math.round(atMs) };
}

/** How likely it is that the rule's condition holds. */
function likelyOf({ kind }: Terms, chance: number): number {
  return kind === "seen" ? chance : 1 - chance;
}

function begunWith({ startMs, endMs }: Look, now: Pick<Held, "level" | "atMs">): Held {
  return { ...now, sinceMs: startMs, heldMs: Math.max(0, endMs - startMs) };
}

function longer(before: Held, look: Look, now: Pick<Held, "level" | "atMs">): Held {
  const addedMs = Math.max(0, look.endMs - Math.max(look.startMs, before.atMs));
  return { ...now, sinceMs: before.sinceMs, heldMs: before.heldMs + addedMs };
}

/** Whether it was not looked at for so long that what was known is not any more. */
function isForgotten(course: Course, terms: Terms, { startMs }: Look): boolean {
  return course.atMs > 0 && startMs - course.atMs > maxGapMs(terms);
}

/** What remains: that it fired, or is to be left alone. A second look that was promised is taken. */
function afterGap(course: Course): Course {
  switch (course.kind) {
    case "idle":
    case "rising":
    case "holding":
      return IDLE;
    case "due":
    case "confirming":
      return course;
    case "resting":
      return { ...course, level: 0, atMs: 0 };
    case "fired":
      return { ...course, level: course.hasCeased ? 0 : 1, atMs: 0 };
  }
}

/** Whether a gap would leave it as it is, so that it need not be known when it was looked at. */
function isAtRest(level: number, hasCeased: boolean): boolean {
  return level === (hasCeased ? 0 : 1);
}

function settled(level: number): number {
  if (level < NEARLY) return 0;
  if (level > 1 - NEARLY) return 1;
  return Math.round(level * 100) / 100;
}
