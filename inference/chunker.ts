/**
 * The window of frames that becomes a chunk (WIRE V3, V4).
 *
 * A window may see thousands of frames, of which a handful travel. It therefore holds only every
 * n-th frame, n doubling as the window grows, so that memory does not follow the frame rate; and
 * always the newest, since that is what the wearer sees now.
 *
 * @module
 */
import type { Chunk, Frame } from "./client.ts";

/** What bounds a window. A limit of 0 means off. */
export interface ChunkLimits {
  /** Milliseconds that a window stays open before it may become a chunk. */
  readonly chunkMs: number;
  /** The window stands for at most so many of its newest frames. */
  readonly maxBufferFrames: number;
  /** At most so many frames travel. */
  readonly maxFramesPerChunk: number;
}

interface Held {
  /** Which frame of the window it is, from 0. */
  readonly index: number;
  readonly frame: Frame;
}

/** Collects frames and hands them out as chunks. Times are seconds since the stream began. */
export class Chunker {
  readonly #limits: ChunkLimits;
  readonly #travelMax: number;
  #openedAtS: number;
  #held: Held[] = [];
  #newest: Held | null = null;
  #stride = 1;
  #seen = 0;
  /** Sizes of the frames that the window stands for; a ring when the buffer is bounded. */
  #sizes: number[] = [];

  /** @param openedAtS when the first window opens */
  constructor(limits: ChunkLimits, openedAtS = 0) {
    this.#limits = limits;
    this.#openedAtS = openedAtS;
    this.#travelMax = limits.maxFramesPerChunk || Infinity;
  }

  /** Frames in memory now: about twice what may travel, at most. */
  get heldFrames(): number {
    const newestIsHeld = this.#held.at(-1) === this.#newest;
    return this.#held.length + (this.#newest && !newestIsHeld ? 1 : 0);
  }

  /** Adds a frame. Frames come in the order of their times. */
  add(frame: Frame): void {
    const held = { index: this.#seen++, frame };
    this.#newest = held;
    this.#rememberSize(held.index, frame.bytes.byteLength);
    this.#dropOldest();
    if (held.index % this.#stride === 0) this.#held.push(held);
    if (this.#held.length > 2 * this.#travelMax) this.#thinOut();
  }

  /** Whether there are frames, and the window has been open for long enough. */
  isDue(nowS: number): boolean {
    return this.#newest !== null && (nowS - this.#openedAtS) * 1000 >= this.#limits.chunkMs;
  }

  /** Closes the window and opens the next. Null when it holds no frame. */
  take(nowS: number): Chunk | null {
    if (!this.#newest) return null;
    const frameCount = this.#sizes.length;
    const isCut = frameCount < this.#seen;
    const frames = this.#travellers();
    const chunk = {
      frames,
      frameCount,
      byteCount: this.#sizes.reduce((sum, size) => sum + size, 0),
      // What was dropped is not part of the story that the chunk tells.
      startS: isCut ? frames[0]!.atS : this.#openedAtS,
      endS: nowS,
    };
    this.restart(nowS);
    return chunk;
  }

  /** Opens an empty window. */
  restart(nowS: number): void {
    this.#openedAtS = nowS;
    this.#held = [];
    this.#newest = null;
    this.#stride = 1;
    this.#seen = 0;
    this.#sizes = [];
  }

  #rememberSize(index: number, size: number): void {
    const max = this.#limits.maxBufferFrames;
    if (max > 0 && this.#sizes.length === max) this.#sizes[index % max] = size;
    else this.#sizes.push(size);
  }

  #dropOldest(): void {
    const max = this.#limits.maxBufferFrames;
    if (max === 0) return;
    const oldestIndex = this.#seen - max;
    while (this.#held.length > 0 && this.#held[0]!.index < oldestIndex) this.#held.shift();
  }

  #thinOut(): void {
    this.#stride *= 2;
    this.#held = this.#held.filter(({ index }) => index % this.#stride === 0);
  }

  /** The frames that travel: evenly spread over what is held, the newest always among them. */
  #travellers(): Frame[] {
    const newest = this.#newest!;
    const candidates = this.#held.at(-1) === newest ? this.#held : [...this.#held, newest];
    const travelling = Math.min(candidates.length, this.#travelMax);
    if (travelling === 1) return [newest.frame];
    const oldestIndex = candidates[0]!.index;
    const step = (newest.index - oldestIndex) / (travelling - 1);
    const picked: Frame[] = [];
    let from = 0;
    for (let turn = 0; turn < travelling; turn++) {
      const last = candidates.length - (travelling - turn);
      from = nearest(candidates, oldestIndex + turn * step, from, last);
      picked.push(candidates[from++]!.frame);
    }
    return picked;
  }
}

/** The place between `from` and `last` whose index lies nearest to `target`. */
function nearest(held: readonly Held[], target: number, from: number, last: number): number {
  let best = from;
  for (let at = from + 1; at <= last; at++) {
    if (Math.abs(held[at]!.index - target) > Math.abs(held[best]!.index - target)) break;
    best = at;
  }
  return best;
}
