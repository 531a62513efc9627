/**
 * `GET /profiles`: what the glasses can be asked to look for.
 *
 * @module
 */
import { Hono } from "@hono/hono";
import { PROFILES } from "../inference/profiles/profiles.ts";

/** Serves `/profiles`. */
export function profileRoutes(): Hono {
  return new Hono().get("/profiles", (context) => context.json({ profiles: PROFILES }));
}
