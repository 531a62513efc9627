/**
 * A wearer's rules in the books: how many there may be, and whether they have changed.
 *
 * @module
 */
import { type Clock, withDeadline } from "../clock.ts";
import { Lines } from "./_lines.ts";
import { CONFLICT, retryContended } from "./_retry_contended.ts";
import { until } from "./_until.ts";
import {
  type Rule,
  ruleKey,
  rulePrefix,
  type RuleRecord,
  ruleSetKey,
  type RuleSetRecord,
} from "./rule_keys.ts";

/** So many rules of a wearer may be enabled: each is a question with every chunk. */
export const MAX_ACTIVE_RULES = 20;

/** So many rules a wearer may have in all: they are listed as one. */
export const MAX_RULES = 100;

/** Whoever waits for longer is sent away; by then a contended commit has been given up. */
const TIMEOUT_MS = 5_000;

/** There is no room for one more. */
export interface RulesFull {
  readonly kind: "full";
  /** Whether too many are enabled, or too many are there at all. */
  readonly counts: "active" | "all";
  readonly limit: number;
}

/** There is no such rule of that wearer. */
export interface UnknownRule {
  readonly kind: "unknown";
}

/** It is in the books. */
export interface AddedRule {
  readonly kind: "added";
}

/** The rule as it is now. */
export interface ChangedRule {
  readonly kind: "changed";
  readonly rule: Rule;
}

/** It is in the books no more. */
export interface RemovedRule {
  readonly kind: "removed";
}

/** What a change is to be: the rule as it shall be, or a reason to leave it as it is. */
export type Decision<R> = { readonly kind: "write"; readonly rule: Rule } | R;

/** The enabled rules of a wearer at one moment. */
export interface ActiveRules {
  /** Another one with each commit that touched a rule; null: the wearer never had any. */
  readonly stamp: string | null;
  /** In the order in which they were added. */
  readonly rules: readonly Rule[];
}

/** What {@link RuleRecords} need. */
export interface RuleRecordsOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
}

type Members = RuleSetRecord["members"];

/** The rules of all wearers. Every method rejects with KV's own error, or when KV does not answer. */
export class RuleRecords {
  readonly #kv: Deno.Kv;
  readonly #clock: Clock;
  readonly #lines = new Lines();

  constructor({ kv, clock }: RuleRecordsOptions) {
    this.#kv = kv;
    this.#clock = clock;
  }

  /** All of a wearer, in the order in which they were added. */
  list(wearer: string): Promise<Rule[]> {
    return this.#inTime(async () => {
      // The set first: a rule that was added since is in the next list.
      const set = await this.#kv.get<RuleSetRecord>(ruleSetKey(wearer));
      return await this.#rulesOf(wearer, membersOf(set));
    });
  }

  /** Null: there is none of that id. */
  get(wearer: string, ruleId: string): Promise<Rule | null> {
    return this.#inTime(async () => (await this.#entryOf(wearer, ruleId)).value?.rule ?? null);
  }

  /**
   * The enabled rules. One small read, and `known` itself, where nothing has changed since.
   *
   * Of a change that is made meanwhile it may give the rules or not; the stamp is never newer than
   * the rules, so the next call finds what this one has missed.
   */
  active(wearer: string, known?: ActiveRules): Promise<ActiveRules> {
    return this.#inTime(async () => {
      const set = await this.#kv.get<RuleSetRecord>(ruleSetKey(wearer));
      if (known && known.stamp === set.versionstamp) return known;
      const enabled = membersOf(set).filter((member) => member.enabled);
      const rules = enabled.length === 0 ? [] : await this.#rulesOf(wearer, enabled);
      return { stamp: set.versionstamp, rules: rules.filter((rule) => rule.enabled) };
    });
  }

  /** Writes a new rule down, if there is room for it, whoever else adds one at that moment. */
  add(wearer: string, rule: Rule): Promise<AddedRule | RulesFull> {
    return this.#commit<AddedRule | RulesFull>(wearer, "add the rule", (before) => {
      const { id, enabled } = rule;
      const members = [...before, { id, enabled }];
      const full = roomIn(members, enabled);
      if (full) return { outcome: full };
      return {
        outcome: { kind: "added" },
        members,
        write: (commit) => commit.set(ruleKey(wearer, id), stored({ rule })),
      };
    });
  }

  /** Makes of a rule what `decide` says, which is asked again where somebody else was faster. */
  change<R extends { readonly kind: string }>(
    wearer: string,
    ruleId: string,
    decide: (current: Rule) => Decision<R>,
  ): Promise<ChangedRule | UnknownRule | RulesFull | R> {
    return this.#commit<ChangedRule | UnknownRule | RulesFull | R>(
      wearer,
      "change the rule",
      async (before) => {
        const { key, value } = await this.#entryOf(wearer, ruleId);
        if (!value) return { outcome: { kind: "unknown" } };
        const decision = decide(value.rule);
        if (!isWrite(decision)) return { outcome: decision };
        const { rule } = decision;
        const { enabled } = rule;
        const members = before.map((member) =>
          member.id === ruleId ? { ...member, enabled } : member
        );
        const full = enabled && !value.rule.enabled ? roomIn(members, true) : null;
        if (full) return { outcome: full };
        return {
          outcome: { kind: "changed", rule },
          members,
          write: (commit) => commit.set(key, stored({ rule })),
        };
      },
    );
  }

  /** Removes a rule. */
  remove(wearer: string, ruleId: string): Promise<RemovedRule | UnknownRule> {
    return this.#commit<RemovedRule | UnknownRule>(wearer, "remove the rule", async (before) => {
      const { key, value } = await this.#entryOf(wearer, ruleId);
      if (!value) return { outcome: { kind: "unknown" } };
      const members = before.filter(({ id }) => id !== ruleId);
      return { outcome: { kind: "removed" }, members, write: (commit) => commit.delete(key) };
    });
  }

  /** Read after the set: whoever changes the rule meanwhile changes the set, which commits check. */
  #entryOf(wearer: string, ruleId: string) {
    return this.#kv.get<RuleRecord>(ruleKey(wearer, ruleId));
  }

  /** The rules of these members, in their order, without those that were removed since. */
  async #rulesOf(wearer: string, members: Members): Promise<Rule[]> {
    const entries = this.#kv.list<RuleRecord>({ prefix: rulePrefix(wearer) });
    const byId = new Map<string, Rule>();
    for await (const { value: { rule } } of entries) byId.set(rule.id, rule);
    return members.flatMap(({ id }) => byId.get(id) ?? []);
  }

  /**
   * Does what `attempt` makes of the wearer's rules, unless they have changed meanwhile: then once
   * more. Who was sent away while waiting writes nothing.
   */
  #commit<T>(
    wearer: string,
    what: string,
    attempt: (members: Members) => Step<T> | Promise<Step<T>>,
  ): Promise<T> {
    const once = async (within: AbortSignal) => {
      const set = await this.#kv.get<RuleSetRecord>(ruleSetKey(wearer));
      const step = await attempt(membersOf(set));
      if (!("write" in step)) return step.outcome;
      within.throwIfAborted();
      const commit = this.#kv.atomic().check(set);
      commit.set(ruleSetKey(wearer), stored({ members: step.members }));
      const { ok } = await step.write(commit).commit();
      return ok ? step.outcome : CONFLICT;
    };
    return this.#inTime((within) =>
      this.#lines.enter(wearer, () => retryContended(this.#clock, what, () => once(within)))
    );
  }

  #inTime<T>(work: (within: AbortSignal) => Promise<T>): Promise<T> {
    return withDeadline(
      this.#clock,
      TIMEOUT_MS,
      null,
      (within) => until(within, work(within)),
    );
  }
}

/** What an attempt comes to: what it answers, and what is to be written for that. */
type Step<T> = { readonly outcome: T } | {
  readonly outcome: T;
  readonly members: Members;
  readonly write: (commit: Deno.AtomicOperation) => Deno.AtomicOperation;
};

function membersOf(set: Deno.KvEntryMaybe<RuleSetRecord>): Members {
  return set.value?.members ?? [];
}

/** Null: so many may be. */
function roomIn(members: Members, isEnabling: boolean): RulesFull | null {
  if (members.length > MAX_RULES) return { kind: "full", counts: "all", limit: MAX_RULES };
  const active = members.filter(({ enabled }) => enabled).length;
  return isEnabling && active > MAX_ACTIVE_RULES
    ? { kind: "full", counts: "active", limit: MAX_ACTIVE_RULES }
    : null;
}

function isWrite<R extends { readonly kind: string }>(
  decision: Decision<R>,
): decision is { readonly kind: "write"; readonly rule: Rule } {
  return decision.kind === "write";
}

function stored<T>(facts: T) {
  return { ...facts, version: 1, expiresAtMs: null } as const;
}
