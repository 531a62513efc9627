/**
 * One chunk's answers, held against all rules that they are for. No I/O.
 *
 * @module
 */
import type { Course, RuleCourse } from "../kv/firing_keys.ts";
import type { StoredAnswer } from "../kv/keys.ts";
import type { Rule } from "../kv/rule_keys.ts";
import type { Courses } from "../kv/rule_courses.ts";
import { IDLE, stepped } from "./_course.ts";
import { chanceIn, evidenceWith } from "./_evidence.ts";
import { hoursEndMs } from "./_hours_now.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** A wearer has few streams at once; of older sessions nothing is tried again. */
const MAX_COUNTED = 8;

/** A chunk that was answered of. */
export interface AnsweredChunk {
  readonly session: string;
  readonly index: number;
  /** Wall time. */
  readonly startMs: number;
  readonly endMs: number;
}

/** An answer, and the rule that it is for. */
export interface RuleAnswer {
  readonly rule: Rule;
  readonly answer: StoredAnswer;
}

const NEW: Omit<RuleCourse, "version"> = {
  course: IDLE,
  evidence: null,
  firedAtMs: [],
  misses: 0,
};

/** How the rule stands; one that was changed begins anew, but for how often it fired. */
export function standingOf({ courses }: Courses, { id, version }: Rule): RuleCourse {
  const known = courses[id];
  if (known?.version === version) return known;
  return { ...NEW, version, firedAtMs: known?.firedAtMs ?? [] };
}

/** Whether the chunk is in the courses already: its commit is tried again, and had gone through. */
export function isCounted({ counted }: Courses, { session, index }: AnsweredChunk): boolean {
  return counted.some(([other, newest]) => other === session && newest >= index);
}

/**
 * The courses with the chunk's answers; null: they change nothing.
 *
 * @param known all rules that are looked at: of others only how often they fired is kept
 */
export function turned(
  before: Courses,
  chunk: AnsweredChunk,
  answers: readonly RuleAnswer[],
  known: readonly Rule[],
): Courses | null {
  const next: Record<string, RuleCourse> = kept(before, known, chunk.endMs);
  let isChanged = Object.keys(next).length < Object.keys(before.courses).length;
  for (const { rule, answer } of answers) {
    const standing = standingOf(before, rule);
    const stepped = step(standing, rule, chunk, answer);
    const isNew = before.courses[rule.id]?.version !== rule.version;
    const isAsBefore = isSame(standing.course, stepped.course);
    if (isAsBefore && (!isNew || stepped.course.kind === "idle")) continue;
    next[rule.id] = stepped;
    isChanged = true;
  }
  if (!isChanged) return null;
  const others = before.counted.filter(([session]) => session !== chunk.session);
  const counted = [...others, [chunk.session, chunk.index] as const].slice(-MAX_COUNTED);
  return { ...before, courses: next, counted };
}

function step(
  standing: RuleCourse,
  rule: Rule,
  chunk: AnsweredChunk,
  answer: StoredAnswer,
): RuleCourse {
  const { startMs, endMs, session, index } = chunk;
  const { yes, confidence } = answer;
  const isActive = rule.activeHours === null || hoursEndMs(rule.activeHours, endMs) !== null;
  const look = { startMs, endMs, chance: chanceIn(answer), isActive };
  const course = stepped(standing.course, rule, look);
  const said = { session, index, yes, confidence };
  switch (course.kind) {
    case "rising":
    case "holding":
    case "due": {
      if (standing.course.kind === "due") return { ...standing, course };
      const goesOn = "sinceMs" in standing.course && standing.course.sinceMs === course.sinceMs;
      return {
        ...standing,
        course,
        evidence: evidenceWith(goesOn ? standing.evidence : null, said),
      };
    }
    case "confirming":
      return { ...standing, course };
    case "idle":
      // It has ceased: whoever did not agree before may have been right then.
      return {
        ...standing,
        course,
        evidence: null,
        misses: course.level === 0 ? 0 : standing.misses,
      };
    case "fired":
    case "resting":
      return { ...standing, course, evidence: null };
  }
}

/** Rules that are gone leave nothing but how often they fired: else nobody could count a day. */
function kept(before: Courses, known: readonly Rule[], nowMs: number): Record<string, RuleCourse> {
  const next: Record<string, RuleCourse> = {};
  for (const [id, standing] of Object.entries(before.courses)) {
    if (known.some((rule) => rule.id === id)) next[id] = standing;
    else if (standing.firedAtMs.some((ms) => ms > nowMs - DAY_MS)) {
      const { version, firedAtMs } = standing;
      next[id] = { ...NEW, version, firedAtMs };
    }
  }
  return next;
}

function isSame(one: Course, other: Course): boolean {
  const names = Object.keys(one) as (keyof Course)[];
  return names.length === Object.keys(other).length &&
    names.every((name) => one[name] === other[name]);
}
