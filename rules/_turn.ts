/**
 * One chunk's answers, held against all rules that they are for. No I/O.
 *
 * @module
 */
import type { Course, RuleCourse, View } from "../kv/firing_keys.ts";
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

/** What a stream sees speaks for it for so many more chunks as long as this one, or for so long. */
const VIEW_CHUNKS = 3;
const MIN_VIEW_MS = 1_000;
const MAX_VIEWS = 4;

const NEW: Omit<RuleCourse, "version"> = {
  course: IDLE,
  evidence: null,
  firedAtMs: [],
  misses: 0,
  views: [],
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
    const isAsBefore = isSame(standing.course, stepped.course) &&
      stepped.views === standing.views;
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
  const ownChance = chanceIn(answer);
  const { chance, views } = seenByAny(standing.views, chunk, ownChance);
  const course = stepped(standing.course, rule, { startMs, endMs, chance, ownChance, isActive });
  const next = { ...standing, course, views };
  switch (course.kind) {
    case "rising":
    case "holding":
    case "due": {
      // What another stream sees, this one is no evidence of.
      if (standing.course.kind === "due" || chance >= 0.5 && ownChance < 0.5) return next;
      const goesOn = "sinceMs" in standing.course && standing.course.sinceMs === course.sinceMs;
      const said = { session, index, yes, confidence };
      return { ...next, evidence: evidenceWith(goesOn ? standing.evidence : null, said) };
    }
    case "confirming":
      return next;
    case "idle": {
      // It has ceased: whoever did not agree before may have been right then.
      const misses = course.level === 0 ? 0 : standing.misses;
      return { ...next, evidence: null, misses };
    }
    case "fired":
    case "resting":
      return { ...next, evidence: null };
  }
}

/**
 * Of several streams at once each sees its own: what one of them sees is seen. A stream's view counts
 * for as long as its next chunk may take to come; a single stream's is its own and nobody else's.
 */
function seenByAny(
  before: readonly View[],
  { session, startMs, endMs }: AnsweredChunk,
  chance: number,
): { readonly chance: number; readonly views: readonly View[] } {
  const others = before.filter((view) => view.session !== session && view.untilMs > endMs);
  const lengthMs = endMs - startMs;
  const own = before.find((view) => view.session === session);
  const highest = Math.max(chance, ...others.map((view) => view.chance));
  if (chance < 0.5) {
    const isSame = !own && others.length === before.length;
    return { chance: highest, views: isSame ? before : others };
  }
  // Told anew only when it is about to be over, so that what goes on is not written each time.
  if (own && own.untilMs > endMs + lengthMs && others.length === before.length - 1) {
    return { chance: highest, views: before };
  }
  const untilMs = endMs + Math.max(MIN_VIEW_MS, VIEW_CHUNKS * lengthMs);
  const views = [...others, { session, chance, untilMs }].slice(-MAX_VIEWS);
  return { chance: highest, views };
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
