/**
 * `POST /ask`: a question about what the wearer has seen, answered from the timeline (SPEC T9).
 *
 * @module
 */
import { type Context, Hono } from "@hono/hono";
import type { ModelIdentity } from "../inference/client.ts";
import { modelIdentityOf } from "../inference/modal_identity.ts";
import type { Ask, AskReply } from "../timeline/asking/asking.ts";
import { AskPlaces } from "../timeline/asking/places.ts";
import { type AskBody, readAskBody } from "./_ask_body.ts";
import { jsonOf, limitBody } from "./_json_body.ts";
import { watchForLeaving } from "./_leaving.ts";
import { reading, type ReadingDeps } from "./_reading.ts";
import { segmentView } from "./_records.ts";
import { wearerOf } from "./_wearer.ts";
import { type AccessEnv, requireScope } from "./access.ts";
import { invalidBody, tooMany, unavailable } from "./errors.ts";

const MAX_BODY_BYTES = 16 * 1024;
const RETRY_AFTER_S = 2;
/** Nobody is there to read it; the log shows it as nginx does. */
const CLIENT_LEFT = 499;

/** What the route needs. */
export interface AskDeps extends ReadingDeps {
  readonly ask: Ask;
  /** Whom questions go to where their headers say nothing; null where identities do not count. */
  readonly modelIdentity: ModelIdentity | null;
}

/** Serves `/ask`. */
export function askRoutes(deps: AskDeps): Hono<AccessEnv> {
  const places = new AskPlaces();
  return new Hono<AccessEnv>().post(
    "/ask",
    async (context, next) => {
      watchForLeaving(context.req.raw);
      await next();
    },
    requireScope("read"),
    limitBody(MAX_BODY_BYTES),
    async (context) => {
      const body = await jsonOf(context);
      const parsed = readAskBody(body);
      if (!parsed.success) return invalidBody(context, parsed.error, body);
      const place = places.take(wearerOf(context));
      if (place.kind === "full") return full(context, place.whose);
      try {
        return await answer(deps, context, parsed.data);
      } finally {
        place.leave();
      }
    },
  );
}

function full(context: Context, whose: "wearer" | "process"): Response {
  return whose === "wearer"
    ? tooMany(context, "Two questions are being answered already", RETRY_AFTER_S * 1000)
    : unavailable(context, "Too many questions are being answered already", RETRY_AFTER_S);
}

async function answer(
  deps: AskDeps,
  context: Context<AccessEnv>,
  body: AskBody,
): Promise<Response> {
  const { signal, headers } = context.req.raw;
  const identity = deps.modelIdentity && modelIdentityOf(headers, deps.modelIdentity);
  return await reading(deps, context, async () => {
    try {
      const reply = await deps.ask({ ...body, wearer: wearerOf(context), identity, signal });
      return context.json(viewOf(reply, body.zone));
    } catch (error) {
      if (!signal.aborted) throw error;
      return new Response(null, { status: CLIENT_LEFT });
    }
  });
}

function viewOf({ outcome, segments }: AskReply, zone: string | null) {
  return {
    outcome: outcome.kind,
    answer: outcome.kind === "unanswered" ? null : outcome.answer,
    reason: outcome.kind === "unanswered" ? outcome.reason : null,
    citations: outcome.kind === "answered" ? outcome.citations.map(({ id }) => id) : [],
    segments: segments.map((segment) => segmentView(segment, zone)),
  };
}
