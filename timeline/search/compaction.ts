/**
 * Puts the blocks of sessions that are over together (see `_day_block.ts`): a search takes time for
 * each value that it reads, and a short session leaves one.
 *
 * Whoever hears of a wearer with many sessions calls {@link Compaction.hint}; what is due is done a
 * little later, beside all else. Any process may do it, also two at once (see `kv/search_days.ts`).
 *
 * @module
 */
import type { Cancel, Clock } from "../../clock.ts";
import { type BlockRef, MAX_BLOCKS_READ, SearchDays } from "../../kv/search_days.ts";
import { dayOf } from "../../kv/timeline_keys.ts";
import { type Logger, reasonOf } from "../../log.ts";
import { Filling } from "./_filling.ts";
import { isOver, looseBlocks } from "./_loose_blocks.ts";
import { Turns } from "./_turns.ts";

/** For fewer sessions than these it is not worth writing the block of a day anew. */
export const MIN_SESSIONS = 16;
/** A stream that has just begun has other things to do. */
export const COMPACTION_DELAY_MS = 5_000;
/** Who was faster so often may have the rest. */
const MAX_CONFLICTS = 8;

/** What a {@link Compaction} needs. */
export interface CompactionOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Puts blocks together, those of one wearer at a time. */
export class Compaction {
  readonly #options: CompactionOptions;
  readonly #hinted = new Map<string, Cancel>();
  #running: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: CompactionOptions) {
    this.#options = options;
  }

  /** Says that the wearer may have many loose blocks. Returns at once. */
  hint(wearer: string): void {
    if (this.#isClosed || this.#hinted.has(wearer)) return;
    const begin = () => void (this.#running = this.#running.then(() => this.#run(wearer)));
    this.#hinted.set(wearer, this.#options.clock.after(COMPACTION_DELAY_MS, begin));
  }

  /**
   * Puts the wearer's loose blocks together if there are enough; resolves with how many were moved.
   * Rejects with KV's own error: what has been moved by then stays so.
   */
  async compact(wearer: string): Promise<number> {
    const turns = new Turns(this.#options.clock);
    const loose = await looseBlocks(this.#options, wearer, turns);
    if (new Set(loose.map(({ sessionId }) => sessionId)).size < MIN_SESSIONS) return 0;
    let moved = 0;
    for (const [dayMs, refs] of Map.groupBy(loose, ({ startedAtMs }) => dayOf(startedAtMs))) {
      moved += await this.#moveAll(wearer, dayMs, refs, turns);
    }
    return moved;
  }

  /** Resolves when what is due by now is done. */
  settled(): Promise<void> {
    return this.#running;
  }

  /** Begins nothing more; resolves when what is being moved is. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const cancel of this.#hinted.values()) cancel();
    this.#hinted.clear();
    await this.#running;
  }

  async #run(wearer: string): Promise<void> {
    this.#hinted.delete(wearer);
    if (this.#isClosed) return;
    const { log } = this.#options;
    try {
      const blocks = await this.compact(wearer);
      if (blocks > 0) log.debug("search.compacted", { blocks });
    } catch (error) {
      log.warn("search.not_compacted", { reason: reasonOf(error) });
    }
  }

  /** Moves the loose blocks of sessions that began on one day. */
  async #moveAll(
    wearer: string,
    dayMs: number,
    refs: readonly BlockRef[],
    turns: Turns,
  ): Promise<number> {
    const days = new SearchDays(this.#options, wearer);
    let [at, moved, conflicts] = [0, 0, 0];
    while (at < refs.length && conflicts < MAX_CONFLICTS && !this.#isClosed) {
      const filling = new Filling(await days.last(dayMs), this.#options.clock.epochMs());
      const looked = await this.#fill(filling, days, refs.slice(at), turns);
      const isWritten = filling.moved.length === 0 ||
        await days.move(filling.moved, filling.target, filling.record);
      await turns.pass();
      if (!isWritten) conflicts++;
      else [at, moved] = [at + looked, moved + filling.moved.length];
    }
    return moved;
  }

  /** Resolves with how many of the blocks need not be looked at again if the commit goes through. */
  async #fill(
    filling: Filling,
    days: SearchDays,
    refs: readonly BlockRef[],
    turns: Turns,
  ): Promise<number> {
    const nowMs = this.#options.clock.epochMs();
    let looked = 0;
    while (looked < refs.length) {
      const some = await days.read(refs.slice(looked, looked + MAX_BLOCKS_READ));
      for (const loose of some) {
        await turns.pass();
        const isLeftOut = !loose || !isOver(loose.session.value, nowMs);
        if (!isLeftOut && !filling.add(loose)) return looked;
        looked++;
      }
    }
    return looked;
  }
}
