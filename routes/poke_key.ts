/**
 * `/wearers/{id}/poke-key`: the key by which a wearer's messages go to its own phone (SPEC A16).
 *
 * It comes in and is never told again, nor any part of it.
 *
 * @module
 */
import { type Context, Hono } from "@hono/hono";
import { z } from "zod";
import { KEY_MUST, SENDABLE_KEY } from "../messaging/poke.ts";
import type { PokeKeyFacts, PokeKeys } from "../messaging/poke_keys.ts";
import { forWearer, orUnavailable, type WearerBooksDeps } from "./_for_wearer.ts";
import { jsonOf, limitBody } from "./_json_body.ts";
import { timeOf } from "./_not_issued.ts";
import type { AccessEnv } from "./access.ts";
import { invalidSecret } from "./errors.ts";

const MAX_BODY_BYTES = 4 * 1024;
const PATH = "/wearers/:wearer/poke-key";

const BODY = z.object({
  key: z.string({ error: KEY_MUST }).regex(SENDABLE_KEY, KEY_MUST),
}, { error: "must be a JSON object" });

/** What the routes need. */
export interface PokeKeyDeps extends WearerBooksDeps {
  readonly pokeKeys: Pick<PokeKeys, "describe" | "set" | "remove">;
}

/** Serves `/wearers/{id}/poke-key`. */
export function pokeKeyRoutes(deps: PokeKeyDeps): Hono<AccessEnv> {
  const { pokeKeys } = deps;
  return new Hono<AccessEnv>()
    .get(PATH, ...forWearer, (context) => {
      const { wearer } = context.req.param();
      return orUnavailable(deps, context, () => describe(deps, context, wearer));
    })
    .put(PATH, ...forWearer, limitBody(MAX_BODY_BYTES), async (context) => {
      const { wearer } = context.req.param();
      const body = await jsonOf(context);
      const read = BODY.safeParse(body);
      if (!read.success) return invalidSecret(context, read.error, body);
      return await orUnavailable(deps, context, async () => {
        const isKept = await pokeKeys.set(wearer, read.data.key);
        return isKept ? await describe(deps, context, wearer) : notKept(context);
      });
    })
    .delete(PATH, ...forWearer, (context) => {
      const { wearer } = context.req.param();
      return orUnavailable(deps, context, async () => {
        await pokeKeys.remove(wearer);
        return context.body(null, 204);
      });
    });
}

async function describe({ pokeKeys }: PokeKeyDeps, context: Context, wearer: string) {
  return context.json(described(wearer, await pokeKeys.describe(wearer)));
}

function described(wearer: string, { setAtMs, isUsable, source }: PokeKeyFacts) {
  return {
    wearer,
    set: setAtMs !== null,
    usable: isUsable,
    since: setAtMs === null ? null : timeOf(setAtMs),
    source,
  };
}

function notKept(context: Context): Response {
  const detail = "SECRET_SEALING_KEYS must be set for Poke keys to be kept: it is unset";
  return context.json({ detail }, 501);
}
