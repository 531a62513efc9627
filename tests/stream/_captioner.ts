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
  VisionInferenceClient,
  VisionInferenceSession,
} from "../../inference/client.ts";
import { InferenceSlots } from "../../inference/slots.ts";
import { Captioner, type CaptionerStart, type DispatchedChunk } from "../../stream/captioner.ts";
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
    close: () => void closed++,
  };
  const canAnswer = (outcome: AnswerOutcome) => {
    session.answer = (frames, question, context) => {
      questions.push({ frames, question, context });
      return Promise.resolve(outcome);
    };
  };
  const client: VisionInferenceClient = {
    openSession: () => new Promise((resolve) => opens.push(resolve)),
    prepare: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const open = () => opens.shift()!({ kind: "opened", session });
  const fail = (reason: string) => opens.shift()!({ kind: "unavailable", reason });
  return { client, asked, questions, opens, open, fail, canAnswer, closed: () => closed };
}

/** A description. */
export function caption(text: string): InferOutcome {
  return {
    kind: "captioned",
    caption: text,
    latencyMs: 1,
    chunkStartS: 0,
    chunkEndS: 1,
    tokensGenerated: 1,
    model: null,
  };
}

/** The model cannot be reached. */
export const down = (reason: string): InferOutcome => ({
  kind: "failed",
  scope: "service",
  reason,
});

interface StartOptions {
  readonly start?: Partial<CaptionerStart>;
  readonly givenUp?: "told" | "forgotten";
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
    givenUp: options.givenUp ?? "told",
  }, {
    dispatched(chunk, outcome) {
      dispatched.push(chunk);
      outcome.then((outcome) => inferred.push(outcome ? textOf(outcome) : "forgotten"));
    },
    tell: (outcome) => void told.push(textOf(outcome)),
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
  return { clock, model, told, inferred, dispatched, backlog, captioner, offer, watch };
}
