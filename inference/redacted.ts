/**
 * A model whose words pass a hook before anybody hears them: what the hook takes out reaches no
 * record, no message, no client and no later prompt.
 *
 * @module
 */
import type {
  AnswerOutcome,
  FailedOutcome,
  InferOutcome,
  VisionInferenceClient,
  VisionInferenceSession,
} from "./client.ts";

/** Takes out of a text what must not be remembered. May throw: then the text is not heard at all. */
export type Redact = (text: string) => string;

/** Passes the captions and answers of all of the client's sessions through the hook. */
export function createRedactedInference(
  client: VisionInferenceClient,
  redact: Redact,
): VisionInferenceClient {
  return {
    serves: (identity) => client.serves(identity),
    async openSession(identity, signal) {
      const opened = await client.openSession(identity, signal);
      if (opened.kind !== "opened") return opened;
      return { kind: "opened", session: new RedactedSession(opened.session, redact) };
    },
    prepare: () => client.prepare(),
    close: () => client.close(),
  };
}

class RedactedSession implements VisionInferenceSession {
  readonly #session: VisionInferenceSession;
  readonly #redact: Redact;

  constructor(session: VisionInferenceSession, redact: Redact) {
    this.#session = session;
    this.#redact = redact;
  }

  async inferChunk(
    ...asked: Parameters<VisionInferenceSession["inferChunk"]>
  ): Promise<InferOutcome> {
    const outcome = await this.#session.inferChunk(...asked);
    if (outcome.kind !== "captioned") return outcome;
    return this.#orNothing(() => ({ ...outcome, caption: this.#redact(outcome.caption) }));
  }

  async answer(...asked: Parameters<VisionInferenceSession["answer"]>): Promise<AnswerOutcome> {
    const outcome = await this.#session.answer(...asked);
    if (outcome.kind !== "answered") return outcome;
    return this.#orNothing(() => ({ ...outcome, text: this.#redact(outcome.text) }));
  }

  close(): void {
    this.#session.close();
  }

  /** What the hook threw may hold the words: it is told to nobody. */
  #orNothing<T>(redacted: () => T): T | FailedOutcome {
    try {
      return redacted();
    } catch {
      const reason = "What the model said could not be redacted";
      return { kind: "failed", scope: "chunk", reason };
    }
  }
}
