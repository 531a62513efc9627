/**
 * `POST /poke/send`: one text message through Poke, while the caller waits (WIRE P).
 *
 * @module
 */
import { type Context, Hono } from "@hono/hono";
import { z } from "zod";
import type { Counters } from "../counters.ts";
import type { Logger } from "../log.ts";
import type { DeliveryOutcome } from "../messaging/channel.ts";
import type { PokeKeys } from "../messaging/poke_keys.ts";
import { type SenderDeps, sendOnce, type SendOutcome } from "../messaging/send_once.ts";
import { jsonOf, limitBody } from "./_json_body.ts";
import { type AccessEnv, requireScope } from "./access.ts";
import { invalidBody, tooMany, unavailable } from "./errors.ts";

const MAX_BODY_BYTES = 64 * 1024;
const MAX_MESSAGE_CHARS = 4000;
const MAX_IDEMPOTENCY_KEY_CHARS = 255;
const UNAVAILABLE_RETRY_AFTER_S = 1;

const MUST = `must be a text of 1 to ${MAX_MESSAGE_CHARS} characters`;
const sendSchema = z.object({
  message: z.string({ error: MUST }).max(MAX_MESSAGE_CHARS, MUST).regex(/\S/, MUST),
}, { error: "must be a JSON object" });

/** What the route needs. */
export interface PokeDeps extends Omit<SenderDeps, "answerTo" | "answerNotKept"> {
  /** For requests that bring no key. */
  readonly pokeKeys: Pick<PokeKeys, "keyOf">;
  readonly counters: Counters;
  readonly log: Logger;
}

/** Serves `/poke/send`. */
export function pokeRoutes(deps: PokeDeps): Hono<AccessEnv> {
  const before = [requireScope("poke"), limitBody(MAX_BODY_BYTES)] as const;
  return new Hono<AccessEnv>().post("/poke/send", ...before, async (context) => {
    const body = await jsonOf(context);
    const parsed = sendSchema.safeParse(body);
    if (!parsed.success) return invalidBody(context, parsed.error, body);
    const idempotencyKey = context.req.header("idempotency-key")?.trim() || null;
    if (idempotencyKey && idempotencyKey.length > MAX_IDEMPOTENCY_KEY_CHARS) {
      const detail = `Idempotency-Key must be at most ${MAX_IDEMPOTENCY_KEY_CHARS} characters: ` +
        `current value has ${idempotencyKey.length}`;
      return context.json({ detail }, 422);
    }
    const { wearer } = context.var.principal;
    const found = await keyFor(deps, context, wearer);
    if (found.kind === "missing") return context.json({ detail: found.cause }, 500);
    if (found.kind === "unavailable") {
      const detail = `${found.cause}, so nothing was sent`;
      return unavailable(context, detail, UNAVAILABLE_RETRY_AFTER_S);
    }
    const request = { wearer, text: parsed.data.message, key: found.key, idempotencyKey };
    const answerNotKept = (reason: string) => countKvFailure(deps, "kv.poke_answer_lost", reason);
    const sent = await sendOnce({ ...deps, answerTo, answerNotKept }, request);
    return respond(context, deps, sent);
  });
}

/** P2: the key that the request brings, else the wearer's. */
async function keyFor({ pokeKeys }: PokeDeps, context: Context, wearer: string) {
  const key = context.req.header("x-poke-api-key")?.trim();
  return key ? { kind: "found", key } as const : await pokeKeys.keyOf(wearer);
}

function countKvFailure({ log, counters }: PokeDeps, event: string, reason: string): void {
  counters.kvFailures++;
  log.error(event, { reason });
}

/** P1 and P4. */
function answerTo(outcome: DeliveryOutcome): { status: number; body: string } {
  return outcome.kind === "delivered"
    ? { status: 200, body: JSON.stringify({ success: true, data: outcome.answer, error: null }) }
    : { status: 502, body: JSON.stringify({ detail: outcome.cause }) };
}

function respond(context: Context, deps: PokeDeps, outcome: SendOutcome): Response {
  switch (outcome.kind) {
    case "answered": {
      const body = outcome.body ?? JSON.stringify({ success: true, data: null, error: null });
      const headers = { "content-type": "application/json" };
      const replay = outcome.isReplay ? { "idempotency-replayed": "true" } : {};
      return new Response(body, { status: outcome.status, headers: { ...headers, ...replay } });
    }
    case "limited": {
      const detail = `Messages may be sent ${deps.sendsPerHour} times per hour`;
      return tooMany(context, detail, outcome.retryAfterMs);
    }
    case "in_flight":
      return context.json({ detail: "The same message is being sent right now" }, 409);
    case "conflict":
      return context.json({ detail: "Idempotency-Key was used for another message" }, 422);
    case "unknown":
      return context.json({ detail: "An earlier attempt under this key may have arrived" }, 409);
    case "unavailable":
      countKvFailure(deps, "kv.poke_failed", outcome.reason);
      context.header("Retry-After", String(UNAVAILABLE_RETRY_AFTER_S));
      return context.json({ detail: "The send could not be counted, so it was not made" }, 503);
  }
}
