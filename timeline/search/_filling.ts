/**
 * Fills a block of a day with blocks of sessions, as far as one commit goes.
 *
 * @module
 */
import { type DayBlock, type LooseBlock, MAX_BLOCKS_MOVED } from "../../kv/search_days.ts";
import type { SearchDayRecord } from "../../kv/timeline_keys.ts";
import { DayDraft, decodeDay, encodeDay, isGoneBy, type Part, withoutParts } from "./_day_block.ts";

/** KV holds 64 KiB in a value. */
const MAX_BYTES = 60 * 1024;
/** So long at most a word stays beyond its own time, because of what is in the same value. */
const MAX_SPREAD_MS = 24 * 60 * 60 * 1000;
/** Sessions are written again as they are, and a commit holds 800 KiB: two bytes a letter. */
const MAX_SESSION_CHARS = 200_000;

/** A block of a day on its way into KV. */
export class Filling {
  readonly moved: LooseBlock[] = [];
  #target: DayBlock;
  #draft: DayDraft;
  #sessionChars = 0;

  constructor(last: DayBlock, nowMs: number) {
    this.#target = last;
    this.#draft = last.entry
      ? withoutParts(decodeDay(last.entry.value), isGoneBy(nowMs))
      : new DayDraft();
  }

  /** Where it goes. */
  get target(): DayBlock {
    return this.#target;
  }

  /** What it holds by then. */
  get record(): SearchDayRecord {
    return encodeDay(this.#draft);
  }

  /** Adds a block; false: it has to wait for the next commit. */
  add(loose: LooseBlock): boolean {
    if (this.moved.length === MAX_BLOCKS_MOVED || !this.#canWrite(loose)) return false;
    if (!this.#fits(loose)) {
      if (this.moved.length > 0) return false;
      // What is there is full, or expires on another day.
      const { dayMs, place } = this.#target;
      this.#target = { dayMs, place: place + 1, entry: null };
      this.#draft = new DayDraft();
      this.#fits(loose);
    }
    this.moved.push(loose);
    return true;
  }

  /** Whether the session can be written again in the same commit. */
  #canWrite({ session: { value } }: LooseBlock): boolean {
    if (this.moved.some(({ sessionId }) => sessionId === value.id)) return true;
    const chars = JSON.stringify(value).length;
    if (this.#sessionChars + chars > MAX_SESSION_CHARS) return false;
    this.#sessionChars += chars;
    return true;
  }

  #fits({ sessionId, block: { value } }: LooseBlock): boolean {
    return this.#draft.parts.every((part) => goTogether(part, value)) &&
      this.#draft.add(sessionId, value, MAX_BYTES);
  }
}

type Lasting = Pick<Part, "endMs" | "expiresAtMs">;

/** Whether both are past, and expire, at about the same time. */
function goTogether(one: Lasting, other: Lasting): boolean {
  const isNear = (oneMs: number, otherMs: number) => Math.abs(oneMs - otherMs) <= MAX_SPREAD_MS;
  if (!isNear(one.endMs, other.endMs)) return false;
  return one.expiresAtMs === null || other.expiresAtMs === null
    ? one.expiresAtMs === other.expiresAtMs
    : isNear(one.expiresAtMs, other.expiresAtMs);
}
