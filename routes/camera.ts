/**
 * `/camera`: pauses the camera of a wearer from outside, for all its streams (SPEC A14).
 *
 * Whoever may stream may say that nothing is looked at, and that it is again; so may who acts for
 * the wearer in all things. Who only reads may not: it would decide what is seen.
 *
 * @module
 */
import { type Context, Hono } from "@hono/hono";
import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Counters } from "../counters.ts";
import { type Logger, reasonOf } from "../log.ts";
import type { Cameras, CameraState } from "../wearers/camera.ts";
import { jsonOf, limitBody } from "./_json_body.ts";
import { wearerOf } from "./_wearer.ts";
import { type AccessEnv, requireScope } from "./access.ts";
import { invalidBody, unavailable } from "./errors.ts";

const MAX_BODY_BYTES = 1024;
const MAX_PAUSE_S = 86_400;
const RETRY_AFTER_S = 1;
const FOR_MUST = `must be a whole number of seconds from 1 to ${MAX_PAUSE_S}, or left out`;

const BODY = z.object({
  for_s: z.int({ error: FOR_MUST }).min(1, FOR_MUST).max(MAX_PAUSE_S, FOR_MUST).optional(),
}, { error: "must be a JSON object, or empty" });

/** What the routes need. */
export interface CameraDeps {
  readonly cameras: Cameras;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly log: Logger;
}

/** Serves `/camera`, `/camera/pause` and `/camera/unpause`. */
export function cameraRoutes(deps: CameraDeps): Hono<AccessEnv> {
  const { cameras, clock } = deps;
  const mayPause = requireScope("stream", "admin");
  const limit = limitBody(MAX_BODY_BYTES);
  return new Hono<AccessEnv>()
    .get("/camera", mayPause, (context) => {
      return answer(deps, context, () => cameras.state(wearerOf(context)));
    })
    .post("/camera/pause", mayPause, limit, async (context) => {
      const body = await jsonOf(context);
      const read = BODY.safeParse(body === undefined ? {} : body);
      if (!read.success) return invalidBody(context, read.error, body);
      const { for_s } = read.data;
      const untilMs = for_s === undefined ? null : clock.epochMs() + for_s * 1000;
      return await answer(deps, context, () => cameras.pause(wearerOf(context), untilMs));
    })
    .post("/camera/unpause", mayPause, limit, (context) => {
      return answer(deps, context, () => cameras.unpause(wearerOf(context)));
    });
}

/** What KV refuses may be asked again. */
async function answer(
  { counters, log }: CameraDeps,
  context: Context,
  act: () => Promise<CameraState>,
): Promise<Response> {
  try {
    return context.json(view(await act()));
  } catch (error) {
    counters.kvFailures++;
    log.error("kv.camera_failed", { reason: reasonOf(error) });
    const detail = "It is not known whether the camera is paused now: come again";
    return unavailable(context, detail, RETRY_AFTER_S);
  }
}

function view(state: CameraState) {
  if (state.kind === "on") return { state: "on" };
  const { sinceMs, untilMs } = state;
  return {
    state: "paused",
    since: new Date(sinceMs).toISOString(),
    until: untilMs === null ? null : new Date(untilMs).toISOString(),
  };
}
