/**
 * What a wearer wants to be told of (SPEC R).
 *
 * @module
 */
import { at, type Requests } from "./_requests.ts";
import { type ListQuery, pagesOf } from "./_pages.ts";
import { Refused } from "./refused.ts";
import type { Manners, Rule, RuleDraft, RuleEvent, RulePatch, RuleTest } from "./rule_records.ts";

const CONFLICT = 412;

/** What became of a change. */
export type RuleChange =
  | { readonly kind: "changed"; readonly rule: Rule }
  /** Somebody else has changed it: as it is now. */
  | { readonly kind: "conflict"; readonly current: Rule };

/** Requests about rules. */
export function rulesApi(requests: Requests) {
  return {
    list: async () => (await requests.json<{ items: readonly Rule[] }>("GET", "/rules")).items,
    add: (draft: RuleDraft) => requests.json<Rule>("POST", "/rules", { body: draft }),
    get: (id: string) => requests.json<Rule>("GET", at("rules", id)),
    /** @param version the only one that is changed; without, whatever is there */
    change: (id: string, patch: RulePatch, version?: number) =>
      change(requests, id, patch, version),
    remove: (id: string) => requests.done("DELETE", at("rules", id)),
    /** Each time that it was due, the newest first. */
    events: (id: string, query: Omit<ListQuery, "order"> = {}) =>
      pagesOf<RuleEvent>(requests, at("rules", id, "events"), { ...query }),
    /** When it would have fired, of 24 hours at most; nothing is sent. */
    test: (id: string, range: { from: string | number; to?: string | number; zone?: string }) =>
      requests.json<RuleTest>("POST", at("rules", id, "test"), { body: range }),
    manners: () => requests.json<Manners>("GET", "/manners"),
    setManners: (manners: Partial<Manners>) =>
      requests.json<Manners>("PUT", "/manners", { body: manners }),
  };
}

async function change(
  requests: Requests,
  id: string,
  patch: RulePatch,
  version?: number,
): Promise<RuleChange> {
  const headers = version === undefined ? {} : { "if-match": `"${version}"` };
  try {
    const rule = await requests.json<Rule>("PATCH", at("rules", id), { body: patch, headers });
    return { kind: "changed", rule };
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== CONFLICT) throw error;
    return { kind: "conflict", current: (error.body as { current: Rule }).current };
  }
}
