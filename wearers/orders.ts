/**
 * Standing orders: what is ordered of a wearer from outside, as all that it has open here hears it.
 * Its camera is paused, it is being erased, its rules are others now.
 *
 * One poller for the process asks KV once a second for the wearers that are followed here, and for
 * nobody while none is. What this process changes itself is read again at once. Where KV cannot be
 * read, what was known goes on; who is new is told that nothing is known.
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";
import type { Counters } from "../counters.ts";
import type { CameraOrder } from "../kv/camera_keys.ts";
import { hasExpired } from "../kv/keys.ts";
import { readStandings, type Standing } from "../kv/standing.ts";
import type { Logger } from "../log.ts";

/** How late an order is heard that was given to another process. */
export const POLL_MS = 1_000;
/** The longest that a timer may wait is 24 days. */
const MAX_WAIT_MS = 24 * 60 * 60 * 1000;

/** What standing orders are made of. */
export interface StandingOrdersOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly log: Logger;
}

/** What KV said of a wearer, and when it was asked. */
export interface Asked {
  readonly wearer: string;
  /** Null: KV did not answer. */
  readonly standing: Standing | null;
  /** Readings are numbered as they begin: what began earlier is no news. */
  readonly reading: number;
}

/** Hears what is known after each reading, and when a pause ends; null: nothing is. */
type Hear = (standing: Standing | null) => void;

/** A wearer that somebody follows here. */
interface Followed {
  readonly listeners: Set<Hear>;
  standing: Standing | null;
  reading: number;
  cancelEnd: Cancel;
}

/** The orders of all wearers that are followed in this process. Holds one timer while any is. */
export class StandingOrders {
  readonly #options: StandingOrdersOptions;
  readonly #followed = new Map<string, Followed>();
  /** What KV has not answered yet, whoever still waits for it. */
  readonly #unanswered = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  /** Aborted when nobody is followed any more. */
  #following = new AbortController();
  #readings = 0;
  /** The newest reading that something was changed before. */
  #changedBefore = 0;
  #isFailing = false;
  #cancelPoll: Cancel | null = null;

  constructor(options: StandingOrdersOptions) {
    this.#options = options;
  }

  /** What stands in the books now, for {@link followCamera}. Resolves always, in bounded time. */
  async ask(wearer: string): Promise<Asked> {
    const reading = ++this.#readings;
    const byWearer = await this.#read([wearer], this.#closing.signal);
    return { wearer, reading, standing: byWearer.get(wearer) ?? null };
  }

  /**
   * Tells a stream what to obey, at once and whenever it changes, until cancelled.
   *
   * @param asked of its wearer, before the stream was let in
   */
  followCamera({ wearer, reading, standing }: Asked, obey: (order: CameraOrder) => void): Cancel {
    let told = "";
    const hear: Hear = (standing) => {
      const order = cameraOrderOf(standing, this.#options.clock.epochMs());
      const said = JSON.stringify(order);
      if (said === told) return;
      told = said;
      obey(order);
    };
    const cancel = this.#follow(wearer, hear);
    const followed = this.#followed.get(wearer)!;
    // Something was changed here since, when this stream was not there to hear it.
    const isOutdated = reading < this.#changedBefore && followed.reading < reading;
    if (isOutdated) void this.#askAgain([wearer]);
    // Of two that know something the newer is right; who knows nothing has nothing to say.
    else if (standing) this.#learn(followed, standing, reading);
    hear(followed.standing);
    return cancel;
  }

  /** Calls `ended` once, when the wearer is being erased, by whatever process; until cancelled. */
  whenErasing(wearer: string, ended: () => void): Cancel {
    let isOver = false;
    return this.#follow(wearer, (standing) => {
      if (isOver || !standing?.isErasing) return;
      isOver = true;
      ended();
    });
  }

  /** Tells the stamp of the wearer's rules soon, and with each reading from then on; until cancelled. */
  followRules(wearer: string, hear: (stamp: string | null) => void): Cancel {
    const cancel = this.#follow(wearer, (standing) => standing && hear(standing.rulesStamp));
    void this.#askAgain([wearer]);
    return cancel;
  }

  /**
   * Reads the wearer's orders again, as they were changed just now; when this resolves, all that is
   * open here obeys. Where they cannot be read, it is told that nothing is known.
   */
  async changed(wearer: string): Promise<void> {
    const reading = this.#changedBefore = ++this.#readings;
    if (!this.#followed.has(wearer)) return;
    const byWearer = await this.#read([wearer], this.#closing.signal);
    const followed = this.#followed.get(wearer);
    if (followed) this.#learn(followed, byWearer.get(wearer) ?? null, reading);
  }

  /** Stops asking, for good; resolves when KV has answered what it was asked. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#rest();
    for (const { cancelEnd } of this.#followed.values()) cancelEnd();
    await Promise.allSettled(this.#unanswered);
  }

  #follow(wearer: string, hear: Hear): Cancel {
    const followed = this.#followed.get(wearer) ?? this.#begin(wearer);
    followed.listeners.add(hear);
    return () => {
      followed.listeners.delete(hear);
      if (followed.listeners.size > 0 || this.#followed.get(wearer) !== followed) return;
      followed.cancelEnd();
      this.#followed.delete(wearer);
      if (this.#followed.size === 0) this.#rest();
    };
  }

  #begin(wearer: string): Followed {
    const followed = { listeners: new Set<Hear>(), standing: null, reading: 0, cancelEnd() {} };
    this.#followed.set(wearer, followed);
    if (!this.#isClosed) {
      this.#cancelPoll ??= this.#options.clock.after(POLL_MS, () => this.#poll());
    }
    return followed;
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Nobody waits for what is read now, nor for the next reading. */
  #rest(): void {
    this.#cancelPoll?.();
    this.#cancelPoll = null;
    this.#following.abort();
    this.#following = new AbortController();
  }

  async #poll(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#following;
    const beganAtMs = clock.monotonicMs();
    // Set, so that nobody else begins to poll; there is no timer to cancel.
    this.#cancelPoll = () => {};
    await this.#askAgain([...this.#followed.keys()]);
    if (signal.aborted) return;
    const tookMs = clock.monotonicMs() - beganAtMs;
    this.#cancelPoll = clock.after(Math.max(0, POLL_MS - tookMs), () => this.#poll());
  }

  async #askAgain(wearers: readonly string[]): Promise<void> {
    const reading = ++this.#readings;
    for (const [wearer, standing] of await this.#read(wearers, this.#following.signal)) {
      const followed = this.#followed.get(wearer);
      if (followed) this.#learn(followed, standing, reading);
    }
  }

  async #read(
    wearers: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Standing>> {
    if (this.#isClosed) return new Map();
    const { counters, log } = this.#options;
    const options = { ...this.#options, track: this.#track };
    const { byWearer, failure } = await readStandings(options, wearers, signal);
    if (signal.aborted) return byWearer;
    if (failure !== null) {
      counters.kvFailures++;
      // Once for an outage, not every second.
      if (!this.#isFailing) log.error("kv.orders_failed", { reason: failure });
    }
    this.#isFailing = failure !== null;
    return byWearer;
  }

  readonly #track = <T>(read: Promise<T>): Promise<T> => {
    const answered = () => void this.#unanswered.delete(read);
    this.#unanswered.add(read);
    read.then(answered, answered);
    return read;
  };

  #learn(followed: Followed, standing: Standing | null, reading: number): void {
    if (reading < followed.reading || this.#isClosed) return;
    followed.reading = reading;
    followed.standing = standing;
    this.#tell(followed);
  }

  /** Tells what counts now, and again when the pause ends. */
  #tell(followed: Followed): void {
    const { standing, listeners } = followed;
    const { clock } = this.#options;
    followed.cancelEnd();
    const leftMs = (standing?.pause?.expiresAtMs ?? 0) - clock.epochMs();
    if (leftMs > 0) {
      const again = () => this.#tell(followed);
      followed.cancelEnd = clock.after(Math.min(leftMs, MAX_WAIT_MS), again);
    }
    for (const hear of [...listeners]) hear(standing);
  }
}

function cameraOrderOf(standing: Standing | null, nowMs: number): CameraOrder {
  if (!standing) return { kind: "unknown" };
  const { pause } = standing;
  if (!pause || hasExpired(pause, nowMs)) return { kind: "open" };
  return { kind: "paused", untilMs: pause.expiresAtMs };
}
