/**
 * Who watches a timeline as it grows.
 *
 * A watcher reads the changes from KV in the order of their commits, from a position that it knows:
 * so it misses nothing, whatever process wrote it, and nothing is held in memory for one that is
 * slow. A commit of this process wakes it; those of others it finds within {@link POLL_MS}, as
 * `kv.watch` hears only of its own process (seen with Deno 2.9.6 on one file).
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { hasExpired } from "../kv/keys.ts";
import {
  segmentChangeKey,
  segmentChangePrefix,
  type SegmentChangeRecord,
  segmentKey,
  type SegmentRecord,
} from "../kv/timeline_keys.ts";

/** How often a watcher looks for what other processes wrote. */
export const POLL_MS = 1_000;
/** Of what a watcher has missed, so many segments are said; who has missed more is told so. */
export const MAX_REPLAY = 1_000;
/** Each watcher reads from KV once a second: so many at once, at most, for each process. */
export const MAX_WATCHERS = 200;
/** As many as Deno KV gets at once. */
const BATCH = 10;
/** Before every commit. */
const BEGINNING = "0".repeat(20);

/** A segment that a commit began or extended. */
export interface Change {
  /** Of the commit; a watcher that comes back goes on behind it. */
  readonly position: string;
  readonly segment: SegmentRecord;
}

/** Why nobody may watch now. */
export type WatchRefusal = "full" | "closing";

/** The watchers of this process. */
export class Watchers {
  readonly #options: { readonly kv: Deno.Kv; readonly clock: Clock };
  readonly #all = new Set<Watcher>();
  #isClosed = false;

  constructor(options: { readonly kv: Deno.Kv; readonly clock: Clock }) {
    this.#options = options;
  }

  /** Watching now. */
  get size(): number {
    return this.#all.size;
  }

  /** Lets one in; it must be stopped. */
  watch(wearer: string): Watcher | WatchRefusal {
    if (this.#isClosed) return "closing";
    if (this.#all.size >= MAX_WATCHERS) return "full";
    const stopped = () => void this.#all.delete(watcher);
    const watcher = new Watcher({ ...this.#options, wearer, stopped });
    this.#all.add(watcher);
    return watcher;
  }

  /** The wearer's timeline may have grown. */
  wake(wearer: string): void {
    for (const watcher of this.#all) if (watcher.wearer === wearer) watcher.wake();
  }

  /** The process is on its way out: all hear what is written by now, then no more. */
  close(): void {
    this.#isClosed = true;
    for (const watcher of this.#all) watcher.finish();
  }
}

interface WatcherOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  readonly wearer: string;
  readonly stopped: () => void;
}

/** One that watches. One call at a time: await each before the next. */
export class Watcher {
  readonly wearer: string;
  readonly #options: WatcherOptions;
  #position = BEGINNING;
  #isFinishing = false;
  #isAwake = false;
  #wakeUp: () => void = () => {};

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.wearer = options.wearer;
  }

  /** Behind what was told last. */
  get position(): string {
    return this.#position;
  }

  /**
   * Takes its place in the timeline. Rejects with KV's own error.
   *
   * @param after the last position that it was told of; null: what is there does not interest it
   * @returns whether it has missed more than it will be told
   */
  async begin(after: string | null): Promise<{ readonly hasGap: boolean }> {
    const prefix = segmentChangePrefix(this.wearer);
    const limit = after === null ? 1 : MAX_REPLAY + 1;
    const missed: string[] = [];
    // The very position may be there, and is not missed.
    const selector = after === null
      ? { prefix }
      : { prefix, start: [...segmentChangeKey(this.wearer, after), 0] };
    for await (const { key } of this.#options.kv.list(selector, { reverse: true, limit })) {
      missed.push(key.at(-1) as string);
    }
    const hasGap = missed.length > MAX_REPLAY;
    this.#position = after === null || hasGap ? missed.at(-1) ?? BEGINNING : after;
    return { hasGap };
  }

  /**
   * What has changed since, in order; waits for it, `waitMs` at most. Empty when time is up, null when
   * it is finishing and has been told all. Rejects with KV's own error.
   */
  async next(waitMs: number): Promise<readonly Change[] | null> {
    const { clock } = this.#options;
    const untilMs = clock.monotonicMs() + waitMs;
    while (true) {
      // Read first: what wakes it from here on is not forgotten.
      this.#isAwake = false;
      const isLast = this.#isFinishing;
      const changes = await this.#read();
      if (changes.length > 0) return changes;
      if (isLast) return null;
      const leftMs = untilMs - clock.monotonicMs();
      if (leftMs <= 0) return changes;
      await this.#pause(Math.min(POLL_MS, leftMs));
    }
  }

  /** There may be something to read. */
  wake(): void {
    this.#isAwake = true;
    this.#wakeUp();
  }

  /** Nothing more will come. */
  finish(): void {
    this.#isFinishing = true;
    this.wake();
  }

  /** Lets go of it. Twice is once. */
  stop(): void {
    this.finish();
    this.#options.stopped();
  }

  async #read(): Promise<Change[]> {
    const { kv, clock } = this.#options;
    const prefix = segmentChangePrefix(this.wearer);
    const start = [...segmentChangeKey(this.wearer, this.#position), 0];
    const listed = kv.list<SegmentChangeRecord>({ prefix, start }, { limit: BATCH });
    const entries = await Array.fromAsync(listed);
    if (entries.length === 0) return [];
    const keys = entries.map(({ value }) => segmentKey(this.wearer, value));
    const found = await kv.getMany<SegmentRecord[]>(keys);
    const positions = entries.map(({ key }) => key.at(-1) as string);
    this.#position = positions.at(-1)!;
    const nowMs = clock.epochMs();
    const changes = found.flatMap(({ value }, at): Change[] =>
      value && !hasExpired(value, nowMs) ? [{ position: positions[at]!, segment: value }] : []
    );
    // All of them too old: there may be others behind.
    return changes.length > 0 ? changes : await this.#read();
  }

  async #pause(delayMs: number): Promise<void> {
    if (this.#isAwake) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wakeUp = resolve;
    const cancel = this.#options.clock.after(delayMs, resolve);
    await promise;
    cancel();
  }
}
