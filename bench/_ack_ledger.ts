/**
 * Whether a server acknowledges as it should (WIRE V1, V5, V6).
 *
 * @module
 */

/** Holds one connection's acks against the frames that were sent: a fast wrong server is no result. */
export class AckLedger {
  readonly #frameBytes: number;
  #acked = 0;
  #captions = 0;
  #failures = 0;

  /** @param frameBytes size of every frame sent */
  constructor(frameBytes: number) {
    this.#frameBytes = frameBytes;
  }

  /** Frames acknowledged so far. */
  get acked(): number {
    return this.#acked;
  }

  /** Captions heard so far. */
  get captions(): number {
    return this.#captions;
  }

  /** Inferences that failed, as far as the server has said. */
  get failures(): number {
    return this.#failures;
  }

  /**
   * Takes a message.
   *
   * @returns whether it acknowledges the next frame; a result that comes alone does not (V6)
   * @throws {Error} if it is neither: skipped, repeated, out of order or wrong in size
   */
  take(text: string): boolean {
    const message = parsed(text);
    const hasCaption = "caption" in message;
    const hasFailure = "inference_error" in message;
    if (hasCaption) this.#captions++;
    if (hasFailure) this.#failures++;
    const isRightSize = message.bytes === this.#frameBytes;
    if (isRightSize && message.frame === this.#acked + 1) {
      this.#acked++;
      return true;
    }
    if (isRightSize && message.frame === this.#acked && (hasCaption || hasFailure)) return false;
    const due = `frame ${this.#acked + 1} of ${this.#frameBytes} bytes`;
    throw new Error(`Cannot count an ack as it must be for ${due}: current value is ${text}`);
  }
}

function parsed(text: string): Record<string, unknown> {
  try {
    const message: unknown = JSON.parse(text);
    if (message !== null && typeof message === "object") return message as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new Error(`Cannot read an ack as it must be a JSON object: current value is ${text}`);
}
