/**
 * When a rule would have fired: its course over what was seen, sending and writing nothing.
 *
 * @module
 */
import { type Clock, DeadlineError, withDeadline } from "../clock.ts";
import type { ModelIdentity, VisionInferenceClient } from "../inference/client.ts";
import { askModel } from "../inference/one_call.ts";
import type { InferenceSlots } from "../inference/slots.ts";
import type { Budgets } from "../kv/budgets.ts";
import type { RuleEventFacts } from "../kv/firing_keys.ts";
import type { StoredAnswer } from "../kv/keys.ts";
import type { Courses } from "../kv/rule_courses.ts";
import type { Rule } from "../kv/rule_keys.ts";
import { type Judge, judgeCaptions, type Judgement } from "./_captions_judged.ts";
import { whenFired } from "./_course.ts";
import { factsOf, isDue } from "./_firing.ts";
import { type PastChunk, pastChunks, type Stretch } from "./_past_chunks.ts";
import { standingOf, turned } from "./_turn.ts";
import { answersRule, questionIdOf } from "./question.ts";

/** From the first call of the model to the last. */
const MODEL_TIMEOUT_MS = 45_000;

/** What is replayed, and who may be asked where no answers are in the books. */
export interface ReplayRequest extends Stretch {
  readonly rule: Rule;
  /** Null: nobody's, or none is needed. */
  readonly identity: ModelIdentity | null;
  /** Aborted when nobody waits for it any more. */
  readonly signal: AbortSignal;
}

/** One time that it would have been due. */
export type WouldFire = Omit<RuleEventFacts, "ruleId" | "ruleVersion" | "outcome">;

/** What would have been. */
export interface Replay {
  /** Before any second look, and without the wearer's manners. */
  readonly wouldFire: readonly WouldFire[];
  /** By the answers that the model gave as it saw them. */
  readonly judgedByAnswer: number;
  /** By what a model made of their captions. */
  readonly judgedByCaption: number;
  readonly notJudged: number;
  /** Why some were not; null: all were. */
  readonly reason: string | null;
}

/** What it is replayed with. */
export interface ReplayOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  readonly inference: VisionInferenceClient;
  readonly slots: InferenceSlots;
  readonly budgets: Pick<Budgets, "account">;
}

/** Rejects with KV's own error, and with the signal's reason once that aborts. */
export type ReplayRule = (request: ReplayRequest) => Promise<Replay>;

/** Opens it; it holds nothing of its own. */
export function createReplay(options: ReplayOptions): ReplayRule {
  return async (request) => {
    const { rule, signal } = request;
    const { chunks, isWhole } = await pastChunks(options.kv, request, options.clock.epochMs());
    signal.throwIfAborted();
    const told = chunks.map((chunk) => ({ chunk, answer: answerIn(chunk, rule) }));
    const open = told.flatMap(({ chunk, answer }) => answer ? [] : captionOf(chunk) ?? []);
    const judged = open.length > 0 ? await judge(options, request, open) : NOTHING_OPEN;
    const all = told.map(({ chunk, answer }) => {
      const judgement = judged.byCaption.get(captionOf(chunk) ?? "") ?? null;
      return { chunk, answer: answer ?? fromJudgement(rule, judgement) };
    });
    const judgedByAnswer = countAnswered(told);
    const judgedCount = countAnswered(all);
    return {
      wouldFire: firingsOf(rule, all),
      judgedByAnswer,
      judgedByCaption: judgedCount - judgedByAnswer,
      notJudged: all.length - judgedCount,
      reason: reasonFor(chunks, isWhole, judged.reason),
    };
  };
}

function countAnswered(all: readonly AnsweredPast[]): number {
  return all.filter(({ answer }) => answer !== null).length;
}

function reasonFor(
  chunks: readonly PastChunk[],
  isWhole: boolean,
  judgeReason: string | null,
): string | null {
  const reasons = [
    ...isWhole ? [] : [`only the first ${chunks.length} chunks were looked at`],
    ...judgeReason === null ? [] : [judgeReason],
    ...chunks.some((chunk) => captionOf(chunk) === null) ? ["some chunks have no caption"] : [],
  ];
  return reasons.length > 0 ? reasons.join("; ") : null;
}

const NOTHING_OPEN = { byCaption: new Map<string, Judgement>(), reason: null };

interface AnsweredPast {
  readonly chunk: PastChunk;
  readonly answer: StoredAnswer | null;
}

/** The course of the rule, which fires whenever it is due. */
function firingsOf(rule: Rule, all: readonly AnsweredPast[]): WouldFire[] {
  let courses: Courses = { courses: {}, counted: [], said: [] };
  const firings: WouldFire[] = [];
  for (const { chunk, answer } of all) {
    if (!answer) continue;
    courses = turned(courses, chunk, [{ rule, answer }], [rule]) ?? courses;
    const standing = standingOf(courses, rule);
    if (!isDue(standing)) continue;
    const { ruleId: _, ruleVersion: __, ...facts } = factsOf(rule, standing);
    firings.push(facts);
    const course = whenFired(standing.course, rule, facts.dueMs);
    const next = { ...standing, course, evidence: null };
    courses = { ...courses, courses: { [rule.id]: next } };
  }
  return firings;
}

/** What was answered to these very words; answers to other words are none. */
function answerIn({ outcome }: PastChunk, rule: Rule): StoredAnswer | null {
  if (outcome.status !== "captioned") return null;
  return outcome.answers?.find(({ id }) => answersRule(id, rule)) ?? null;
}

function captionOf({ outcome }: PastChunk): string | null {
  return outcome.status === "captioned" && outcome.caption.trim() ? outcome.caption : null;
}

function fromJudgement(rule: Rule, judgement: Judgement | null): StoredAnswer | null {
  return judgement && { id: questionIdOf(rule), ...judgement };
}

async function judge(
  options: ReplayOptions,
  { rule, wearer, identity, signal }: ReplayRequest,
  captions: readonly string[],
) {
  const account = options.budgets.account(wearer);
  const endsAtMs = options.clock.monotonicMs() + MODEL_TIMEOUT_MS;
  const once: Judge = async (request) => {
    const leftMs = Math.max(1, endsAtMs - options.clock.monotonicMs());
    try {
      return await withDeadline(options.clock, leftMs, signal, (within) => {
        return askModel({ ...options, account }, identity, request, within);
      });
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
      const reason = `The model did not answer within ${MODEL_TIMEOUT_MS / 1000} s`;
      return { kind: "failed", scope: "service", reason };
    }
  };
  return await judgeCaptions(rule.when, captions, once);
}
