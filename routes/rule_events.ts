/**
 * `GET /rules/{id}/events`: each time that a rule was due, and what became of it (SPEC R7).
 *
 * @module
 */
import { type Context, Hono } from "@hono/hono";
import type { RuleEventOutcome, RuleEventRecord } from "../kv/firing_keys.ts";
import type { MessageRecord } from "../kv/outbox_keys.ts";
import type { EventPosition, RuleCourses } from "../kv/rule_courses.ts";
import type { RuleStore } from "../rules/store.ts";
import { NAME } from "../wearers/principal.ts";
import { evidenceView } from "./_evidence_view.ts";
import { messageView } from "./_message_view.ts";
import { foreignCursor, nextCursor, readPageQuery } from "./_page_query.ts";
import { reading, type ReadingDeps } from "./_reading.ts";
import { timeFields } from "./_times.ts";
import { wearerOf } from "./_wearer.ts";
import { type AccessEnv, requireScope } from "./access.ts";

/** What the route needs. */
export interface RuleEventsDeps extends ReadingDeps {
  readonly rules: Pick<RuleStore, "get">;
  readonly courses: Pick<RuleCourses, "events">;
  readonly outbox: {
    readonly store: { get(wearer: string, id: string): Promise<MessageRecord | null> };
  };
}

/** Serves `/rules/{id}/events`. */
export function ruleEventRoutes(deps: RuleEventsDeps): Hono<AccessEnv> {
  return new Hono<AccessEnv>().get(
    "/rules/:id/events",
    requireScope("rules"),
    (context) => listEvents(deps, context, context.req.param("id")),
  );
}

async function listEvents(deps: RuleEventsDeps, context: Context<AccessEnv>, id: string) {
  const wearer = wearerOf(context);
  // Events are told from the newest on, all of them.
  const { limit, cursor, zone } = context.req.query();
  const given = { ...limit && { limit }, ...cursor && { cursor }, ...zone && { zone } };
  const query = readPageQuery(given, ["rule_events", wearer, id]);
  if (query.kind === "invalid") return context.json({ detail: query.detail }, 422);
  const { after } = query.page;
  if (after && !isPosition(after)) {
    return context.json({ detail: foreignCursor(cursor ?? "").detail }, 422);
  }
  return await reading(deps, context, async () => {
    const isKnown = NAME.test(id) && await deps.rules.get(wearer, id) !== null;
    if (!isKnown) return context.json({ detail: "There is no such rule" }, 404);
    const page = await deps.courses.events(wearer, id, { limit: query.page.limit, after });
    const messages = await Promise.all(page.items.map(({ outcome }) => {
      return outcome.kind === "fired" ? deps.outbox.store.get(wearer, outcome.messageId) : null;
    }));
    const items = page.items.map((event, at) => eventView(event, messages[at] ?? null, query.zone));
    return context.json({ items, next_cursor: nextCursor(query, page.next) });
  });
}

function isPosition(after: readonly (string | number)[]): after is EventPosition {
  const [dueMs, session, index] = after;
  return after.length === 3 && typeof dueMs === "number" && typeof session === "string" &&
    typeof index === "number" && !Object.is(dueMs, -0);
}

function eventView(event: RuleEventRecord, message: MessageRecord | null, zone: string | null) {
  const { evidence, outcome } = event;
  return {
    ...timeFields("due_at", event.dueMs, zone),
    ...timeFields("since", event.sinceMs, zone),
    held_s: event.heldMs / 1000,
    rule_version: event.ruleVersion,
    outcome: outcome.kind,
    reason: "reason" in outcome ? outcome.reason : null,
    confirmation: confirmationIn(outcome),
    ...evidenceView(evidence),
    message: outcome.kind === "fired" ? outcome.text : null,
    delivery: message && messageView(message, zone),
  };
}

function confirmationIn(outcome: RuleEventOutcome): string | null {
  return "confirmation" in outcome ? outcome.confirmation : null;
}
