/**
 * `GET /health` (WIRE H1): whether the process lives. Public, so it tells nothing about wearers.
 *
 * @module
 */
import { Hono } from "@hono/hono";
import type { Clock } from "../clock.ts";
import type { LiveStreams } from "../stream/live_streams.ts";
import type { Counters } from "../counters.ts";

/** What the answer is made of. */
export interface HealthDeps {
  readonly streams: LiveStreams;
  readonly counters: Counters;
  readonly clock: Clock;
}

/** Serves `/health`. */
export function healthRoutes({ streams, counters, clock }: HealthDeps): Hono {
  const startedAtMs = clock.monotonicMs();
  return new Hono().get("/health", (context) =>
    context.json({
      status: "ok",
      uptime_s: Math.round((clock.monotonicMs() - startedAtMs) / 1000),
      streams: streams.size,
      draining: streams.isDraining,
      kv_failures: counters.kvFailures,
    }));
}
