/**
 * The HTTP application, put together from its routes. No I/O and no globals: everything comes in
 * {@link Deps}.
 *
 * @module
 */
import { Hono } from "@hono/hono";
import type { Clock } from "./clock.ts";
import type { Config } from "./config.ts";
import type { Counters } from "./counters.ts";
import type { VisionInferenceClient } from "./inference/client.ts";
import { InferenceSlots } from "./inference/slots.ts";
import type { Budgets } from "./kv/budgets.ts";
import { createIdempotencyStore } from "./kv/idempotency.ts";
import { createRateLimiter } from "./kv/rate_limits.ts";
import { Retention } from "./kv/retention.ts";
import { type MannersBook, openMannersBook } from "./kv/manners.ts";
import { RuleCourses } from "./kv/rule_courses.ts";
import { createSessionStore, type SessionStore } from "./kv/sessions.ts";
import type { Logger } from "./log.ts";
import type { KeyedChannel } from "./messaging/channel.ts";
import type { Outbox } from "./messaging/outbox.ts";
import type { PokeKeys } from "./messaging/poke_keys.ts";
import { requireAccess } from "./routes/access.ts";
import { cameraRoutes } from "./routes/camera.ts";
import { consoleRoutes } from "./routes/console.ts";
import { internalError, notFound } from "./routes/errors.ts";
import { erasureRoutes } from "./routes/erasure.ts";
import { requestLog } from "./routes/request_log.ts";
import { healthRoutes } from "./routes/health.ts";
import { keepLinksPrivate } from "./routes/links.ts";
import { mcpRoutes } from "./routes/mcp.ts";
import { outboxRoutes } from "./routes/outbox.ts";
import { pokeRoutes } from "./routes/poke.ts";
import { pokeKeyRoutes } from "./routes/poke_key.ts";
import { askRoutes } from "./routes/ask.ts";
import { profileRoutes } from "./routes/profiles.ts";
import { mannersRoutes } from "./routes/manners.ts";
import { ruleEventRoutes } from "./routes/rule_events.ts";
import { ruleReplayRoutes } from "./routes/rule_replay.ts";
import { ruleRoutes } from "./routes/rules.ts";
import { retentionRoutes } from "./routes/retention.ts";
import { searchRoutes } from "./routes/search.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { shareRoutes } from "./routes/share.ts";
import { timelineRoutes } from "./routes/timeline.ts";
import { visionRoutes } from "./routes/vision.ts";
import { wearerRoutes } from "./routes/wearers.ts";
import { RuleEvaluator } from "./rules/evaluator.ts";
import { createReplay } from "./rules/replay.ts";
import { createRuleStore } from "./rules/store.ts";
import { Watchlist } from "./rules/watchlist.ts";
import { Admission } from "./stream/admission.ts";
import type { LiveStreams } from "./stream/live_streams.ts";
import type { Upgrade } from "./stream/socket.ts";
import { segmentsAlongside } from "./timeline/segments.ts";
import type { Watchers } from "./timeline/watchers.ts";
import { createAsking } from "./timeline/asking/asking.ts";
import type { Compaction } from "./timeline/search/compaction.ts";
import { SearchGate } from "./timeline/search/gate.ts";
import { createSearchIndexer } from "./timeline/search/indexer.ts";
import { createSearch, type Search } from "./timeline/search/search.ts";
import { createCameras } from "./wearers/camera.ts";
import type { StandingOrders } from "./wearers/orders.ts";
import type { Erasures } from "./wearers/erasures.ts";
import type { Sweeps } from "./wearers/sweeps.ts";
import { createTokens } from "./wearers/tokens.ts";

/** Beside the time that a model may take, so long may a second look wait for frames and its turn. */
const LOOK_SPARE_MS = 20_000;

/** What the application is made of. */
export interface Deps {
  readonly config: Config;
  /** Fenced (`kv/fenced_kv.ts`). */
  readonly kv: Deno.Kv;
  readonly inference: VisionInferenceClient;
  readonly poke: KeyedChannel;
  readonly pokeKeys: PokeKeys;
  readonly outbox: Outbox;
  readonly streams: LiveStreams;
  readonly watchers: Watchers;
  readonly compaction: Compaction;
  readonly upgrade: Upgrade;
  readonly budgets: Budgets;
  readonly orders: StandingOrders;
  readonly erasures: Erasures;
  readonly sweeps: Pick<Sweeps, "sweep">;
  readonly memory: { readonly isFull: boolean };
  readonly counters: Counters;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly log: Logger;
}

/** Puts the application together. */
export function createApp(deps: Deps): Hono {
  const { config, kv, clock, log, streams, memory, orders } = deps;
  const rateLimiter = createRateLimiter({ kv, clock });
  const tokens = createTokens({ ...deps, signingKeys: config.tokenSigningKeys });
  const cameras = createCameras({ kv, clock, orders });
  deps.erasures.listen((wearer) => tokens.forget(wearer));
  deps.erasures.listen((wearer) => orders.changed(wearer));
  const { retentionDays } = config;
  const retention = new Retention({ kv, clock, retentionDays });
  const search = openSearch(deps);
  const gate = new SearchGate();
  const searchInTurn = gate.guard(search);
  const slots = new InferenceSlots(config.inference.maxConcurrent);
  const modelIdentity = config.modal.transport === "http" ? null : config.modal;
  const rules = createRuleStore({ ...deps, ...config.webhook });
  const changes = { follow: orders.followRules.bind(orders) };
  const watchlist = new Watchlist({ ...deps, rules, changes });
  const keptForMs = (wearer: string) => retention.keptForMs(wearer);
  const courses = new RuleCourses({ kv, clock, keptForMs });
  const manners = openMannersBook(kv);
  const sessions = openSessions(deps, { retention, watchlist, courses, manners });
  const app = new Hono();
  app.onError(internalError(log));
  app.notFound(notFound);
  app.use(requestLog(deps));
  app.use(keepLinksPrivate);
  app.use(requireAccess({ ...deps, magicWord: config.magicWord, tokens }));
  app.route("/", healthRoutes(deps));
  app.route("/", consoleRoutes());
  app.route("/", profileRoutes());
  app.route("/", wearerRoutes({ ...deps, tokens }));
  app.route("/", pokeKeyRoutes(deps));
  app.route("/", shareRoutes({ ...deps, tokens, publicUrl: config.publicUrl }));
  app.route("/", cameraRoutes({ ...deps, cameras }));
  app.route("/", searchRoutes({ ...deps, search, gate }));
  app.route(
    "/",
    askRoutes({
      ...deps,
      modelIdentity,
      ask: createAsking({ ...deps, search: searchInTurn, slots }),
    }),
  );
  app.route("/", erasureRoutes(deps));
  app.route("/", retentionRoutes({ ...deps, retention, retentionDays }));
  app.route("/", timelineRoutes({ ...deps, tokens }));
  app.route("/", sessionRoutes({ ...deps, sessions }));
  app.route("/", ruleRoutes({ ...deps, rules }));
  app.route("/", mcpRoutes({ ...deps, search: searchInTurn, rules, cameras }));
  app.route("/", ruleEventRoutes({ ...deps, rules, courses }));
  app.route("/", mannersRoutes({ ...deps, manners }));
  const replay = createReplay({ ...deps, slots });
  app.route("/", ruleReplayRoutes({ ...deps, rules, modelIdentity, replay }));
  app.route("/", outboxRoutes({ ...deps, webhookKeys: config.webhook.signingKeys }));
  app.route(
    "/",
    pokeRoutes({
      channel: deps.outbox.waited("poke", deps.poke),
      rateLimiter,
      idempotency: createIdempotencyStore({ kv, clock }),
      sendsPerHour: config.rateLimits.pokePerHour,
      pokeKeys: deps.pokeKeys,
      counters: deps.counters,
      log,
    }),
  );
  app.route(
    "/",
    visionRoutes({
      ...deps,
      tokens,
      questions: watchlist,
      admission: new Admission({ streams, memory, clock, ...config.capacity }),
      vision: config.vision,
      slots,
      sessions,
      rateLimiter,
      streamsPerMinute: config.rateLimits.streamsPerMinute,
      maxStreams: config.budgets.streams,
      modelIdentity,
    }),
  );
  return app;
}

/** What streams leave behind, and how long. */
interface Books {
  readonly retention: Retention;
  readonly watchlist: Watchlist;
  readonly courses: RuleCourses;
  readonly manners: MannersBook;
}

/** The books of streams, and what comes into them beside the chunks. */
function openSessions(
  deps: Deps,
  { retention, watchlist, courses, manners }: Books,
): SessionStore {
  const { kv, clock, watchers, streams, compaction, config } = deps;
  const { retentionDays, inference } = config;
  const made = { kv, clock };
  const begun = (wearer: string) => compaction.hint(wearer);
  const evaluator = new RuleEvaluator({
    ...deps,
    courses,
    manners,
    rulesOf: (wearer) => watchlist.rulesOf(wearer),
    look: (sessionId, question) => streams.look(sessionId, question),
    leaseMs: LOOK_SPARE_MS + inference.timeoutMs,
    goesOn: (work) => streams.track(work),
  });
  return createSessionStore({
    ...made,
    retentionDays,
    keptForMs: (wearer) => retention.keptForMs(wearer),
    alongside: [
      createSearchIndexer({ ...made, begun }),
      segmentsAlongside(made),
      evaluator.alongside,
    ],
    chunkWritten: (wearer) => watchers.wake(wearer),
  });
}

function openSearch({ kv, clock, compaction }: Deps): Search {
  return createSearch({ kv, clock, crowded: (wearer) => compaction.hint(wearer) });
}
