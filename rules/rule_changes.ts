/**
 * Hears that a wearer's rules have changed, whichever process changed them.
 *
 * One poller for the process asks KV once a second for the wearers that somebody follows here, and
 * for nobody while none is followed. All that {@link Watchlist} needs of it is {@link FollowChanges}:
 * whatever else reads something of each wearer once a second can take its place.
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";
import type { Counters } from "../counters.ts";
import { readRuleStamps } from "../kv/rule_stamps.ts";
import type { Logger } from "../log.ts";

/** How late it is heard that rules were changed. */
export const POLL_MS = 1_000;

/** Hears the stamp of a wearer's rules, again and again: another stamp, other rules. */
export type HearStamp = (stamp: string | null) => void;

/** Tells the stamp soon, and about once a second from then on, until cancelled. */
export type FollowChanges = (wearer: string, hear: HearStamp) => Cancel;

/** What {@link RuleChanges} are made of. */
export interface RuleChangesOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly log: Logger;
}

/** The changes of all wearers that are followed. Holds one timer while anybody is. */
export class RuleChanges {
  readonly #options: RuleChangesOptions;
  readonly #listeners = new Map<string, Set<HearStamp>>();
  /** Aborted when nobody is followed any more. */
  #following = new AbortController();
  #cancelPoll: Cancel | null = null;
  #isFailing = false;

  constructor(options: RuleChangesOptions) {
    this.#options = options;
  }

  /** See {@link FollowChanges}. */
  follow(wearer: string, hear: HearStamp): Cancel {
    const listeners = this.#listeners.get(wearer) ?? new Set();
    this.#listeners.set(wearer, listeners.add(hear));
    void this.#ask([wearer]);
    this.#cancelPoll ??= this.#options.clock.after(POLL_MS, () => this.#poll());
    return () => {
      listeners.delete(hear);
      if (listeners.size > 0 || this.#listeners.get(wearer) !== listeners) return;
      this.#listeners.delete(wearer);
      if (this.#listeners.size > 0) return;
      this.#cancelPoll?.();
      this.#cancelPoll = null;
      this.#following.abort();
      this.#following = new AbortController();
    };
  }

  async #poll(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#following;
    const beganAtMs = clock.monotonicMs();
    // Set, so that nobody else begins to poll; there is no timer to cancel.
    this.#cancelPoll = () => {};
    await this.#ask([...this.#listeners.keys()]);
    if (signal.aborted) return;
    const tookMs = clock.monotonicMs() - beganAtMs;
    this.#cancelPoll = clock.after(Math.max(0, POLL_MS - tookMs), () => this.#poll());
  }

  async #ask(wearers: readonly string[]): Promise<void> {
    const { counters, log } = this.#options;
    const { signal } = this.#following;
    const { byWearer, failure } = await readRuleStamps(this.#options, wearers, signal);
    if (signal.aborted) return;
    if (failure !== null) {
      counters.kvFailures++;
      // Once for an outage, not every second.
      if (!this.#isFailing) log.error("kv.rule_changes_failed", { reason: failure });
    }
    this.#isFailing = failure !== null;
    for (const [wearer, stamp] of byWearer) {
      for (const hear of [...this.#listeners.get(wearer) ?? []]) hear(stamp);
    }
  }
}
