/**
 * Answers questions about what a wearer has seen, from the segments of the timeline: the model says
 * what they tell, and which of them say so.
 *
 * @module
 */
import { type Clock, DeadlineError, withDeadline } from "../../clock.ts";
import type {
  GenerateOutcome,
  ModelIdentity,
  VisionInferenceClient,
} from "../../inference/client.ts";
import { askModel, unlessAborted } from "../../inference/one_call.ts";
import type { InferenceSlots } from "../../inference/slots.ts";
import type { Budgets } from "../../kv/budgets.ts";
import type { SegmentRecord } from "../../kv/timeline_keys.ts";
import type { Logger } from "../../log.ts";
import { materialFor, type MaterialSources, type Question } from "./_material.ts";
import { citedIn, type Notes, notesOn, type Said } from "./_notes.ts";

/** KV that is locked for good may never answer. */
const KV_TIMEOUT_MS = 10_000;
/** So long may a model take, from opening it to its last word. */
const MODEL_TIMEOUT_MS = 45_000;

/** A question, and who is to be asked. */
export interface AskRequest extends Question {
  /** Whose local time things are told in; null: UTC. */
  readonly zone: string | null;
  /** Null: nobody's, or none is needed. */
  readonly identity: ModelIdentity | null;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** What became of a question. */
export type AskOutcome =
  /** `citations`: the segments that the answer rests on, as the model says; perhaps none. */
  | {
    readonly kind: "answered";
    readonly answer: string;
    readonly citations: readonly SegmentRecord[];
  }
  /** The model says that the segments do not tell. */
  | { readonly kind: "unknown"; readonly answer: string }
  /** There is no model, or it did not answer: why, fit to be told. */
  | { readonly kind: "unanswered"; readonly reason: string };

/** What became of a question, and the segments that there were to answer it from, oldest first. */
export interface AskReply {
  readonly outcome: AskOutcome;
  readonly segments: readonly SegmentRecord[];
}

/** What questions are answered with. */
export interface AskingOptions extends MaterialSources {
  readonly clock: Clock;
  readonly inference: VisionInferenceClient;
  /** Those of the process: questions and chunks take turns. */
  readonly slots: InferenceSlots;
  readonly budgets: Pick<Budgets, "account">;
  readonly log: Logger;
}

/** Rejects with KV's own error, and with the signal's reason once that aborts. */
export type Ask = (request: AskRequest) => Promise<AskReply>;

/** Opens it; it holds nothing of its own. */
export function createAsking(options: AskingOptions): Ask {
  return async (request) => {
    const { clock } = options;
    const material = await withDeadline(clock, KV_TIMEOUT_MS, request.signal, (within) => {
      return unlessAborted(within, materialFor(options, request));
    });
    const moment = { nowMs: clock.epochMs(), zone: request.zone };
    const notes = notesOn(request.question, material, moment);
    return { outcome: await outcomeOf(options, request, notes), segments: notes.segments };
  };
}

async function outcomeOf(
  options: AskingOptions,
  request: AskRequest,
  notes: Notes,
): Promise<AskOutcome> {
  if (notes.segments.length === 0) {
    return { kind: "unanswered", reason: "Nothing was seen in that time that could tell" };
  }
  const said = await saidWithinTime(options, request, notes);
  if (said.kind === "failed") {
    // Not why: a reason may quote what the model said.
    options.log.info("ask.unanswered", { scope: said.scope });
    return { kind: "unanswered", reason: said.reason };
  }
  const { known, answer } = said.value;
  if (!known) return { kind: "unknown", answer };
  return { kind: "answered", answer, citations: citedIn(notes, said.value) };
}

async function saidWithinTime(
  options: AskingOptions,
  { wearer, identity, signal }: AskRequest,
  { request }: Notes,
): Promise<GenerateOutcome<Said>> {
  const account = options.budgets.account(wearer);
  try {
    return await withDeadline(options.clock, MODEL_TIMEOUT_MS, signal, (within) => {
      return askModel({ ...options, account }, identity, request, within);
    });
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw error;
    const reason = `The model did not answer within ${error.timeoutMs / 1000} s`;
    return { kind: "failed", scope: "service", reason };
  }
}
