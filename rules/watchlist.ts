/**
 * What the wearers that stream here want to know of what they see: the questions that go with each of
 * their chunks, in memory and never more than about a second old.
 *
 * @module
 */
import type { Cancel } from "../clock.ts";
import type { Counters } from "../counters.ts";
import type { Question } from "../inference/client.ts";
import type { Rule } from "../kv/rule_keys.ts";
import type { ActiveRules } from "../kv/rule_records.ts";
import { type Logger, reasonOf } from "../log.ts";
import { questionOf } from "./question.ts";
import type { RuleStore } from "./store.ts";

/**
 * Tells the stamp of a wearer's rules soon, and about once a second from then on, until cancelled:
 * another stamp, other rules; null: the wearer never had any.
 */
export type FollowChanges = (wearer: string, hear: (stamp: string | null) => void) => Cancel;

/** What a {@link Watchlist} needs. */
export interface WatchlistOptions {
  readonly rules: Pick<RuleStore, "active">;
  readonly changes: { readonly follow: FollowChanges };
  readonly counters: Counters;
  readonly log: Logger;
}

/** The questions of one wearer, for as long as they are followed. */
export interface Watched {
  /** As they are known; none until they are. The same list until they change; does no I/O. */
  now(): readonly Question[];
  /** Ends following; a second call does nothing. */
  stop(): void;
}

/** A wearer that somebody follows here. */
interface Entry {
  followers: number;
  /** Undefined: not read yet. */
  known: ActiveRules | undefined;
  questions: readonly Question[];
  isReading: boolean;
  isFailing: boolean;
  unfollow: Cancel;
}

/** The questions of all wearers that are followed in this process. */
export class Watchlist {
  readonly #options: WatchlistOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: WatchlistOptions) {
    this.#options = options;
  }

  /** How many wearers are followed. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Follows the wearer's active rules, from now on and until stopped. Where KV cannot be read, what
   * was known goes on.
   */
  follow(wearer: string): Watched {
    const entry = this.#entries.get(wearer) ?? this.#begin(wearer);
    entry.followers++;
    let isFollowing = true;
    return {
      now: () => entry.questions,
      stop: () => {
        if (!isFollowing) return;
        isFollowing = false;
        if (--entry.followers > 0) return;
        entry.unfollow();
        this.#entries.delete(wearer);
      },
    };
  }

  /** The wearer's enabled rules as they are known; none where nobody follows them. Does no I/O. */
  rulesOf(wearer: string): readonly Rule[] {
    return this.#entries.get(wearer)?.known?.rules ?? [];
  }

  #begin(wearer: string): Entry {
    const entry: Entry = {
      followers: 0,
      known: undefined,
      questions: [],
      isReading: false,
      isFailing: false,
      unfollow: () => {},
    };
    this.#entries.set(wearer, entry);
    entry.unfollow = this.#options.changes.follow(wearer, (stamp) => {
      void this.#heard(wearer, entry, stamp);
    });
    return entry;
  }

  /** What is missed while it reads comes with the next stamp. */
  async #heard(wearer: string, entry: Entry, stamp: string | null): Promise<void> {
    // Nobody has rules before the first was added: then there is nothing to read.
    if ((entry.known?.stamp ?? null) === stamp || entry.isReading) return;
    entry.isReading = true;
    const { rules, counters, log } = this.#options;
    try {
      const known = await rules.active(wearer, entry.known);
      if (known !== entry.known) entry.questions = known.rules.map(questionOf);
      entry.known = known;
      entry.isFailing = false;
    } catch (error) {
      counters.kvFailures++;
      // Once for an outage, not every second.
      if (!entry.isFailing) log.error("kv.rules_failed", { reason: reasonOf(error) });
      entry.isFailing = true;
    } finally {
      entry.isReading = false;
    }
  }
}
