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
import { FreshFrames } from "./_second_look.ts";
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
  readonly #fresh: FreshFrames;
  #isAsking = false;
  /** Second looks wait for each other. */
  #looks: Promise<unknown> = Promise.resolve();

  constructor(options: AskerOptions) {
    this.#options = options;
    this.#fresh = new FreshFrames(options.clock);
  }

  /** A frame has come that may be looked at. On the ack path. */
  offer(frame: ArrivedFrame): void {
    this.#fresh.offer(frame.bytes);
  }

  /** No frame comes any more: whoever waits for one goes on without. */
  close(): void {
    this.#fresh.close();
  }

  /** Asks about frames that are still to come. Resolves always. */
  look(question: string): Promise<Answer> {
    const looked = this.#looks.then(() => this.#look(question));
    this.#looks = looked;
    return looked;
  }

  async #look(question: string): Promise<Answer> {
    if (this.#options.now().isShut) return refused("the camera is paused");
    const frames = await this.#fresh.gather();
    if (frames.length === 0) return refused("no fresh frame came");
    return await this.#inTurn(() => this.#askNow(question, frames));
  }

  /** Resolves always. */
  async ask(question: string): Promise<Answer> {
    if (this.#isAsking) return refused("another question is being answered");
    this.#isAsking = true;
    try {
      return await this.#inTurn(() => {
        const { frame } = this.#options.now();
        return this.#askNow(question, frame && [frame.bytes]);
      });
    } finally {
      this.#isAsking = false;
    }
  }

  async #inTurn(work: () => Promise<Answer>): Promise<Answer> {
    const { slots } = this.#options;
    const release = await new Promise<Release>((resolve) => void slots.request(resolve));
    try {
      return await work();
    } finally {
      release();
    }
  }

  async #askNow(question: string, frames: readonly Uint8Array[] | null): Promise<Answer> {
    const { gate, clock, now } = this.#options;
    const { session, context, isShut } = now();
    if (isShut) return refused("the camera is paused");
    if (!session) return refused("the model is not there now");
    if (!frames) return refused("no frame has come yet");
    if (gate.pass() !== "granted") return refused("the budget is used up for now");
    const askedAtMs = clock.monotonicMs();
    const answer = await session.answer(frames, question, context);
    gate.spent((clock.monotonicMs() - askedAtMs) / 1000);
    return answer;
  }
}

function refused(reason: string): Answer {
  return { kind: "failed", reason };
}
