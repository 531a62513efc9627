/**
 * A model whose words pass a hook before anybody hears them: what the hook takes out reaches no
 * record, no message, no client and no later prompt.
 *
 * @module
 */
import type {
  AnswerOutcome,
  FailedOutcome,
  GenerateOutcome,
  GenerateRequest,
  InferOutcome,
  VisionInferenceClient,
  VisionInferenceSession,
} from "./client.ts";

/** Takes out of a text what must not be remembered. May throw: then the text is not heard at all. */
export type Redact = (text: string) => string;

/** Passes the captions, answers and texts of all of the client's sessions through the hook. */
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

  /**
   * A reason passes the hook too, as it may quote what the model wrote instead of JSON. What does not
   * fit its schema any more once it is redacted is not heard.
   */
  async generate<T>(request: GenerateRequest<T>, signal: AbortSignal): Promise<GenerateOutcome<T>> {
    const outcome = await this.#session.generate(request, signal);
    return this.#orNothing(() => {
      if (outcome.kind === "failed") return { ...outcome, reason: this.#redact(outcome.reason) };
      const value = redactedJson(outcome.value, this.#redact) as T;
      return { ...outcome, value: request.schema ? request.schema.parse(value) : value };
    });
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

/**
 * The value with all its texts redacted, names of fields included.
 *
 * @throws {Error} if a number would have to be, as nothing can stand for it
 */
function redactedJson(value: unknown, redact: Redact): unknown {
  if (typeof value === "string") return redact(value);
  if (typeof value === "number" || typeof value === "bigint") {
    if (redact(String(value)) !== String(value)) {
      throw new Error("A number would have to be hidden");
    }
    return value;
  }
  if (Array.isArray(value)) return value.map((item) => redactedJson(item, redact));
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => {
    return [redact(name), redactedJson(field, redact)];
  });
  return Object.fromEntries(fields);
}
