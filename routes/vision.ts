/**
 * `GET /vision/stream`: the WebSocket that glasses stream to (WIRE V, S).
 *
 * @module
 */
import { type Context, Hono } from "@hono/hono";
import { modelIdentityOf } from "../inference/modal_identity.ts";
import type { ModelIdentity } from "../inference/client.ts";
import type { RateLimiter } from "../kv/rate_limits.ts";
import { reasonOf } from "../log.ts";
import type { Admission } from "../stream/admission.ts";
import {
  ERASED,
  type FollowCamera,
  type Guard,
  startStream,
  type StreamDeps,
} from "../stream/session.ts";
import { type BeginningDeps, beginSession, type Begun, goOnWith } from "../stream/session_start.ts";
import type { Socket, Upgrade } from "../stream/socket.ts";
import type { Wire } from "../stream/wire.ts";
import { WireV1 } from "../stream/wire_v1.ts";
import { PROTOCOL_V2, WireV2 } from "../stream/wire_v2.ts";
import type { StandingOrders } from "../wearers/orders.ts";
import type { Tokens } from "../wearers/tokens.ts";
import { readStreamQuery, type StreamQuery } from "./_stream_query.ts";
import { watchForLeaving } from "./_leaving.ts";
import { type AccessEnv, requireScope } from "./access.ts";
import { tooMany, unavailable } from "./errors.ts";

const WINDOW_MS = 60_000;
const RETRY_AFTER_S = 5;
/** Nobody is there to read it; the log shows it as nginx does. */
const CLIENT_LEFT = 499;
/** A claim that KV does not answer by then is refused: the client asks again. */
const CLAIM_TIMEOUT_MS = 4_000;

const TOKEN_ENDED = {
  expired: "the token has expired: connect with another",
  revoked: "the token was revoked: connect with another",
};

/** What the route needs beside what streams share. */
export interface VisionDeps extends StreamDeps, BeginningDeps {
  readonly upgrade: Upgrade;
  readonly tokens: Pick<Tokens, "watch">;
  readonly orders: Pick<StandingOrders, "ask" | "followCamera" | "whenErasing">;
  readonly admission: Admission;
  readonly rateLimiter: RateLimiter;
  readonly streamsPerMinute: number;
  /** Streams of a wearer at once, for the answer to one too many. */
  readonly maxStreams: number;
  /** Whom streams speak to where their headers say nothing; null where identities do not count. */
  readonly modelIdentity: ModelIdentity | null;
}

/** Serves `/vision/stream`. */
export function visionRoutes(deps: VisionDeps): Hono<AccessEnv> {
  return new Hono<AccessEnv>().get("/vision/stream", requireScope("stream"), async (context) => {
    const { req } = context;
    watchForLeaving(req.raw);
    if (req.header("upgrade")?.toLowerCase() !== "websocket") {
      context.header("Upgrade", "websocket");
      return context.json({ detail: "Upgrade to WebSocket required" }, 426);
    }
    const refusal = deps.admission.refusal();
    if (refusal) return unavailable(context, refusal.detail, refusal.retryAfterS);
    const isV2 = offersV2(req.header("sec-websocket-protocol"));
    const query = readStreamQuery(req.query(), isV2);
    if (query.kind === "invalid") return context.json({ detail: query.detail }, 422);
    const { wearer } = context.var.principal;
    if ((await deps.orders.ask(wearer)).standing?.isErasing) {
      return unavailable(context, "The wearer is being erased: come again", RETRY_AFTER_S);
    }
    const waitMs = await waitBeforeOpening(deps, wearer);
    if (waitMs > 0) {
      const detail = `Streams may be opened ${deps.streamsPerMinute} times per minute`;
      return tooMany(context, detail, waitMs);
    }
    return isV2 ? await openV2(deps, context, query) : await openV1(deps, context, query);
  });
}

/** As shipped phone apps know it. */
async function openV1(
  deps: VisionDeps,
  context: Context<AccessEnv>,
  query: StreamQuery,
): Promise<Response> {
  const begun = await beginSession(deps, { ...beginningOf(deps, context, query), resumeMs: null });
  return await upgrade(deps, context, begun, undefined, (socket) => {
    const { clock, vision: { resultFlushMs } } = deps;
    return new WireV1({ send: (text) => socket.send(text), clock, resultFlushMs });
  });
}

/** With `foresight.v2`: a new session, or one that the client comes back to. */
async function openV2(
  deps: VisionDeps,
  context: Context<AccessEnv>,
  query: StreamQuery,
): Promise<Response> {
  let begun: Begun;
  try {
    begun = await beginOrGoOn(deps, context, query);
  } catch (error) {
    deps.counters.kvFailures++;
    deps.log.error("kv.claim_failed", { reason: reasonOf(error) });
    return unavailable(context, "The session cannot be read: connect again", RETRY_AFTER_S);
  }
  return await upgrade(deps, context, begun, PROTOCOL_V2, (socket) => {
    const wire = new WireV2((text) => socket.send(text), deps.clock);
    const { session, secret, identity } = begun;
    wire.hello({
      sessionId: session.id,
      secret,
      frame: session.accounted.frame,
      cursor: session.chunkCount,
      limits: { ...deps.vision, isCaptioned: deps.inference.serves(identity) },
    });
    return wire;
  });
}

async function beginOrGoOn(
  deps: VisionDeps,
  context: Context<AccessEnv>,
  query: StreamQuery,
): Promise<Begun> {
  const beginning = { ...beginningOf(deps, context, query), resumeMs: deps.vision.resumeMs };
  const { claim, prompt } = query;
  const found = claim && await within(deps, goOnWith(deps, beginning, claim, prompt));
  return found ?? await beginSession(deps, beginning);
}

function beginningOf(
  deps: VisionDeps,
  { req, var: { principal } }: Context<AccessEnv>,
  { prompt }: StreamQuery,
) {
  return {
    wearer: principal.wearer,
    identity: deps.modelIdentity && modelIdentityOf(req.raw.headers, deps.modelIdentity),
    prompt: prompt ?? deps.vision.prompt,
  };
}

/** Takes a place among the wearer's streams and in the process, and answers with the socket. */
async function upgrade(
  deps: VisionDeps,
  context: Context<AccessEnv>,
  begun: Begun,
  protocol: string | undefined,
  greet: (socket: Socket) => Wire,
): Promise<Response> {
  const { wearer, id } = begun.session;
  // Both before the upgrade, so that the first frame finds them decided.
  const [asked, taken] = await Promise.all([
    deps.orders.ask(wearer),
    deps.budgets.takeStream(wearer, id),
  ]);
  if (taken.kind === "refused") {
    const detail = `At most ${deps.maxStreams} streams may be open at once`;
    return tooMany(context, detail, taken.retryAfterMs);
  }
  if (taken.kind === "unavailable") {
    deps.log.error("kv.stream_place_failed", { reason: taken.reason });
  }
  const { lease } = taken;
  const place = deps.admission.take();
  if (place.kind === "refused") {
    await lease.release();
    return unavailable(context, place.detail, place.retryAfterS);
  }
  const giveBack = async (answer: Response) => {
    place.leave();
    await lease.release();
    return answer;
  };
  if (context.req.raw.signal.aborted) {
    return await giveBack(new Response(null, { status: CLIENT_LEFT }));
  }
  const guard: Guard = (end) => {
    const cancels = [
      deps.tokens.watch(context.var.principal, (how) => end(TOKEN_ENDED[how])),
      deps.orders.whenErasing(wearer, () => end(ERASED, true)),
    ];
    return () => cancels.forEach((cancel) => cancel());
  };
  try {
    return deps.upgrade(context.req.raw, (socket) => {
      place.leave();
      const followCamera: FollowCamera = (obey) => deps.orders.followCamera(asked, obey);
      return startStream(deps, socket, greet(socket), { ...begun, lease, guard, followCamera });
    }, protocol);
  } catch (error) {
    const detail = `Cannot upgrade to WebSocket: ${reasonOf(error)}`;
    return await giveBack(context.json({ detail }, 400));
  }
}

function offersV2(offered: string | undefined): boolean {
  return offered?.split(",").some((name) => name.trim() === PROTOCOL_V2) ?? false;
}

/** A KV that is locked for good may never answer. */
async function within<T>({ clock }: VisionDeps, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(CLAIM_TIMEOUT_MS, () => {
    reject(new Error(`KV did not answer within ${CLAIM_TIMEOUT_MS} ms`));
  });
  return await Promise.race([work, promise]).finally(cancel);
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
    wearer,
    scope: "streams",
    identity: "",
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
