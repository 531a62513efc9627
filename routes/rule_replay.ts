/**
 * `POST /rules/{id}/test`: when a rule would have fired (SPEC R9).
 *
 * @module
 */
import { type Context, Hono } from "@hono/hono";
import type { ModelIdentity } from "../inference/client.ts";
import { modelIdentityOf } from "../inference/modal_identity.ts";
import type { Replay, ReplayRule } from "../rules/replay.ts";
import type { RuleStore } from "../rules/store.ts";
import { AskPlaces } from "../timeline/asking/places.ts";
import { NAME } from "../wearers/principal.ts";
import { evidenceView } from "./_evidence_view.ts";
import { jsonOf, limitBody } from "./_json_body.ts";
import { watchForLeaving } from "./_leaving.ts";
import { reading, type ReadingDeps } from "./_reading.ts";
import { readReplayBody, type ReplayBody } from "./_replay_body.ts";
import { timeFields } from "./_times.ts";
import { wearerOf } from "./_wearer.ts";
import { type AccessEnv, requireScope } from "./access.ts";
import { invalidBody, tooMany, unavailable } from "./errors.ts";

const MAX_BODY_BYTES = 4 * 1024;
const RETRY_AFTER_S = 5;
/** Nobody is there to read it; the log shows it as nginx does. */
const CLIENT_LEFT = 499;

/** What the route needs. */
export interface RuleReplayDeps extends ReadingDeps {
  readonly rules: Pick<RuleStore, "get">;
  readonly replay: ReplayRule;
  /** Who is asked where headers say nothing; null where identities do not count. */
  readonly modelIdentity: ModelIdentity | null;
}

/** Serves `/rules/{id}/test`. */
export function ruleReplayRoutes(deps: RuleReplayDeps): Hono<AccessEnv> {
  const places = new AskPlaces();
  return new Hono<AccessEnv>().post(
    "/rules/:id/test",
    async (context, next) => {
      watchForLeaving(context.req.raw);
      await next();
    },
    requireScope("rules"),
    limitBody(MAX_BODY_BYTES),
    async (context) => {
      const body = await jsonOf(context);
      const parsed = readReplayBody(body, deps.clock.epochMs());
      if (!parsed.success) return invalidBody(context, parsed.error, body);
      const place = places.take(wearerOf(context));
      if (place.kind === "full") {
        const detail = "Rules are being tested already";
        return place.whose === "wearer"
          ? tooMany(context, detail, RETRY_AFTER_S * 1000)
          : unavailable(context, detail, RETRY_AFTER_S);
      }
      try {
        return await replayed(deps, context, context.req.param("id"), parsed.data);
      } finally {
        place.leave();
      }
    },
  );
}

async function replayed(
  deps: RuleReplayDeps,
  context: Context<AccessEnv>,
  id: string,
  { fromMs, toMs, zone }: ReplayBody,
): Promise<Response> {
  const wearer = wearerOf(context);
  const { signal, headers } = context.req.raw;
  const identity = deps.modelIdentity && modelIdentityOf(headers, deps.modelIdentity);
  return await reading(deps, context, async () => {
    const rule = NAME.test(id) ? await deps.rules.get(wearer, id) : null;
    if (!rule) return context.json({ detail: "There is no such rule" }, 404);
    try {
      const replay = await deps.replay({ wearer, rule, fromMs, toMs, identity, signal });
      return context.json(viewOf(replay, zone));
    } catch (error) {
      if (!signal.aborted) throw error;
      return new Response(null, { status: CLIENT_LEFT });
    }
  });
}

function viewOf({ wouldFire, ...replay }: Replay, zone: string | null) {
  return {
    would_fire: wouldFire.map((firing) => ({
      ...timeFields("at", firing.dueMs, zone),
      ...timeFields("since", firing.sinceMs, zone),
      held_s: firing.heldMs / 1000,
      ...evidenceView(firing.evidence),
    })),
    judged: replay.judgedByAnswer + replay.judgedByCaption,
    judged_by_caption: replay.judgedByCaption,
    not_judged: replay.notJudged,
    reason: replay.reason,
  };
}
