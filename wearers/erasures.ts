/**
 * Erasing a wearer: all of it, in batches that survive a crash.
 *
 * A mark is written first and deleted last (`kv/erasing_keys.ts`). While it is there nothing of the
 * wearer is written, in any process (`kv/fenced_kv.ts`), its tokens are refused, and what it has open
 * is ended: here at once, in other processes within about a second (`orders.ts`). The mark stays for
 * {@link SETTLE_MS}, so that by its end nobody has anything in hand that could be written behind it.
 * Where a process dies midway, another goes on from the mark, at its start or when it looks for such.
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";
import type { Counters } from "../counters.ts";
import {
  claimErasure,
  type ClaimOutcome,
  type Erasing,
  ErasureLostError,
  LEASE_MS,
} from "../kv/erasing.ts";
import { type Counts, erasingKey, type ErasingRecord } from "../kv/erasing_keys.ts";
import type { ScrubOutcome } from "../kv/scrub.ts";
import { wearersIn } from "../kv/wearers.ts";
import { type Logger, reasonOf } from "../log.ts";

/** Longer than a process relies on what it knew of a token (5 s), and on its orders (1 s). */
export const SETTLE_MS = 7_000;
/** Who asks waits for the end so long, as proxies give up after a minute; it goes on without them. */
export const ANSWER_WITHIN_MS = 50_000;
/** How often a process looks for erasures that others have left. */
const RESUME_MS = 5 * 60_000;
/** While KV refuses. */
const RETRY_MS = 1_000;
/** Told once more to who was not answered in time. */
const MAX_RECEIPTS = 100;

/** What an erasure has come to. */
export interface Receipt {
  readonly wearer: string;
  readonly startedAtMs: number;
  readonly erasedAtMs: number;
  /** How many records were erased, by their kind. */
  readonly counts: Counts;
  /** Whether the database file holds none of their bytes; `not_ours`: it is no file of ours. */
  readonly file: "scrubbed" | "not_scrubbed" | "not_ours";
}

/** How far an erasure is. */
export type EraseOutcome =
  | { readonly kind: "erased"; readonly receipt: Receipt }
  | { readonly kind: "under_way"; readonly startedAtMs: number; readonly counts: Counts }
  | { readonly kind: "none" };

/** What {@link Erasures} need. */
export interface ErasuresOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly counters: Counters;
  readonly log: Logger;
  /** Takes what was deleted out of the database file; null: it is not ours. Resolves always. */
  readonly scrub: (() => Promise<ScrubOutcome>) | null;
  /** Instead of {@link SETTLE_MS}, where no other process is there. */
  readonly settleMs?: number;
}

/** Hears of a wearer whose mark is there; never throws or rejects. */
export type HearErasure = (wearer: string) => void | Promise<void>;

/** The erasures of all wearers that this process works on. */
export class Erasures {
  readonly #options: ErasuresOptions;
  readonly #workerId: string;
  readonly #running = new Map<string, Promise<Receipt | null>>();
  /** Two who ask for the same at once begin one erasure. */
  readonly #claims = new Map<string, Promise<ClaimOutcome>>();
  readonly #receipts = new Map<string, Receipt>();
  #cancelResume: Cancel = () => {};
  /** Files are scrubbed one after another. */
  #scrubbed: Promise<unknown> = Promise.resolve();
  readonly #listeners: HearErasure[] = [];
  #isClosed = false;

  constructor(options: ErasuresOptions) {
    this.#options = options;
    this.#workerId = options.newId();
  }

  /** Calls `hear` with each wearer whose erasure begins here. Nothing is erased before it is done. */
  listen(hear: HearErasure): void {
    this.#listeners.push(hear);
  }

  /** Goes on with what others have left, now and from time to time, until closed. */
  start(): void {
    this.finishBegun().then(({ isAllOurs }) => {
      if (this.#isClosed) return;
      // What another works on it may leave: it does so soon, if at all.
      const delayMs = isAllOurs ? RESUME_MS : LEASE_MS;
      this.#cancelResume = this.#options.clock.after(delayMs, () => this.start());
    });
  }

  /**
   * Erases the wearer; resolves when all is gone, or after {@link ANSWER_WITHIN_MS}, or at once where
   * another process is at it. Rejects with KV's own error if nothing has begun.
   */
  async erase(wearer: string): Promise<EraseOutcome> {
    const { clock } = this.#options;
    if (!this.#running.has(wearer)) {
      const claim = await this.#claim(wearer, true);
      if (claim.kind === "taken") return underWay(claim.record);
      if (claim.kind === "nothing") return { kind: "erased", receipt: this.#nothing(wearer) };
    }
    const { promise: timeIsUp, resolve } = Promise.withResolvers<null>();
    const cancel = clock.after(ANSWER_WITHIN_MS, () => resolve(null));
    const receipt = await Promise.race([this.#running.get(wearer)!, timeIsUp]);
    cancel();
    return receipt ? { kind: "erased", receipt } : await this.state(wearer);
  }

  /** How far the wearer's erasure is; of one that is over only its own process knows. */
  async state(wearer: string): Promise<EraseOutcome> {
    const running = this.#running.get(wearer);
    const { value } = await this.#options.kv.get<ErasingRecord>(erasingKey(wearer));
    if (value) return underWay(value);
    // The mark goes a moment before the receipt is there.
    const receipt = await running ?? this.#receipts.get(wearer);
    return receipt ? { kind: "erased", receipt } : { kind: "none" };
  }

  /** Goes on with all erasures that nobody works on. Resolves always. */
  async finishBegun(): Promise<{ readonly isAllOurs: boolean }> {
    const { kv } = this.#options;
    let isAllOurs = true;
    try {
      for await (const wearer of wearersIn(kv)) {
        if (this.#isClosed) break;
        if (this.#running.has(wearer) || (await kv.get(erasingKey(wearer))).value === null) {
          continue;
        }
        if ((await this.#claim(wearer, false)).kind === "taken") isAllOurs = false;
      }
    } catch (error) {
      this.#failed(error);
    }
    return { isAllOurs };
  }

  /** Stops between two batches; others, or this one when it is back, go on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelResume();
    await Promise.all(this.#running.values());
  }

  get #erasing() {
    return { ...this.#options, workerId: this.#workerId };
  }

  #claim(wearer: string, begins: boolean): Promise<ClaimOutcome> {
    const known = this.#claims.get(wearer);
    if (known) return known;
    const claim = claimErasure(this.#erasing, wearer, begins).then((outcome) => {
      if (outcome.kind === "claimed") this.#run(wearer, outcome.erasing);
      return outcome;
    }).finally(() => this.#claims.delete(wearer));
    this.#claims.set(wearer, claim);
    return claim;
  }

  #run(wearer: string, erasing: Erasing): void {
    const heard = Promise.all(this.#listeners.map((hear) => hear(wearer)));
    const work = heard.then(() => this.#work(wearer, erasing))
      .finally(() => this.#running.delete(wearer));
    this.#running.set(wearer, work);
  }

  /** Null: it was lost to another process, or this one is closed. */
  async #work(wearer: string, claimed: Erasing): Promise<Receipt | null> {
    let erasing: Erasing | null = claimed;
    while (!this.#isClosed) {
      try {
        // What KV did with a commit that it did not answer is in the books.
        erasing ??= await this.#claimAgain(wearer);
        return erasing && await this.#toTheEnd(wearer, erasing);
      } catch (error) {
        if (error instanceof ErasureLostError) return null;
        this.#failed(error);
        erasing = null;
        await this.#pause(RETRY_MS);
      }
    }
    return null;
  }

  async #claimAgain(wearer: string): Promise<Erasing | null> {
    const claim = await claimErasure(this.#erasing, wearer, false);
    return claim.kind === "claimed" ? claim.erasing : null;
  }

  async #toTheEnd(wearer: string, erasing: Erasing): Promise<Receipt | null> {
    const { clock, settleMs = SETTLE_MS } = this.#options;
    // From the mark on, whoever wrote it.
    const settledAtMs = Math.min(clock.epochMs(), erasing.startedAtMs) + settleMs;
    while (true) {
      while (await erasing.erase()) if (this.#isClosed) return null;
      const leftMs = settledAtMs - clock.epochMs();
      if (leftMs <= 0) break;
      await this.#pause(Math.min(leftMs, RETRY_MS));
      if (this.#isClosed) return null;
      await erasing.renew();
    }
    const file = await this.#scrub();
    if (!await this.#finish(erasing)) return null;
    const { startedAtMs, counts } = erasing;
    const receipt = { wearer, startedAtMs, erasedAtMs: clock.epochMs(), counts, file };
    this.#keep(receipt);
    return receipt;
  }

  /** False: this process is closed. Once it is known that all is gone, nobody counts again. */
  async #finish(erasing: Erasing): Promise<boolean> {
    while (!this.#isClosed) {
      try {
        await erasing.finish();
        return true;
      } catch (error) {
        if (error instanceof ErasureLostError) throw error;
        this.#failed(error);
        await this.#pause(RETRY_MS);
      }
    }
    return false;
  }

  /** One after another: two at once would only wait for each other. */
  #scrub(): Promise<Receipt["file"]> {
    const { scrub, log } = this.#options;
    if (!scrub) return Promise.resolve("not_ours");
    const scrubbed = this.#scrubbed.then(async () => {
      const outcome = await scrub();
      if (outcome.kind === "scrubbed") return "scrubbed" as const;
      log.error("kv.not_scrubbed", { reason: outcome.reason });
      return "not_scrubbed" as const;
    });
    this.#scrubbed = scrubbed;
    return scrubbed;
  }

  #keep(receipt: Receipt): void {
    const { wearer, startedAtMs, erasedAtMs, counts, file } = receipt;
    this.#receipts.delete(wearer);
    this.#receipts.set(wearer, receipt);
    const [oldest] = this.#receipts.keys();
    if (this.#receipts.size > MAX_RECEIPTS) this.#receipts.delete(oldest!);
    const records = Object.values(counts).reduce((sum, count) => sum + count, 0);
    this.#options.log.info("wearer.erased", { records, took_ms: erasedAtMs - startedAtMs, file });
  }

  #nothing(wearer: string): Receipt {
    const nowMs = this.#options.clock.epochMs();
    const file = this.#options.scrub ? "scrubbed" : "not_ours";
    return { wearer, startedAtMs: nowMs, erasedAtMs: nowMs, counts: {}, file };
  }

  #failed(error: unknown): void {
    this.#options.counters.kvFailures++;
    this.#options.log.error("kv.erasure_failed", { reason: reasonOf(error) });
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.after(delayMs, resolve));
  }
}

function underWay({ startedAtMs, counts }: ErasingRecord): EraseOutcome {
  return { kind: "under_way", startedAtMs, counts };
}
