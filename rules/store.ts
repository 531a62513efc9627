/**
 * The rules of wearers: kept, listed, changed, removed.
 *
 * @module
 */
import type { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Rule, RuleDraft } from "../kv/rule_keys.ts";
import {
  type ActiveRules,
  type ChangedRule,
  type Decision,
  type RemovedRule,
  RuleRecords,
  type RulesFull,
  type UnknownRule,
} from "../kv/rule_records.ts";
import { mergePatch } from "./_merge_patch.ts";
import { bodyOf, givenOf, ruleDraft } from "./rule.ts";

type RuleSchema = ReturnType<typeof ruleDraft>;

/** What became of a new rule. */
export type AddOutcome = { readonly kind: "added"; readonly rule: Rule } | RulesFull;

/** What became of a change. */
export type ChangeOutcome = Decided | UnknownRule | RulesFull;

/** What is decided once the rule is known. */
type Decided =
  /** The rule as it is now; a patch that changes nothing leaves its version. */
  | ChangedRule
  /** Somebody else has changed it: it is not the version that was expected. */
  | { readonly kind: "conflict"; readonly current: Rule }
  /** The patch would make no good rule of it: `body` is what it would make. */
  | { readonly kind: "invalid"; readonly error: z.ZodError; readonly body: unknown };

/** What became of a removal. */
export type RemoveOutcome = RemovedRule | UnknownRule;

/** Keeps rules. Every method rejects with KV's own error, or when KV does not answer. */
export interface RuleStore {
  /** What it takes from clients. */
  readonly draft: RuleSchema;
  /** Keeps a new rule. A wearer has room for 100 of them, 20 enabled. */
  add(wearer: string, draft: RuleDraft): Promise<AddOutcome>;
  /** All of a wearer, in the order in which they were added. */
  list(wearer: string): Promise<Rule[]>;
  /** Null: the wearer has none of that id. */
  get(wearer: string, ruleId: string): Promise<Rule | null>;
  /**
   * Changes a rule.
   *
   * @param patch a JSON merge patch (RFC 7396) of the rule as clients write it: null brings a default
   * back
   * @param expectedVersion the version that the change was made for; left out: whichever it is
   */
  change(
    wearer: string,
    ruleId: string,
    patch: unknown,
    expectedVersion?: number,
  ): Promise<ChangeOutcome>;
  /** Removes a rule for good. */
  remove(wearer: string, ruleId: string): Promise<RemoveOutcome>;
  /**
   * The enabled rules, for whoever looks at every chunk: asked once a second with the last answer, it
   * costs one small read, gives that very answer while nothing has changed, and knows within that
   * second what another process has changed.
   */
  active(wearer: string, known?: ActiveRules): Promise<ActiveRules>;
}

/** What a {@link RuleStore} needs. */
export interface RuleStoreOptions {
  readonly kv: Deno.Kv;
  readonly clock: Clock;
  readonly newId: () => string;
  /** Whether webhooks may lead to this machine itself (for development); default: they may not. */
  readonly allowsLoopback?: boolean;
}

/** Opens the store for all wearers; it need not be closed. */
export function createRuleStore(options: RuleStoreOptions): RuleStore {
  const { clock, newId } = options;
  const records = new RuleRecords(options);
  const draft = ruleDraft(options.allowsLoopback ?? false);
  return {
    draft,
    async add(wearer, given) {
      const nowMs = clock.epochMs();
      const rule = { ...given, id: newId(), version: 1, createdAtMs: nowMs, changedAtMs: nowMs };
      const added = await records.add(wearer, rule);
      return added.kind === "added" ? { kind: "added", rule } : added;
    },
    list: (wearer) => records.list(wearer),
    get: (wearer, ruleId) => records.get(wearer, ruleId),
    change: (wearer, ruleId, patch, expectedVersion) =>
      records.change<Decided>(wearer, ruleId, (current) => {
        if (expectedVersion !== undefined && expectedVersion !== current.version) {
          return { kind: "conflict", current };
        }
        return patched(draft, current, patch, clock.epochMs());
      }),
    remove: (wearer, ruleId) => records.remove(wearer, ruleId),
    active: (wearer, known) => records.active(wearer, known),
  };
}

function patched(
  draft: RuleSchema,
  current: Rule,
  patch: unknown,
  nowMs: number,
): Decision<Decided> {
  const body = mergePatch(givenOf(current), patch);
  const read = draft.safeParse(body);
  if (!read.success) return { kind: "invalid", error: read.error, body };
  const isSame = JSON.stringify(bodyOf(read.data)) === JSON.stringify(bodyOf(current));
  if (isSame) return { kind: "changed", rule: current };
  const version = current.version + 1;
  const asked = read.data.when === current.when ? {} : { whenVersion: version };
  const rule = { ...current, ...read.data, ...asked, version, changedAtMs: nowMs };
  return { kind: "write", rule };
}
