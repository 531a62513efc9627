/**
 * A captioner whose model's answers the test gives, one by one.
 *
 * @module
 */
import type {
  AnswerOutcome,
  AskContext,
  Chunk,
  InferContext,
  InferOutcome,
  OpenOutcome,
  Question,
  QuestionAnswer,
  VisionInferenceClient,
  VisionInferenceSession,
} from "../../inference/client.ts";
import { InferenceSlots } from "../../inference/slots.ts";
import { type BudgetAccount, type CallOutcome, UNLIMITED } from "../../kv/budgets.ts";
import { Captioner } from "../../stream/captioner.ts";
import type { CaptionerStart, DispatchedChunk } from "../../stream/captioning.ts";
import type { FrameGovernor } from "../../stream/governor/governor.ts";
import { createFakeClock } from "../_fake_clock.ts";

const LIMITS = {
  chunkMs: 1000,
  maxBufferFrames: 120,
  maxFramesPerChunk: 6,
  maxInflight: 1,
  drainMs: 10_000,
};

interface Asked {
  readonly chunk: Chunk;
  readonly context: InferContext;
  answer(outcome: InferOutcome): void;
}

/** A model whose answers the test gives, one by one. */
function createScriptedModel() {
  const asked: Asked[] = [];
  const questions: { frames: readonly Uint8Array[]; question: string; context: AskContext }[] = [];
  const opens: ((outcome: OpenOutcome) => void)[] = [];
  let closed = 0;
  const session: VisionInferenceSession = {
    inferChunk(chunk: Chunk, context: InferContext): Promise<InferOutcome> {
      const { promise, resolve } = Promise.withResolvers<InferOutcome>();
      asked.push({ chunk, context, answer: resolve });
      context.signal.addEventListener(
        "abort",
        () => resolve({ kind: "failed", scope: "service", reason: context.signal.reason.message }),
      );
      return promise;
    },
    answer(frames, question, context) {
      questions.push({ frames, question, context });
      return Promise.resolve(answers);
    },
    generate: () => Promise.reject(new Error("a stream has nothing written")),
    close: () => void closed++,
  };
  let answers: AnswerOutcome = { kind: "answered", text: "A ball.", latencyMs: 7 };
  const willAnswer = (outcome: AnswerOutcome) => answers = outcome;
  const client: VisionInferenceClient = {
    serves: () => true,
    openSession: () => new Promise((resolve) => opens.push(resolve)),
    prepare: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const open = () => opens.shift()!({ kind: "opened", session });
  const fail = (reason: string) => opens.shift()!({ kind: "unavailable", reason });
  return { client, asked, questions, opens, open, fail, willAnswer, closed: () => closed };
}

/** A description. */
export function caption(
  text: string,
  answers: readonly QuestionAnswer[] = [],
): InferOutcome {
  return {
    kind: "captioned",
    caption: text,
    latencyMs: 1,
    chunkStartS: 0,
    chunkEndS: 1,
    tokensGenerated: 1,
    model: null,
    answers,
  };
}

/** The model cannot be reached. */
export const down = (reason: string): InferOutcome => ({
  kind: "failed",
  scope: "service",
  reason,
});

/** A budget whose answers the test gives. */
export function createScriptedBudget() {
  const waiting = new Set<() => void>();
  const spent: number[] = [];
  let answer: CallOutcome = { kind: "granted" };
  const account: BudgetAccount = {
    takeCall: () => answer,
    whenReady(ready) {
      waiting.add(ready);
      return () => void waiting.delete(ready);
    },
    spent: (gpuSeconds) => void spent.push(gpuSeconds),
  };
  /** Answers so from now on, and wakes who waits. */
  const answers = (outcome: CallOutcome) => {
    answer = outcome;
    const turns = [...waiting];
    waiting.clear();
    for (const turn of turns) turn();
  };
  return { account, answers, spent, waiting };
}

interface StartOptions {
  readonly start?: Partial<CaptionerStart>;
  readonly givenUp?: "told" | "forgotten";
  readonly budget?: BudgetAccount;
  readonly governor?: FrameGovernor;
  readonly questions?: () => readonly Question[];
}

/** A captioner, its model and all that it says. */
export function start(
  limits: Partial<typeof LIMITS> = {},
  slots = new InferenceSlots(64),
  options: StartOptions = {},
) {
  const clock = createFakeClock();
  const model = createScriptedModel();
  const told: string[] = [];
  const inferred: string[] = [];
  const dispatched: DispatchedChunk[] = [];
  const usedUp: [reason: string, retryAfterMs: number][] = [];
  const backlog = { isBehind: false };
  const textOf = (outcome: InferOutcome) =>
    outcome.kind === "captioned" ? outcome.caption : `! ${outcome.reason}`;
  const captioner = new Captioner({
    inference: model.client,
    slots,
    clock,
    limits: { ...LIMITS, ...limits },
    identity: null,
    sessionId: "s",
    start: { nowS: 0, describedS: 0, history: [], prompt: "look", ...options.start },
    budget: options.budget ?? UNLIMITED,
    questions: options.questions ?? (() => []),
    governor: options.governor ?? null,
    givenUp: options.givenUp ?? "told",
  }, {
    dispatched(chunk, outcome) {
      dispatched.push(chunk);
      outcome.then((outcome) => inferred.push(outcome ? textOf(outcome) : "forgotten"));
    },
    tell: (outcome) => void told.push(textOf(outcome)),
    usedUp: (reason, retryAfterMs) => void usedUp.push([reason, retryAfterMs]),
    isBehind: () => backlog.isBehind,
  });
  let number = 0;
  const offer = (capturedAtMs: number | null = null) => {
    const bytes = new Uint8Array(10);
    const fate = captioner.admit({ bytes, number: ++number, capturedAtMs });
    captioner.proceed();
    return fate;
  };
  /** A frame every half second, until `seconds` have passed. */
  const watch = async (seconds: number) => {
    for (let at = 0; at < 2 * seconds; at++) {
      await clock.tickAsync(500);
      offer();
    }
  };
  return { clock, model, told, inferred, usedUp, dispatched, backlog, captioner, offer, watch };
}
