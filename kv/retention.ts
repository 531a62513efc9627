/**
 * How long each wearer's records stay: its own time, or what is configured.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { CONFLICT, retryContended } from "./_retry_contended.ts";
import { keptForMs } from "./keys.ts";
import { retentionKey, type RetentionRecord, type SweepFacts } from "./retention_keys.ts";

/** So late at most a process hears of a time that was changed elsewhere. */
const FRESH_MS = 5_000;
const MAX_KNOWN = 1_000;
/** A record that says no more than when the last sweep was. */
const UNOWNED_TTL_MS = 2 * 24 * 60 * 60 * 1000;

/** What is known of a wearer's time. */
export interface RetentionFacts {
  /** What counts; 0: for good. */
  readonly days: number;
  /** The wearer's own; null: it has none. */
  readonly ownDays: number | null;
  readonly lastSweep: SweepFacts | null;
}

/** What a {@link Retention} needs. */
export interface RetentionOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  /** For wearers without a time of their own; 0: for good. */
  readonly retentionDays: number;
}

interface Known {
  readonly days: number | null;
  readonly askedAtMs: number;
}

/** The times of all wearers. */
export class Retention {
  readonly #options: RetentionOptions;
  /** By wearer; those asked about longest ago first. */
  readonly #known = new Map<string, Known>();

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** Rejects with KV's own error. */
  async get(wearer: string): Promise<RetentionFacts> {
    const { kv, retentionDays } = this.#options;
    const { value } = await kv.get<RetentionRecord>(retentionKey(wearer));
    const ownDays = value?.days ?? null;
    return { days: ownDays ?? retentionDays, ownDays, lastSweep: value?.lastSweep ?? null };
  }

  /** Gives the wearer a time of its own; null: takes it away. Rejects with KV's own error. */
  async set(wearer: string, days: number | null): Promise<void> {
    const { kv, clock } = this.#options;
    await retryContended(clock, "write the retention", async () => {
      const found = await kv.get<RetentionRecord>(retentionKey(wearer));
      const before = found.value ?? { lastSweep: null, sweep: null };
      const commit = kv.atomic().check(found);
      setRetention(commit, wearer, { ...before, days }, clock.epochMs());
      if (!(await commit.commit()).ok) return CONFLICT;
    });
    this.#remember(wearer, days);
  }

  /**
   * How long what is written now stays, in milliseconds; Infinity: for good. Where KV does not
   * answer: as it was known last, or as configured.
   */
  async keptForMs(wearer: string): Promise<number> {
    const { kv, clock, retentionDays } = this.#options;
    let known = this.#known.get(wearer);
    if (!known || clock.monotonicMs() - known.askedAtMs >= FRESH_MS) {
      try {
        const { value } = await kv.get<RetentionRecord>(retentionKey(wearer));
        known = this.#remember(wearer, value?.days ?? null);
      } catch {
        // The write that asks meets the same KV, and says so.
      }
    }
    return keptForMs(known?.days ?? retentionDays);
  }

  #remember(wearer: string, days: number | null): Known {
    const known = { days, askedAtMs: this.#options.clock.monotonicMs() };
    this.#known.delete(wearer);
    this.#known.set(wearer, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_KNOWN) this.#known.delete(oldest!);
    return known;
  }
}

/** Adds to the commit that the record says this. A wearer's own time stays until it is erased. */
export function setRetention(
  commit: Deno.AtomicOperation,
  wearer: string,
  facts: Pick<RetentionRecord, "days" | "lastSweep" | "sweep">,
  nowMs: number,
): void {
  const expiresAtMs = facts.days === null ? nowMs + UNOWNED_TTL_MS : null;
  const record: RetentionRecord = { ...facts, version: 1, expiresAtMs };
  const expiry = expiresAtMs === null ? {} : { expireIn: UNOWNED_TTL_MS };
  commit.set(retentionKey(wearer), record, expiry);
}
