/**
 * Questions about what is seen right now (WIRE S6): one at a time for each stream, in turn with
 * everybody's chunks, out of the same budget.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { AskContext, VisionInferenceSession } from "../inference/client.ts";
import type { InferenceSlots, Release } from "../inference/slots.ts";
import type { CallGate } from "./_call_gate.ts";
import type { ArrivedFrame } from "./frame.ts";
import type { Answer } from "./wire.ts";

/** What an asker is made of. */
export interface AskerOptions {
  readonly slots: InferenceSlots;
  readonly gate: CallGate;
  readonly clock: Clock;
  /** How things stand when its turn has come. */
  readonly now: () => {
    readonly session: VisionInferenceSession | null;
    readonly frame: ArrivedFrame | null;
    /** Whether nothing may be looked at, whenever it came. */
    readonly isShut: boolean;
    readonly context: AskContext;
  };
}

/** Asks for one stream. */
export class Asker {
  readonly #options: AskerOptions;
  #isAsking = false;

  constructor(options: AskerOptions) {
    this.#options = options;
  }

  /** Resolves always. */
  async ask(question: string): Promise<Answer> {
    if (this.#isAsking) return refused("another question is being answered");
    this.#isAsking = true;
    const { slots } = this.#options;
    const release = await new Promise<Release>((resolve) => void slots.request(resolve));
    try {
      return await this.#askNow(question);
    } finally {
      release();
      this.#isAsking = false;
    }
  }

  async #askNow(question: string): Promise<Answer> {
    const { gate, clock, now } = this.#options;
    const { session, frame, context, isShut } = now();
    if (isShut) return refused("the camera is paused");
    if (!session) return refused("the model is not there now");
    if (!frame) return refused("no frame has come yet");
    if (gate.pass() !== "granted") return refused("the budget is used up for now");
    const askedAtMs = clock.monotonicMs();
    const answer = await session.answer([frame.bytes], question, context);
    gate.spent((clock.monotonicMs() - askedAtMs) / 1000);
    return answer;
  }
}

function refused(reason: string): Answer {
  return { kind: "failed", reason };
}
