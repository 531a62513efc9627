/**
 * `/rules` and `/rules/{id}`: what a wearer wants to be told of (SPEC R).
 *
 * @module
 */
import { type Context, Hono } from "@hono/hono";
import type { Rule } from "../kv/rule_keys.ts";
import type { RulesFull } from "../kv/rule_records.ts";
import { ruleView } from "../rules/rule.ts";
import type { ChangeOutcome, RuleStore } from "../rules/store.ts";
import { NAME } from "../wearers/principal.ts";
import { jsonOf, limitBody } from "./_json_body.ts";
import { reading, type ReadingDeps } from "./_reading.ts";
import { readChange } from "./_rule_change.ts";
import { wearerOf } from "./_wearer.ts";
import { type AccessEnv, requireScope } from "./access.ts";
import { invalidBody } from "./errors.ts";

const MAX_BODY_BYTES = 16 * 1024;
const OUTAGE = "The rules cannot be read or changed now: come again";

/** What the routes need. */
export interface RulesDeps extends ReadingDeps {
  readonly rules: RuleStore;
}

/** Serves `/rules`. */
export function ruleRoutes(deps: RulesDeps): Hono<AccessEnv> {
  const { rules } = deps;
  const may = requireScope("rules");
  const limit = limitBody(MAX_BODY_BYTES);
  return new Hono<AccessEnv>()
    .post("/rules", may, limit, (context) => addRule(deps, context))
    .get("/rules", may, (context) =>
      kept(deps, context, async () => {
        const all = await rules.list(wearerOf(context));
        return context.json({ items: all.map(ruleView) });
      }))
    .get("/rules/:id", may, (context) =>
      kept(deps, context, async () => {
        const id = context.req.param("id");
        const rule = NAME.test(id) ? await rules.get(wearerOf(context), id) : null;
        return rule ? told(context, rule) : unknownRule(context);
      }))
    .patch(
      "/rules/:id",
      may,
      limit,
      (context) => changeRule(deps, context, context.req.param("id")),
    )
    .delete("/rules/:id", may, (context) =>
      kept(deps, context, async () => {
        const id = context.req.param("id");
        const isGone = NAME.test(id) &&
          (await rules.remove(wearerOf(context), id)).kind === "removed";
        return isGone ? context.body(null, 204) : unknownRule(context);
      }));
}

async function addRule(deps: RulesDeps, context: Context<AccessEnv>): Promise<Response> {
  const body = await jsonOf(context);
  const read = deps.rules.draft.safeParse(body);
  if (!read.success) return invalidBody(context, read.error, body);
  return await kept(deps, context, async () => {
    const outcome = await deps.rules.add(wearerOf(context), read.data);
    if (outcome.kind === "full") return full(context, outcome);
    context.header("Location", `/rules/${outcome.rule.id}`);
    return told(context, outcome.rule, 201);
  });
}

async function changeRule(
  deps: RulesDeps,
  context: Context<AccessEnv>,
  id: string,
): Promise<Response> {
  const read = readChange(await jsonOf(context), context.req.header("if-match"));
  if (read.kind === "invalid") return context.json({ detail: read.detail }, 422);
  if (!NAME.test(id)) return unknownRule(context);
  return await kept(deps, context, async () => {
    const { patch, expectedVersion } = read;
    const outcome = await deps.rules.change(wearerOf(context), id, patch, expectedVersion);
    return changed(context, outcome);
  });
}

function changed(context: Context, outcome: ChangeOutcome): Response {
  switch (outcome.kind) {
    case "changed":
      return told(context, outcome.rule);
    case "unknown":
      return unknownRule(context);
    case "full":
      return full(context, outcome);
    case "invalid":
      return invalidBody(context, outcome.error, outcome.body);
    case "conflict": {
      const { current } = outcome;
      const detail = `version must be the rule's own, which is ${current.version}: ` +
        "somebody has changed it";
      return context.json({ detail, current: ruleView(current) }, 412);
    }
  }
}

function told(context: Context, rule: Rule, status: 200 | 201 = 200): Response {
  context.header("ETag", `"${rule.version}"`);
  return context.json(ruleView(rule), status);
}

function full(context: Context, { counts, limit }: RulesFull): Response {
  const detail = counts === "active"
    ? `At most ${limit} rules may be enabled: disable or remove one`
    : `A wearer may have at most ${limit} rules: remove one`;
  return context.json({ detail }, 409);
}

function unknownRule(context: Context): Response {
  return context.json({ detail: "There is no such rule" }, 404);
}

function kept(deps: RulesDeps, context: Context, answer: () => Promise<Response>) {
  return reading(deps, context, answer, OUTAGE);
}
