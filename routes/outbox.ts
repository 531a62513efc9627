/**
 * `GET /outbox`, `GET /outbox/{id}`, `POST /outbox/{id}/resend`: what left, what is to leave and what
 * could not (SPEC O).
 *
 * @module
 */
import { type Context, Hono } from "@hono/hono";
import { z } from "zod";
import { MESSAGE_STATES, type MessageState } from "../kv/outbox_keys.ts";
import type { Outbox, ResendOutcome } from "../messaging/outbox.ts";
import { webhookSecretOf } from "../messaging/webhook_signature.ts";
import { jsonOf, limitBody } from "./_json_body.ts";
import { messageView } from "./_message_view.ts";
import { invalid, readPageQuery, readZone } from "./_page_query.ts";
import { pageAnswer, reading, type ReadingDeps } from "./_reading.ts";
import { wearerOf } from "./_wearer.ts";
import { type AccessEnv, requireScope } from "./access.ts";
import { invalidBody } from "./errors.ts";

/** Who may say what leaves may see what left: texts are more than a token that only sends may read. */
const SCOPE = "rules";
const MAX_BODY_BYTES = 1024;
/** No message has a longer name, and KV takes no key of any length. */
const MAX_ID_CHARS = 128;
const STATE_MUST = `must be one of ${MESSAGE_STATES.join(", ")}`;

const resendSchema = z.object({
  even_if_arrived: z.boolean({ error: "must be true or false" }).default(false),
}, { error: "must be a JSON object, or nothing" });

/** What the routes need. */
export interface OutboxDeps extends ReadingDeps {
  readonly outbox: Outbox;
  /** What signs webhooks, the one in use first. */
  readonly webhookKeys: readonly string[];
}

/** Serves `/outbox`, and `/webhooks/secret`. */
export function outboxRoutes(deps: OutboxDeps): Hono<AccessEnv> {
  return new Hono<AccessEnv>()
    .get("/outbox", requireScope(SCOPE), (context) => listMessages(deps, context))
    .get(
      "/outbox/:id",
      requireScope(SCOPE),
      (context) => showMessage(deps, context, context.req.param("id")),
    )
    .post(
      "/outbox/:id/resend",
      requireScope(SCOPE),
      limitBody(MAX_BODY_BYTES),
      (context) => resend(deps, context, context.req.param("id")),
    )
    .get("/webhooks/secret", requireScope(SCOPE), (context) => tellSecrets(deps, context));
}

/** What the wearer's receivers check signatures with. */
async function tellSecrets({ webhookKeys }: OutboxDeps, context: Context<AccessEnv>) {
  if (webhookKeys.length === 0) {
    const detail = "WEBHOOK_SIGNING_KEYS must be set for webhooks to be signed: it is unset";
    return context.json({ detail }, 501);
  }
  const wearer = wearerOf(context);
  const secrets = await Promise.all(webhookKeys.map((key) => webhookSecretOf(key, wearer)));
  // Nobody on the way shall keep it.
  context.header("Cache-Control", "no-store");
  return context.json({ secrets });
}

async function listMessages(deps: OutboxDeps, context: Context<AccessEnv>) {
  const wearer = wearerOf(context);
  const { from: _, to: __, state = "", ...given } = context.req.query();
  if (state !== "" && !isState(state)) {
    return context.json({ detail: invalid("state", STATE_MUST, state).detail }, 422);
  }
  const query = readPageQuery(given, ["outbox", wearer, state]);
  if (query.kind === "invalid") return context.json({ detail: query.detail }, 422);
  const { order, limit, after } = query.page;
  return await reading(deps, context, async () => {
    const page = await deps.outbox.store.page(wearer, {
      order,
      limit,
      after: after && String(after[0]),
      state: state === "" ? null : state,
    });
    return pageAnswer(context, query, page, (message) => messageView(message, query.zone));
  });
}

async function showMessage(
  { outbox, ...deps }: OutboxDeps,
  context: Context<AccessEnv>,
  id: string,
) {
  const query = readZone(context.req.query());
  if (query.kind === "invalid") return context.json({ detail: query.detail }, 422);
  return await reading(deps, context, async () => {
    const message = isId(id) ? await outbox.store.get(wearerOf(context), id) : null;
    return message ? context.json(messageView(message, query.zone)) : unknownMessage(context);
  });
}

async function resend({ outbox, ...deps }: OutboxDeps, context: Context<AccessEnv>, id: string) {
  const body = await jsonOf(context) ?? {};
  const parsed = resendSchema.safeParse(body);
  if (!parsed.success) return invalidBody(context, parsed.error, body);
  if (!isId(id)) return unknownMessage(context);
  return await reading(deps, context, async () => {
    const { even_if_arrived } = parsed.data;
    return respond(context, await outbox.resend(wearerOf(context), id, even_if_arrived));
  });
}

function respond(context: Context, outcome: ResendOutcome): Response {
  switch (outcome.kind) {
    case "unknown":
      return unknownMessage(context);
    case "queued":
      return context.json(messageView(outcome.message, null), 202);
    case "not_over": {
      const { kind } = outcome.message.state;
      return refuse(context, `state must be dead or uncertain: current value is ${kind}`);
    }
    case "may_have_arrived":
      return refuse(context, "The message may have arrived: even_if_arrived must be true");
    case "not_kept":
      return refuse(context, "The message was sent while its caller waited: its text was not kept");
  }
}

function refuse(context: Context, detail: string): Response {
  return context.json({ detail }, 409);
}

function unknownMessage(context: Context): Response {
  return context.json({ detail: "There is no such message" }, 404);
}

function isState(text: string): text is MessageState["kind"] {
  return (MESSAGE_STATES as readonly string[]).includes(text);
}

function isId(id: string): boolean {
  return id.length <= MAX_ID_CHARS;
}
