/**
 * `GET /timeline` and `GET /timeline/live`: what was seen, and what is being seen (SPEC T).
 *
 * @module
 */
import { type Context, Hono } from "@hono/hono";
import type { Cancel } from "../clock.ts";
import { Pages } from "../timeline/pages.ts";
import type { Change, Watcher, Watchers } from "../timeline/watchers.ts";
import type { StandingOrders } from "../wearers/orders.ts";
import type { Tokens } from "../wearers/tokens.ts";
import { type EventSource, eventStream } from "./_event_stream.ts";
import { invalid, readPageQuery, readZone } from "./_page_query.ts";
import { pageAnswer, reading, type ReadingDeps, unreadable } from "./_reading.ts";
import { segmentView } from "./_records.ts";
import { wearerOf } from "./_wearer.ts";
import { type AccessEnv, requireScope } from "./access.ts";
import { unavailable } from "./errors.ts";

/** A watcher that lost its connection comes back after so long. */
const RETRY_MS = 1_000;
const RETRY_AFTER_S = 5;
const POSITION = /^[\da-f]{20}$/;
const POSITION_MUST_BE = "must be the id of an event of this stream";
const STREAM_HEADERS = { "content-type": "text/event-stream", "cache-control": "no-store" };

/** What the routes need. */
export interface TimelineDeps extends ReadingDeps {
  readonly watchers: Watchers;
  readonly tokens: Pick<Tokens, "watch">;
  readonly orders: Pick<StandingOrders, "whenErasing">;
}

/** Serves `/timeline`. */
export function timelineRoutes(deps: TimelineDeps): Hono<AccessEnv> {
  const pages = new Pages(deps);
  return new Hono<AccessEnv>()
    .get(
      "/timeline",
      requireScope("read", "timeline"),
      (context) => listSegments(deps, pages, context),
    )
    .get("/timeline/live", requireScope("read", "live"), (context) => watch(deps, context));
}

async function listSegments(deps: TimelineDeps, pages: Pages, context: Context<AccessEnv>) {
  const wearer = wearerOf(context);
  const query = readPageQuery(context.req.query(), ["timeline", wearer]);
  if (query.kind === "invalid") return context.json({ detail: query.detail }, 422);
  return await reading(deps, context, async () => {
    const page = await pages.segments(wearer, query.range, query.page);
    return pageAnswer(context, query, page, (segment) => segmentView(segment, query.zone));
  });
}

async function watch(deps: TimelineDeps, context: Context<AccessEnv>): Promise<Response> {
  const query = readZone(context.req.query());
  if (query.kind === "invalid") return context.json({ detail: query.detail }, 422);
  const after = context.req.header("last-event-id")?.trim() || null;
  if (after !== null && !POSITION.test(after)) {
    const { detail } = invalid("Last-Event-ID", POSITION_MUST_BE, after);
    return context.json({ detail }, 422);
  }
  // Nobody would ever read the stream, nor say that it may go.
  if (context.req.method === "HEAD") return context.body(null, { headers: STREAM_HEADERS });
  const watcher = deps.watchers.watch(wearerOf(context));
  switch (watcher) {
    case "full":
      return unavailable(context, "Too many watch already", RETRY_AFTER_S);
    case "closing":
      return unavailable(context, "The server is going away", RETRY_AFTER_S);
  }
  return await reading(deps, context, async () => {
    const { hasGap } = await begin(watcher, after);
    const source = eventsOf({
      watcher,
      first: opening(watcher.position, hasGap),
      zone: query.zone,
      guard: (ended) => {
        const cancels = [
          deps.tokens.watch(context.var.principal, ended),
          deps.orders.whenErasing(watcher.wearer, ended),
        ];
        return () => cancels.forEach((cancel) => cancel());
      },
      failed: (error) => unreadable(deps, error),
    });
    return new Response(eventStream(source, deps.clock), { headers: STREAM_HEADERS });
  });
}

async function begin(watcher: Watcher, after: string | null) {
  try {
    return await watcher.begin(after);
  } catch (error) {
    watcher.stop();
    throw error;
  }
}

/** The first thing said: from where a client goes on that loses its connection right now. */
function opening(position: string, hasGap: boolean): string {
  const detail = "More was missed than is said again: GET /timeline has it";
  const gap = hasGap ? `event: gap\ndata: ${JSON.stringify({ detail })}\n` : "";
  return `retry: ${RETRY_MS}\nid: ${position}\n${gap}\n`;
}

/** What a stream of events is made of. */
interface Watching {
  readonly watcher: Watcher;
  /** Said before all else. */
  readonly first: string;
  readonly zone: string | null;
  /** Calls back once what the request came with opens nothing any more. */
  readonly guard: (ended: () => void) => Cancel;
  readonly failed: (error: unknown) => void;
}

/** It ends where KV cannot be read: a client that comes back goes on without a gap. */
function eventsOf({ watcher, first, zone, guard, failed }: Watching): EventSource {
  let unsaid: string | null = first;
  let isShut = false;
  const cancelGuard = guard(() => {
    isShut = true;
    watcher.finish();
  });
  return {
    async next(waitMs) {
      if (unsaid !== null) {
        const said = unsaid;
        unsaid = null;
        return said;
      }
      const changes = await watcher.next(waitMs).catch(failed);
      if (isShut || !changes) return null;
      return changes.map((change) => eventOf(change, zone)).join("");
    },
    stop() {
      cancelGuard();
      watcher.stop();
    },
  };
}

/** The event's id is a place in the stream; the segment has one of its own, which stays. */
function eventOf({ position, segment }: Change, zone: string | null): string {
  const data = { ...segmentView(segment, zone), extended: segment.chunkCount > 1 };
  return `id: ${position}\nevent: segment\ndata: ${JSON.stringify(data)}\n\n`;
}
