/**
 * Whether tokens stand, as far as this process knows: KV is asked about each every few seconds, not
 * with every request.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { reasonOf } from "../log.ts";

/** So long at most a token that was revoked elsewhere goes on here. */
export const FRESH_MS = 5_000;
/**
 * So long at most what was known is relied on while KV does not answer: glasses that come back in
 * an outage go on seeing.
 */
export const STALE_MS = 5 * 60_000;
const MAX_KNOWN = 10_000;

/** Whether a token stands. */
export type Standing =
  | { readonly kind: "stands" }
  | { readonly kind: "revoked" }
  | { readonly kind: "unavailable"; readonly reason: string };

interface Known {
  readonly stands: boolean;
  readonly askedAtMs: number;
}

/** Remembers what KV said of tokens lately. */
export class Standings {
  readonly #clock: Clock;
  /** By token; those asked about longest ago first. */
  readonly #known = new Map<string, Known>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param ask reads from KV whether the token stands */
  async of(tokenId: string, ask: () => Promise<boolean>): Promise<Standing> {
    const known = this.#known.get(tokenId);
    if (known && this.#age(known) < FRESH_MS) return standingOf(known.stands);
    // From before KV answers: what is revoked meanwhile counts from here.
    const askedAtMs = this.#clock.monotonicMs();
    try {
      const stands = await ask();
      this.#remember(tokenId, { stands, askedAtMs });
      return standingOf(stands);
    } catch (error) {
      if (known && this.#age(known) < STALE_MS) return standingOf(known.stands);
      return { kind: "unavailable", reason: reasonOf(error) };
    }
  }

  /** All tokens whose names begin so are asked about again. */
  forget(beginning: string): void {
    for (const tokenId of this.#known.keys()) {
      if (tokenId.startsWith(beginning)) this.#known.delete(tokenId);
    }
  }

  /** Revoked by this process. */
  revoked(tokenId: string): void {
    this.#remember(tokenId, { stands: false, askedAtMs: this.#clock.monotonicMs() });
  }

  #age({ askedAtMs }: Known): number {
    return this.#clock.monotonicMs() - askedAtMs;
  }

  #remember(tokenId: string, known: Known): void {
    // What was asked before something newer was known is no news.
    if ((this.#known.get(tokenId)?.askedAtMs ?? -Infinity) > known.askedAtMs) return;
    this.#known.delete(tokenId);
    this.#known.set(tokenId, known);
    if (this.#known.size <= MAX_KNOWN) return;
    const [oldest] = this.#known.keys();
    this.#known.delete(oldest!);
  }
}

function standingOf(stands: boolean): Standing {
  return { kind: stands ? "stands" : "revoked" };
}
