/**
 * Answers by key: who repeats a request gets the first one's answer.
 *
 * @module
 */

/** Later keys push out the oldest. */
const MAX_KEPT_ANSWERS = 1000;

/** Remembers answers; failures are forgotten, so that a repeated request is tried again. */
export class AnswerMemo<Answer> {
  readonly #byKey = new Map<string, Promise<Answer>>();

  /** The answer of the first call with this key; `make` runs for that one alone. */
  once(key: string, make: () => Promise<Answer>): Promise<Answer> {
    const known = this.#byKey.get(key);
    if (known) return known;
    const answer = make();
    this.#byKey.set(key, answer);
    answer.catch(() => this.#byKey.delete(key));
    const oldest = this.#byKey.size > MAX_KEPT_ANSWERS
      ? this.#byKey.keys().next().value
      : undefined;
    if (oldest !== undefined) this.#byKey.delete(oldest);
    return answer;
  }
}
