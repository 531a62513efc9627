/**
 * Moves search blocks of sessions that are over into blocks of days, and takes them out of these
 * again. What is in a block is none of its business.
 *
 * Whoever writes a session's blocks checks and rewrites its record in the same commit (see
 * `session_writer.ts`), and so does who moves them. So of a writer and two processes that move, in
 * whatever order, one has its way, and the others read again.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { CONFLICT, retryContended } from "./_retry_contended.ts";
import { hasExpired, sessionKey, type SessionRecord } from "./keys.ts";
import {
  searchBlockKey,
  type SearchBlockRecord,
  searchDayKey,
  searchDayPrefix,
  type SearchDayRecord,
} from "./timeline_keys.ts";

/** So many blocks move at once: KV checks 100 keys in a commit, here two for each and one more. */
export const MAX_BLOCKS_MOVED = 48;
/** So many blocks are read at once: KV reads ten keys, here two for each. */
export const MAX_BLOCKS_READ = 5;
/** Two MiB at most. */
const LIST_BATCH = 32;

/** Where a session's block lies. */
export interface BlockRef {
  readonly sessionId: string;
  readonly place: number | "open";
}

/** A block that is still its session's own, and the session, as both were at one moment. */
export interface LooseBlock extends BlockRef {
  readonly session: Deno.KvEntry<SessionRecord>;
  readonly block: Deno.KvEntry<SearchBlockRecord>;
}

/** A block of a day as it was read, or the place for one. */
export interface DayBlock {
  readonly dayMs: number;
  readonly place: number;
  /** Null: there is none yet. */
  readonly entry: Deno.KvEntry<SearchDayRecord> | null;
}

/** A wearer's search blocks. Every method rejects with KV's own error. */
export class SearchDays {
  readonly #kv: Deno.Kv;
  readonly #clock: Clock;
  readonly #wearer: string;

  constructor({ kv, clock }: { readonly kv: Deno.Kv; readonly clock: Clock }, wearer: string) {
    this.#kv = kv;
    this.#clock = clock;
    this.#wearer = wearer;
  }

  /** Reads {@link MAX_BLOCKS_READ} blocks at most; null stands for one that is gone. */
  async read(refs: readonly BlockRef[]): Promise<(LooseBlock | null)[]> {
    // One read is of one moment.
    const entries = await this.#kv.getMany<unknown[]>(refs.flatMap(({ sessionId, place }) => [
      sessionKey(this.#wearer, sessionId),
      searchBlockKey(this.#wearer, sessionId, place),
    ]));
    return refs.map((ref, at) => {
      const session = this.#present<SessionRecord>(entries[2 * at]!);
      const block = this.#present<SearchBlockRecord>(entries[2 * at + 1]!);
      return session && block && { ...ref, session, block };
    });
  }

  /** The last block of a day, or the place for the first. */
  async last(dayMs: number): Promise<DayBlock> {
    const prefix = searchDayPrefix(this.#wearer, dayMs);
    const listed = this.#kv.list<SearchDayRecord>({ prefix }, { reverse: true, limit: 1 });
    for await (const entry of listed) return { dayMs, place: Number(entry.key.at(-1)), entry };
    return { dayMs, place: 0, entry: null };
  }

  /**
   * Takes blocks away, at most {@link MAX_BLOCKS_MOVED}, and writes the block of a day that holds
   * them, in one commit.
   *
   * @returns false: something is not what it was, and nothing is written
   */
  async move(
    moved: readonly LooseBlock[],
    { dayMs, place, entry }: DayBlock,
    record: SearchDayRecord,
  ): Promise<boolean> {
    const key = searchDayKey(this.#wearer, dayMs, place);
    const sessions = new Map(moved.map(({ session }) => [session.versionstamp, session]));
    return await retryContended(this.#clock, "move search blocks", async () => {
      const commit = this.#kv.atomic().check(entry ?? { key, versionstamp: null });
      // As they are: a writer that knows the versionstamp from before reads again.
      for (const session of sessions.values()) {
        commit.check(session).set(session.key, session.value, this.#expiry(session.value));
      }
      for (const { block } of moved) commit.check(block).delete(block.key);
      return (await commit.set(key, record, this.#expiry(record)).commit()).ok;
    });
  }

  /**
   * Replaces each block of the days by what `change` makes of it; null: by none; the same: it stays.
   *
   * @returns how many were replaced
   */
  async rewrite(change: (record: SearchDayRecord) => SearchDayRecord | null): Promise<number> {
    const prefix = searchDayPrefix(this.#wearer);
    const listed = this.#kv.list<SearchDayRecord>({ prefix }, { batchSize: LIST_BATCH });
    let replaced = 0;
    for await (const { key, value } of listed) {
      if (change(value) === value) continue;
      const isReplaced = await retryContended(
        this.#clock,
        "rewrite search blocks",
        () => this.#tryRewrite(key, change),
      );
      if (isReplaced) replaced++;
    }
    return replaced;
  }

  async #tryRewrite(
    key: Deno.KvKey,
    change: (record: SearchDayRecord) => SearchDayRecord | null,
  ): Promise<boolean | typeof CONFLICT> {
    const entry = await this.#kv.get<SearchDayRecord>(key);
    const changed = entry.value && change(entry.value);
    if (changed === entry.value) return false;
    const commit = this.#kv.atomic().check(entry);
    if (changed) commit.set(key, changed, this.#expiry(changed));
    else commit.delete(key);
    return (await commit.commit()).ok || CONFLICT;
  }

  #present<T extends SessionRecord | SearchBlockRecord>(
    { key, value, versionstamp }: Deno.KvEntryMaybe<unknown>,
  ): Deno.KvEntry<T> | null {
    const record = value as T | null;
    if (!record || hasExpired(record, this.#clock.epochMs())) return null;
    return { key, value: record, versionstamp: versionstamp! };
  }

  #expiry({ expiresAtMs }: { readonly expiresAtMs: number | null }): { expireIn?: number } {
    return expiresAtMs === null
      ? {}
      : { expireIn: Math.max(1, expiresAtMs - this.#clock.epochMs()) };
  }
}
