/**
 * Standing orders: what a wearer has said from outside to all its streams, as each of them hears it.
 *
 * One poller for the process asks KV once a second for the wearers that stream here, and for nobody
 * while none does. What this process changes itself is read again at once. Where KV cannot be read,
 * what was known goes on; who is new is told that nothing is known.
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";
import type { Counters } from "../counters.ts";
import type { Order, Orders } from "../kv/order_keys.ts";
import { readOrders } from "../kv/orders.ts";
import type { Logger } from "../log.ts";

/** How late an order is heard that was given to another process. */
export const POLL_MS = 1_000;
/** The longest that a timer may wait is 24 days. */
const MAX_WAIT_MS = 24 * 60 * 60 * 1000;
const UNKNOWN: Orders = { kind: "unknown" };

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
  readonly orders: Orders;
  /** Readings are numbered as they begin: what began earlier is no news. */
  readonly reading: number;
}

/** Hears the orders that count now, and again whenever they change. */
export type Obey = (orders: Orders) => void;

/** A wearer that streams here. */
interface Followed {
  readonly listeners: Set<Obey>;
  orders: Orders;
  reading: number;
  /** What the listeners were told last. */
  told: Orders;
  cancelEnd: Cancel;
}

/** The orders of all wearers that stream in this process. Holds one timer while anybody does. */
export class StandingOrders {
  readonly #options: StandingOrdersOptions;
  readonly #followed = new Map<string, Followed>();
  #readings = 0;
  /** The newest reading that something was changed before. */
  #changedBefore = 0;
  #isFailing = false;
  #cancelPoll: Cancel | null = null;

  constructor(options: StandingOrdersOptions) {
    this.#options = options;
  }

  /** What stands in the books now, for {@link follow}. Resolves always, in bounded time. */
  async ask(wearer: string): Promise<Asked> {
    const reading = ++this.#readings;
    const orders = (await this.#read([wearer])).get(wearer);
    return { wearer, reading, orders: orders ? { kind: "known", orders } : UNKNOWN };
  }

  /**
   * Tells a stream what to obey, at once and until cancelled.
   *
   * @param asked of its wearer, before the stream was let in
   */
  follow(asked: Asked, obey: Obey): Cancel {
    const { wearer } = asked;
    const followed = this.#followed.get(wearer) ?? this.#begin(wearer);
    // Something was changed here since, when this stream was not there to hear it.
    const isOutdated = asked.reading < this.#changedBefore && followed.reading < asked.reading;
    if (isOutdated) void this.#ask([wearer]);
    // Of two that know something the newer is right; who knows nothing has nothing to say.
    else if (asked.orders.kind === "known") this.#learn(followed, asked.orders, asked.reading);
    followed.listeners.add(obey);
    obey(followed.told);
    return () => {
      followed.listeners.delete(obey);
      if (followed.listeners.size === 0) this.#forget(wearer, followed);
    };
  }

  /**
   * Reads the wearer's orders again, as they were changed just now; when this resolves, all its
   * streams here obey. Where they cannot be read, streams are told that nothing is known.
   */
  async changed(wearer: string): Promise<void> {
    const reading = this.#changedBefore = ++this.#readings;
    if (!this.#followed.has(wearer)) return;
    const orders = (await this.#read([wearer])).get(wearer);
    const followed = this.#followed.get(wearer);
    if (followed) this.#learn(followed, orders ? { kind: "known", orders } : UNKNOWN, reading);
  }

  #begin(wearer: string): Followed {
    const followed: Followed = {
      listeners: new Set(),
      orders: UNKNOWN,
      reading: 0,
      told: UNKNOWN,
      cancelEnd: () => {},
    };
    this.#followed.set(wearer, followed);
    this.#cancelPoll ??= this.#options.clock.after(POLL_MS, () => this.#poll());
    return followed;
  }

  #forget(wearer: string, followed: Followed): void {
    if (this.#followed.get(wearer) !== followed) return;
    followed.cancelEnd();
    this.#followed.delete(wearer);
    if (this.#followed.size > 0) return;
    this.#cancelPoll?.();
    this.#cancelPoll = null;
  }

  async #poll(): Promise<void> {
    const { clock } = this.#options;
    const beganAtMs = clock.monotonicMs();
    // Set, so that nobody else begins to poll; there is no timer to cancel.
    this.#cancelPoll = () => {};
    await this.#ask([...this.#followed.keys()]);
    if (this.#followed.size === 0) return;
    this.#cancelPoll();
    const tookMs = clock.monotonicMs() - beganAtMs;
    this.#cancelPoll = clock.after(Math.max(0, POLL_MS - tookMs), () => this.#poll());
  }

  async #ask(wearers: readonly string[]): Promise<void> {
    const reading = ++this.#readings;
    for (const [wearer, orders] of await this.#read(wearers)) {
      const followed = this.#followed.get(wearer);
      if (followed) this.#learn(followed, { kind: "known", orders }, reading);
    }
  }

  async #read(wearers: readonly string[]): Promise<ReadonlyMap<string, readonly Order[]>> {
    const { counters, log } = this.#options;
    const { byWearer, failure } = await readOrders(this.#options, wearers);
    if (failure !== null) {
      counters.kvFailures++;
      // Once for an outage, not every second.
      if (!this.#isFailing) log.error("kv.orders_failed", { reason: failure });
    }
    this.#isFailing = failure !== null;
    return byWearer;
  }

  #learn(followed: Followed, orders: Orders, reading: number): void {
    if (reading < followed.reading) return;
    followed.reading = reading;
    followed.orders = orders;
    this.#tell(followed);
  }

  /** Tells what counts now, if that is new; looks again when something of it ends. */
  #tell(followed: Followed): void {
    followed.cancelEnd();
    const now = this.#inForce(followed.orders);
    const { clock } = this.#options;
    const ends = now.kind === "known" ? now.orders.flatMap(({ untilMs }) => untilMs ?? []) : [];
    if (ends.length > 0) {
      const leftMs = Math.min(...ends) - clock.epochMs();
      const again = () => this.#tell(followed);
      followed.cancelEnd = clock.after(Math.min(leftMs, MAX_WAIT_MS), again);
    }
    if (JSON.stringify(now) === JSON.stringify(followed.told)) return;
    followed.told = now;
    for (const obey of [...followed.listeners]) obey(now);
  }

  #inForce(known: Orders): Orders {
    if (known.kind === "unknown") return known;
    const nowMs = this.#options.clock.epochMs();
    const orders = known.orders.filter(({ untilMs }) => untilMs === null || untilMs > nowMs);
    return { kind: "known", orders };
  }
}
