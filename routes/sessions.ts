/**
 * `GET /sessions`, `GET /sessions/{id}`, `GET /sessions/{id}/chunks`: what streams left in the books
 * (SPEC T).
 *
 * @module
 */
import { type Context, Hono } from "@hono/hono";
import type { SessionStore } from "../kv/sessions.ts";
import { Pages } from "../timeline/pages.ts";
import { readPageQuery, readZone } from "./_page_query.ts";
import { pageAnswer, reading, type ReadingDeps } from "./_reading.ts";
import { chunkView, sessionView } from "./_records.ts";
import { wearerOf } from "./_wearer.ts";
import { type AccessEnv, requireScope } from "./access.ts";

/** No session has a longer name, and KV takes no key of any length. */
const MAX_ID_CHARS = 128;

/** What the routes need. */
export interface SessionsDeps extends ReadingDeps {
  readonly sessions: SessionStore;
}

/** Serves `/sessions`. */
export function sessionRoutes(deps: SessionsDeps): Hono<AccessEnv> {
  const pages = new Pages(deps);
  return new Hono<AccessEnv>()
    .get(
      "/sessions",
      requireScope("read", "timeline"),
      (context) => listSessions(deps, pages, context),
    )
    .get(
      "/sessions/:id",
      requireScope("read", "timeline"),
      (context) => showSession(deps, context, context.req.param("id")),
    )
    .get(
      "/sessions/:id/chunks",
      requireScope("read", "timeline"),
      (context) => listChunks(deps, pages, context, context.req.param("id")),
    );
}

async function listSessions(deps: SessionsDeps, pages: Pages, context: Context<AccessEnv>) {
  const wearer = wearerOf(context);
  const query = readPageQuery(context.req.query(), ["sessions", wearer]);
  if (query.kind === "invalid") return context.json({ detail: query.detail }, 422);
  return await reading(deps, context, async () => {
    const page = await pages.sessions(wearer, query.range, query.page);
    return pageAnswer(context, query, page, (session) => sessionView(session, query.zone));
  });
}

async function showSession(deps: SessionsDeps, context: Context<AccessEnv>, id: string) {
  const query = readZone(context.req.query());
  if (query.kind === "invalid") return context.json({ detail: query.detail }, 422);
  return await reading(deps, context, async () => {
    const session = await sessionOf(deps, wearerOf(context), id);
    return session ? context.json(sessionView(session, query.zone)) : unknownSession(context);
  });
}

async function listChunks(
  deps: SessionsDeps,
  pages: Pages,
  context: Context<AccessEnv>,
  id: string,
) {
  const wearer = wearerOf(context);
  // A session has its own time: its chunks are counted, not cut out of the day.
  const { from: _, to: __, ...given } = context.req.query();
  const query = readPageQuery(given, ["chunks", wearer, id]);
  if (query.kind === "invalid") return context.json({ detail: query.detail }, 422);
  return await reading(deps, context, async () => {
    const session = await sessionOf(deps, wearer, id);
    if (!session) return unknownSession(context);
    const page = await pages.chunks(wearer, id, query.page);
    return pageAnswer(context, query, page, (chunk) => chunkView(chunk, session, query.zone));
  });
}

function sessionOf({ sessions }: SessionsDeps, wearer: string, id: string) {
  return id.length > MAX_ID_CHARS ? null : sessions.getSession(wearer, id);
}

function unknownSession(context: Context<AccessEnv>): Response {
  return context.json({ detail: "There is no such session" }, 404);
}
