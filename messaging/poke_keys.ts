/**
 * By whose Poke key a wearer's messages leave (SPEC P2, A16): by its own, which is kept sealed; the
 * house's is for the wearer that the magic word acts as, and for nobody else.
 *
 * An opened key is not kept in memory. Sends are rare, one costs a read more, and a key that is
 * deleted sends nothing from that moment on, on any process.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { Counters } from "../counters.ts";
import { WearerErasingError } from "../kv/fenced_kv.ts";
import { DEFAULT_WEARER } from "../kv/keys.ts";
import { openPokeKeyBook, type PokeKeyBook, type PokeKeyRecord } from "../kv/poke_key_record.ts";
import { Sealer } from "../kv/sealing.ts";
import { wearersIn } from "../kv/wearers.ts";
import { type Logger, reasonOf } from "../log.ts";
import type { KeyAnswer } from "./channel.ts";

const PURPOSE = "poke_key";
const MISSING = "Poke API key not configured";
const UNUSABLE = `${MISSING}: the one that was set cannot be opened any more`;
const UNREAD = "The Poke API key could not be read";

/** What may be said of a wearer's key. */
export interface PokeKeyFacts {
  /** When it was set; null: the wearer has none of its own. */
  readonly setAtMs: number | null;
  /** Whether there is one of its own that can be opened. */
  readonly isUsable: boolean;
  /** Whose key sends; null: nobody's, so nothing is sent. */
  readonly source: "own" | "house" | null;
}

/** What {@link PokeKeys} need. */
export interface PokeKeysOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  /** What keys are sealed with, the one in use first; empty: none is kept. */
  readonly sealingKeys: readonly string[];
  /** For {@link DEFAULT_WEARER}; null: there is none. */
  readonly houseKey: string | null;
  readonly counters: Counters;
  readonly log: Logger;
}

/** The Poke keys of all wearers. */
export class PokeKeys {
  readonly #options: PokeKeysOptions;
  readonly #sealer: Sealer;
  #isClosed = false;
  #resealing: Promise<void> = Promise.resolve();

  constructor(options: PokeKeysOptions) {
    this.#options = options;
    this.#sealer = new Sealer(options.sealingKeys);
  }

  /** The key that sends for the wearer. Resolves always. */
  async keyOf(wearer: string): Promise<KeyAnswer> {
    try {
      const { value } = await this.#book(wearer).get();
      const own = value && await this.#opened(wearer, value);
      const key = own ?? this.#houseKeyFor(wearer);
      if (key !== null) return { kind: "found", key };
      return { kind: "missing", cause: value ? UNUSABLE : MISSING };
    } catch (error) {
      this.#failed(error);
      return { kind: "unavailable", cause: UNREAD };
    }
  }

  /** Rejects with KV's own error, or when KV does not answer. */
  async describe(wearer: string): Promise<PokeKeyFacts> {
    const { value } = await this.#book(wearer).get();
    const isUsable = value !== null && await this.#opened(wearer, value) !== null;
    const source = isUsable ? "own" : this.#houseKeyFor(wearer) === null ? null : "house";
    return { setAtMs: value?.setAtMs ?? null, isUsable, source };
  }

  /**
   * Keeps a key of the wearer's own, in the place of the one before.
   *
   * @param key as Poke takes it (`SENDABLE_KEY`)
   * @returns false: there is nothing to seal it with, so it is not kept
   * @throws KV's own error, or when KV does not answer
   */
  async set(wearer: string, key: string): Promise<boolean> {
    if (!this.#sealer.canSeal) return false;
    const sealed = await this.#sealer.seal({ wearer, purpose: PURPOSE }, key);
    await this.#book(wearer).set({ ...sealed, setAtMs: this.#options.clock.epochMs() });
    return true;
  }

  /** Rejects with KV's own error, or when KV does not answer. */
  async remove(wearer: string): Promise<void> {
    await this.#book(wearer).delete();
  }

  /**
   * Seals with the key in use what older ones have sealed, and says in the log how much that was: then
   * the older ones are not needed any more. Resolves always.
   */
  resealAll(): Promise<void> {
    return this.#resealing = this.#resealing.then(() => this.#resealEach());
  }

  /** Resolves when nothing is being sealed anew any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#resealing;
  }

  async #resealEach(): Promise<void> {
    const { kv, sealingKeys, log } = this.#options;
    if (sealingKeys.length < 2) return;
    let resealed = 0;
    try {
      for await (const wearer of wearersIn(kv)) {
        if (this.#isClosed) return;
        if (await this.#reseal(wearer)) resealed++;
      }
      log.info("poke_keys.resealed", { resealed });
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Whether it was sealed anew: it may be set, deleted or sealed anew by others at this moment. */
  async #reseal(wearer: string): Promise<boolean> {
    const book = this.#book(wearer);
    const entry = await book.get();
    if (entry.value === null || await this.#sealer.isNewest(entry.value)) return false;
    const key = await this.#opened(wearer, entry.value);
    if (key === null) return false;
    const sealed = await this.#sealer.seal({ wearer, purpose: PURPOSE }, key);
    try {
      return await book.replace(entry, { ...sealed, setAtMs: entry.value.setAtMs });
    } catch (error) {
      if (error instanceof WearerErasingError) return false;
      throw error;
    }
  }

  #failed(error: unknown): void {
    this.#options.counters.kvFailures++;
    this.#options.log.error("kv.poke_key_failed", { reason: reasonOf(error) });
  }

  #book(wearer: string): PokeKeyBook {
    return openPokeKeyBook(this.#options, wearer);
  }

  async #opened(wearer: string, record: PokeKeyRecord): Promise<string | null> {
    const key = await this.#sealer.open({ wearer, purpose: PURPOSE }, record);
    // Which key it was sealed with is all that helps.
    if (key === null) this.#options.log.warn("poke_key.unusable", { sealed_with: record.keyId });
    return key;
  }

  #houseKeyFor(wearer: string): string | null {
    return wearer === DEFAULT_WEARER ? this.#options.houseKey : null;
  }
}
