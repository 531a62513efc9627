/**
 * `GET /vision/stream`: the WebSocket that glasses stream to (WIRE V).
 *
 * @module
 */
import { Hono } from "@hono/hono";
import { modelIdentityOf } from "../inference/modal_identity.ts";
import type { ModelIdentity } from "../inference/client.ts";
import { PROFILE_NAMES, profileNamed } from "../inference/profiles/profiles.ts";
import { DEFAULT_WEARER } from "../kv/keys.ts";
import type { RateLimiter } from "../kv/rate_limits.ts";
import { startStream, type StreamDeps } from "../stream/session.ts";
import type { Upgrade } from "../stream/socket.ts";
import { reasonOf } from "../log.ts";
import { tooMany } from "./errors.ts";

const WINDOW_MS = 60_000;
const DRAIN_RETRY_AFTER_S = 5;

/** What the route needs beside what streams share. */
export interface VisionDeps extends StreamDeps {
  readonly upgrade: Upgrade;
  readonly rateLimiter: RateLimiter;
  readonly streamsPerMinute: number;
  /** Whom streams speak to where their headers say nothing; null where identities do not count. */
  readonly modelIdentity: ModelIdentity | null;
}

/** Serves `/vision/stream`. */
export function visionRoutes(deps: VisionDeps): Hono {
  return new Hono().get("/vision/stream", async (context) => {
    const { req } = context;
    if (req.header("upgrade")?.toLowerCase() !== "websocket") {
      context.header("Upgrade", "websocket");
      return context.json({ detail: "Upgrade to WebSocket required" }, 426);
    }
    if (deps.streams.isDraining) {
      context.header("Retry-After", String(DRAIN_RETRY_AFTER_S));
      return context.json({ detail: "The server is going away: connect again" }, 503);
    }
    const prompt = promptFor(req.query("profile"), deps.vision.prompt);
    if (prompt === null) {
      const detail = `profile must be one of ${PROFILE_NAMES.join(", ")}: current value is ` +
        JSON.stringify(req.query("profile"));
      return context.json({ detail }, 422);
    }
    const wearer = DEFAULT_WEARER;
    const waitMs = await waitBeforeOpening(deps, wearer);
    if (waitMs > 0) {
      const detail = `Streams may be opened ${deps.streamsPerMinute} times per minute`;
      return tooMany(context, detail, waitMs);
    }
    const identity = deps.modelIdentity && modelIdentityOf(req.raw.headers, deps.modelIdentity);
    try {
      return deps.upgrade(
        req.raw,
        (socket) => startStream(deps, socket, { wearer, identity, prompt }),
      );
    } catch (error) {
      return context.json({ detail: `Cannot upgrade to WebSocket: ${reasonOf(error)}` }, 400);
    }
  });
}

/** What this stream looks for; null for a profile that does not exist. */
function promptFor(profile: string | undefined, configured: string): string | null {
  return profile ? profileNamed(profile)?.prompt ?? null : configured;
}

/**
 * Milliseconds until this wearer may open a stream; 0: now.
 *
 * Where KV cannot say, the stream is let in: seeing must not depend on the books. (Poke decides the
 * other way round.)
 */
async function waitBeforeOpening(deps: VisionDeps, wearer: string): Promise<number> {
  const limit = deps.streamsPerMinute;
  const taken = await deps.rateLimiter.take({
    scope: "streams",
    identity: wearer,
    limit,
    windowMs: WINDOW_MS,
  });
  switch (taken.kind) {
    case "allowed":
      return 0;
    case "limited":
      return taken.retryAfterMs;
    case "unavailable":
      deps.log.error("kv.rate_limit_failed", { scope: "streams", reason: taken.reason });
      deps.counters.kvFailures++;
      return 0;
  }
}
