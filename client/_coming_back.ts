/**
 * Whether to connect again, and when.
 *
 * @module
 */
import { type Credentials, isTokenTrouble, type Keyring } from "./access.ts";
import { type BackOff, backOffMs } from "./_back_off.ts";
import type { Closed, Verdict } from "./_verdict.ts";

/** A connection that stood for so long begins the counts anew. */
const STEADY_MS = 5_000;
/** Something else to bring was refused so often in a row: there is no use in more of it. */
const MAX_RENEWALS = 2;

/** What comes next. */
export type Next =
  | { readonly kind: "wait"; readonly delayMs: number; readonly reason: string }
  | { readonly kind: "over"; readonly why: Closed };

/** Counts what went wrong in a row. */
export class ComingBack {
  readonly #options: { readonly backOff: BackOff; readonly maxTakeovers: number };
  readonly #keyring: Keyring;
  readonly #random: () => number;
  #failures = 0;
  #takeovers = 0;
  #renewals = 0;

  constructor(
    options: { readonly backOff: BackOff; readonly maxTakeovers: number },
    keyring: Keyring,
    random: () => number,
  ) {
    this.#options = options;
    this.#keyring = keyring;
    this.#random = random;
  }

  /** Connections in a row that did not stand. */
  get failures(): number {
    return this.#failures;
  }

  /**
   * What comes after a connection that stood for `stoodMs` (null: it never did), to which the client
   * brought `brought`.
   */
  async after(verdict: Verdict, stoodMs: number | null, brought: Credentials): Promise<Next> {
    if (stoodMs !== null) this.#renewals = 0;
    if (stoodMs !== null && stoodMs >= STEADY_MS) this.#failures = this.#takeovers = 0;
    this.#failures++;
    switch (verdict.kind) {
      case "over":
        return verdict;
      case "renew":
        return await this.#renew(verdict.status, verdict.detail, brought);
      case "taken_over":
        if (++this.#takeovers > this.#options.maxTakeovers) {
          return { kind: "over", why: { kind: "taken_over" } };
        }
        return this.#wait(verdict.reason);
      case "too_large":
        return this.#wait(verdict.reason);
      case "again":
        return this.#wait(verdict.reason, verdict.atLeastMs);
    }
  }

  /** Whoever gives tokens out may be out of reach, as everyone is in a lift. */
  withoutToken(error: unknown): Next {
    this.#failures++;
    return this.#wait(`no token could be had: ${error}`);
  }

  async #renew(status: number, detail: string, brought: Credentials): Promise<Next> {
    const refused: Next = { kind: "over", why: { kind: "refused", status, detail } };
    if (!isTokenTrouble(detail) || ++this.#renewals > MAX_RENEWALS) return refused;
    try {
      return await this.#keyring.renew(brought) ? this.#wait(detail) : refused;
    } catch (error) {
      this.#renewals--;
      return this.withoutToken(error);
    }
  }

  #wait(reason: string, atLeastMs = 0): Next {
    const delayMs = backOffMs(this.#options.backOff, this.#failures, this.#random());
    return { kind: "wait", delayMs: Math.max(delayMs, atLeastMs), reason };
  }
}
