/**
 * Holds what is seen against a wearer's rules, in the commit that writes the chunk: how the rules
 * stand, what became of those that were due, and the messages of those that fire are in the books
 * with the chunk that they follow from, or not at all.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { Counters } from "../counters.ts";
import type { RuleCourse, RuleEventOutcome } from "../kv/firing_keys.ts";
import type { ChunkFacts, SessionFacts } from "../kv/keys.ts";
import type { MannersBook } from "../kv/manners.ts";
import type { Courses, RuleCourses } from "../kv/rule_courses.ts";
import type { Rule } from "../kv/rule_keys.ts";
import type { Alongside } from "../kv/session_writer.ts";
import { type Logger, reasonOf } from "../log.ts";
import type { Outbox } from "../messaging/outbox.ts";
import { OFF_LEVEL, whenPutOff } from "./_course.ts";
import { factsOf, fire, isDue, type Occasion } from "./_firing.ts";
import { lookQuestionOf, opinionIn, type SecondLook, type SecondOpinion } from "./_second_look.ts";
import { type AnsweredChunk, isCounted, type RuleAnswer, standingOf, turned } from "./_turn.ts";
import { questionIdOf } from "./question.ts";

export type { LookAnswer, SecondLook } from "./_second_look.ts";

/** So often a second look is tried before it is given up. */
export const MAX_ATTEMPTS = 3;
/** What could not be asked is asked again after this time, with the next chunk. */
const AGAIN_MS = 5_000;
/** Whoever was not confirmed is left alone: longer each time, until it has ceased. */
const FIRST_REST_MS = 60_000;
const MAX_REST_MS = 60 * 60 * 1000;

/** What a {@link RuleEvaluator} is made of. */
export interface EvaluatorOptions {
  readonly clock: Clock;
  readonly courses: RuleCourses;
  readonly manners: Pick<MannersBook, "get">;
  readonly outbox: Pick<Outbox, "enqueue" | "wake">;
  /** The wearer's enabled rules, from memory: all, or none while nobody knows. */
  readonly rulesOf: (wearer: string) => readonly Rule[];
  readonly look: SecondLook;
  /** By then whoever takes a second look has an answer, or is dead. */
  readonly leaseMs: number;
  /** Work that must be over before the process ends; it never rejects. */
  readonly goesOn: (work: Promise<void>) => void;
  readonly counters: Counters;
  readonly log: Logger;
}

/** A second look to be taken. */
interface Doubt {
  readonly wearer: string;
  readonly rule: Rule;
  readonly session: string;
  readonly dueMs: number;
  readonly attempt: number;
  readonly caption: string | null;
}

/** A commit that is being put together, and how long stays what it writes. */
interface Writing {
  readonly commit: Deno.AtomicOperation;
  readonly wearer: string;
  readonly keptForMs: number;
}

/** What became of a rule in a commit, and what follows when that has gone through. */
interface Step {
  readonly rule: Rule;
  readonly became: RuleEventOutcome["kind"];
  readonly courses: Courses;
  readonly doubt: Doubt | null;
}

/** The evaluator of this process; it holds nothing of its own. */
export class RuleEvaluator {
  readonly #options: EvaluatorOptions;

  constructor(options: EvaluatorOptions) {
    this.#options = options;
  }

  /** A chunk without answers costs nothing, one that changes nothing a read. */
  readonly alongside: Alongside = async (commit, session, chunk, keptForMs) => {
    const { wearer } = session;
    const { courses, rulesOf } = this.#options;
    const known = rulesOf(wearer);
    const answers = answersTo(known, chunk);
    if (answers.length === 0) return;
    const entry = await courses.read(wearer);
    const answered = answeredChunk(session, chunk);
    if (isCounted(entry.courses, answered)) return;
    let next = turned(entry.courses, answered, answers, known);
    if (!next) return;
    const steps: Step[] = [];
    for (const answer of answers) {
      const step = await this.#decide({ commit, wearer, keptForMs }, next, answer, chunk);
      if (!step) continue;
      next = step.courses;
      steps.push(step);
    }
    courses.put(commit, entry, next, keptForMs);
    return () => this.#written(wearer, steps);
  };

  /** The commit has gone through: what follows is done, and said. */
  #written(wearer: string, steps: readonly Step[]): void {
    const { outbox, goesOn, log } = this.#options;
    for (const { rule, became, doubt } of steps) {
      log.info(`rule.${became}`, { rule_id: rule.id });
      if (doubt) goesOn(this.#lookAgain(doubt));
    }
    if (steps.some(({ became }) => became === "fired")) outbox.wake(wearer);
  }

  /** What follows for one rule that was answered for; null: nothing. */
  async #decide(
    writing: Writing,
    courses: Courses,
    { rule, answer }: RuleAnswer,
    chunk: ChunkFacts,
  ): Promise<Step | null> {
    const standing = standingOf(courses, rule);
    if (!isDue(standing)) return null;
    const { course } = standing;
    const caption = captionOf(chunk);
    if (course.kind === "due") {
      if (rule.confirm) return this.#doubt(writing, courses, { rule, standing, chunk }, 1);
      const occasion = { wearer: writing.wearer, rule, standing, caption, confirmation: null };
      return await this.#fire(writing, courses, occasion);
    }
    if (course.untilMs > this.#options.clock.epochMs()) return null;
    const notAsked = (reason: string) =>
      this.#putOff(writing, courses, rule, { kind: "not_asked", reason });
    if (course.level <= OFF_LEVEL) {
      return notAsked("it was over before a second look could be taken");
    }
    if (course.attempt >= MAX_ATTEMPTS) {
      return notAsked("whoever asked for a second look did not come back with an answer");
    }
    // A stream that does not see it is not looked at again.
    if (answer.yes !== (rule.kind === "seen")) return null;
    return this.#doubt(writing, courses, { rule, standing, chunk }, course.attempt + 1);
  }

  /** A second look is promised: whoever finds the promise when its lease is over takes it up. */
  #doubt(
    writing: Writing,
    courses: Courses,
    { rule, standing, chunk }: {
      readonly rule: Rule;
      readonly standing: Occasion["standing"];
      readonly chunk: ChunkFacts;
    },
    attempt: number,
  ): Step {
    const { wearer } = writing;
    const { dueMs } = standing.course;
    const untilMs = this.#options.clock.epochMs() + this.#options.leaseMs;
    const course = { ...standing.course, kind: "confirming", attempt, untilMs } as const;
    const next = { ...standing, course };
    this.#note(writing, rule, next, { kind: "confirming" });
    const session = chunk.sessionId;
    const doubt = { wearer, rule, session, dueMs, attempt, caption: captionOf(chunk) };
    return { rule, became: "confirming", courses: withStanding(courses, rule, next), doubt };
  }

  /** Fires it: its event, its message and how it stands then. */
  async #fire(
    writing: Writing,
    courses: Courses,
    occasion: Occasion,
  ): Promise<Step> {
    const { wearer, rule, standing, confirmation } = occasion;
    const { manners, outbox } = this.#options;
    const firing = fire(courses, occasion, await manners.get(wearer));
    const { message } = firing;
    if (message) {
      const messageId = await outbox.enqueue(writing.commit, message);
      const outcome = { kind: "fired", confirmation, messageId, text: message.text } as const;
      this.#note(writing, rule, standing, outcome);
    } else {
      const reason = firing.reason ?? "";
      this.#note(writing, rule, standing, { kind: "held_back", confirmation, reason });
    }
    const became = message ? "fired" : "held_back";
    return { rule, became, courses: firing.courses, doubt: null };
  }

  /** Nothing is sent: it is left alone for a while, and holds anew then. */
  #putOff(writing: Writing, courses: Courses, rule: Rule, outcome: RuleEventOutcome): Step | null {
    const standing = standingOf(courses, rule);
    if (!isDue(standing)) return null;
    this.#note(writing, rule, standing, outcome);
    const { course, misses } = standing;
    const restMs = Math.min(MAX_REST_MS, FIRST_REST_MS * 2 ** misses);
    const next: RuleCourse = {
      ...standing,
      course: whenPutOff(course, course.atMs + restMs),
      evidence: null,
      misses: misses + 1,
    };
    const became = outcome.kind;
    return { rule, became, courses: withStanding(courses, rule, next), doubt: null };
  }

  #note(
    { commit, wearer, keptForMs }: Writing,
    rule: Rule,
    standing: Occasion["standing"],
    outcome: RuleEventOutcome,
  ): void {
    const event = { ...factsOf(rule, standing), outcome };
    this.#options.courses.addEvent(commit, wearer, event, keptForMs);
  }

  /** Never rejects: what goes wrong here is taken up again when the lease is over. */
  async #lookAgain(doubt: Doubt): Promise<void> {
    const { look, courses, counters, log } = this.#options;
    const { wearer, rule, session } = doubt;
    try {
      const opinion = opinionIn(rule.kind, await look(session, lookQuestionOf(rule)));
      const step = await courses.change<Step>(wearer, async (before, commit, keptForMs) => {
        const writing = { commit, wearer, keptForMs };
        const value = await this.#concluded(writing, before, doubt, opinion);
        return value && { courses: value.courses, value };
      });
      if (step) this.#written(wearer, [step]);
    } catch (error) {
      counters.kvFailures++;
      log.error("kv.rule_failed", { rule_id: rule.id, reason: reasonOf(error) });
    }
  }

  /** Null: somebody else has concluded it, or taken it up. */
  async #concluded(
    writing: Writing,
    courses: Courses,
    { wearer, rule, dueMs, attempt, caption }: Doubt,
    opinion: SecondOpinion,
  ): Promise<Step | null> {
    const standing = standingOf(courses, rule);
    if (!isDue(standing) || standing.course.kind !== "confirming") return null;
    const { course } = standing;
    if (course.dueMs !== dueMs || course.attempt !== attempt) return null;
    switch (opinion.kind) {
      case "agrees": {
        const occasion = { wearer, rule, standing, caption, confirmation: opinion.words };
        return await this.#fire(writing, courses, occasion);
      }
      case "disagrees": {
        const outcome = { kind: "not_confirmed", confirmation: opinion.words } as const;
        return this.#putOff(writing, courses, rule, outcome);
      }
      case "none": {
        if (attempt === MAX_ATTEMPTS) {
          const outcome = { kind: "not_asked", reason: opinion.reason } as const;
          return this.#putOff(writing, courses, rule, outcome);
        }
        const untilMs = this.#options.clock.epochMs() + AGAIN_MS;
        const next = { ...standing, course: { ...course, untilMs } };
        const became = "confirming";
        return { rule, became, courses: withStanding(courses, rule, next), doubt: null };
      }
    }
  }
}

function withStanding(courses: Courses, { id }: Rule, standing: RuleCourse): Courses {
  return { ...courses, courses: { ...courses.courses, [id]: standing } };
}

/** What was answered of the rules as they are now; answers to other words are none. */
function answersTo(rules: readonly Rule[], { outcome }: ChunkFacts): RuleAnswer[] {
  if (outcome.status !== "captioned" || !outcome.answers) return [];
  const byQuestion = new Map(outcome.answers.map((answer) => [answer.id, answer]));
  return rules.flatMap((rule) => {
    const answer = byQuestion.get(questionIdOf(rule));
    return answer ? [{ rule, answer }] : [];
  });
}

function answeredChunk(session: SessionFacts, chunk: ChunkFacts): AnsweredChunk {
  return {
    session: session.id,
    index: chunk.index,
    startMs: session.startedAtMs + chunk.startS * 1000,
    endMs: session.startedAtMs + chunk.endS * 1000,
  };
}

function captionOf({ outcome }: ChunkFacts): string | null {
  return outcome.status === "captioned" ? outcome.caption : null;
}
