/**
 * Where Foresight starts: environment to {@link Config}, Config to {@link Deps}, Deps to the
 * application, served until told to stop.
 *
 * @module
 */
import { createApp, type Deps } from "./app.ts";
import { type Cancel, type Clock, systemClock } from "./clock.ts";
import { type Config, type Environment, type KvLocation, parseConfig } from "./config.ts";
import { SETTINGS } from "./settings.ts";
import { createCounters } from "./counters.ts";
import { createInferenceChain } from "./inference/chain.ts";
import type { VisionInferenceClient } from "./inference/client.ts";
import { createModalInference } from "./inference/modal.ts";
import { createModalEndpointInference } from "./inference/modal_endpoint.ts";
import { modelIdentityOf } from "./inference/modal_identity.ts";
import { createOpenAiInference } from "./inference/openai.ts";
import { createRedactedInference } from "./inference/redacted.ts";
import { createBudgets } from "./kv/budgets.ts";
import { fencedKv } from "./kv/fenced_kv.ts";
import { scrubFile, type ScrubOutcome } from "./kv/scrub.ts";
import { openMannersBook } from "./kv/manners.ts";
import { createRateLimiter } from "./kv/rate_limits.ts";
import { createLogger, lineWriter, type Logger, reasonOf } from "./log.ts";
import { Outbox } from "./messaging/outbox.ts";
import { createPokeChannel } from "./messaging/poke.ts";
import { PokeKeys } from "./messaging/poke_keys.ts";
import { createWaysOut } from "./messaging/ways_out.ts";
import { redactAddresses } from "./redact.ts";
import { createStillWanted } from "./rules/still_wanted.ts";
import { createRuleStore } from "./rules/store.ts";
import { createTransport, type Fetch, type Server, type Transport } from "./serve/transport.ts";
import { LiveStreams } from "./stream/live_streams.ts";
import { MemoryGuard } from "./stream/memory_guard.ts";
import { Compaction } from "./timeline/search/compaction.ts";
import { forgetSearchDays } from "./timeline/search/forgetting.ts";
import { Watchers } from "./timeline/watchers.ts";
import { Erasures } from "./wearers/erasures.ts";
import { StandingOrders } from "./wearers/orders.ts";
import { hidePrivateDetails } from "./wearers/private_details.ts";
import { Sweeps } from "./wearers/sweeps.ts";

/** Close frames get so long to reach the clients before the listener goes. */
const CLOSE_GRACE_MS = 20;
/** The models are made ready so long after listening: a health check that waits goes first. */
const PREPARE_DELAY_MS = 300;
/** The platform kills a process five seconds after it asked it to end; by then it must be over. */
const STOP_DEADLINE_MS = 3_800;
/** Of these, streams have so long to let results in flight arrive and come into the books. */
const DRAIN_DEADLINE_MS = 3_000;
/** At some minute at which not everybody does something. */
const HOURLY = "23 * * * *";
const MINUTELY = "* * * * *";

/** A Foresight that listens. */
export interface RunningApp {
  /** `http://host:port` as clients on this machine reach it. */
  readonly url: string;
  /** Sweeps, seals keys anew, and finishes what erasures were left; done from time to time by itself. Resolves always. */
  keepHouse(): Promise<void>;
  /** Sends what is due and was left behind, by whatever process. Resolves always. */
  sweep(): Promise<void>;
  /** Ends streams with 1012, finishes what runs, lets go of everything: in less than four seconds. */
  stop(): Promise<void>;
}

/**
 * Starts Foresight.
 *
 * @throws {Error} if KV cannot be opened or the port cannot be had, naming which and why
 */
export async function startApp(config: Config, log: Logger): Promise<RunningApp> {
  const kv = fencedKv(await openKv(config.kv));
  const streams = new LiveStreams();
  const watchers = new Watchers({ kv, clock: systemClock });
  const compaction = new Compaction({ kv, clock: systemClock, log });
  const memory = watchMemory(config, streams, log);
  const inference = createInference(config);
  const counters = createCounters();
  const newId = () => crypto.randomUUID();
  const budgets = createBudgets({
    kv,
    clock: systemClock,
    limits: config.budgets,
    newId,
    counters,
    log,
  });
  const orders = new StandingOrders({ kv, clock: systemClock, counters, log });
  const scrub = scrubOf(config.kv);
  const erasures = new Erasures({ kv, clock: systemClock, newId, counters, log, scrub });
  const { retentionDays } = config;
  const sweeps = new Sweeps({
    kv,
    clock: systemClock,
    newId,
    retentionDays,
    forgetWords: (wearer, cutoffMs) =>
      forgetSearchDays({ kv, clock: systemClock }, wearer, { cutoffMs }),
    counters,
    log,
  });
  const transport = await createTransport(config.socketTransport, {
    failed: (error) => log.error("stream.failed", { reason: reasonOf(error) }),
    maxFrameBytes: config.vision.maxFrameBytes,
    clock: systemClock,
  });
  const poke = createPokeChannel({
    fetch,
    ...config.poke.url && { urlOverride: config.poke.url },
  });
  const pokeKeys = openPokeKeys({ config, kv, counters, log });
  const outbox = openOutbox({ config, kv, poke, pokeKeys, newId, counters, log });
  const deps: Deps = {
    config,
    kv,
    inference,
    poke,
    pokeKeys,
    outbox,
    streams,
    watchers,
    compaction,
    upgrade: transport.upgrade,
    memory,
    budgets,
    orders,
    erasures,
    sweeps,
    counters,
    clock: systemClock,
    newId,
    log,
  };
  const server = await listen(transport, config, createApp(deps).fetch);
  const { url } = server;
  erasures.start();
  sweeps.start();
  if (config.magicWord === null) log.warn("access.closed", { reason: "MAGIC_WORD is not set" });
  outbox.startSweeping();
  log.info("listening", { url, transport: config.socketTransport });
  // Without a token of our own there may never be a stream that needs the SDK.
  const hasIdentity = modelIdentityOf(new Headers(), config.modal) !== null;
  const cancelPrepare = hasIdentity ? prepareLater(inference, log) : () => {};
  return {
    url,
    async keepHouse() {
      await erasures.finishBegun();
      await sweeps.sweepAll();
      // Not as it starts: processes of before may still run, which do not know a new key.
      await pokeKeys.resealAll();
    },
    sweep: () => outbox.sweep(),
    async stop() {
      cancelPrepare();
      memory.stop();
      log.info("stopping", { streams: streams.size });
      const endsAtMs = systemClock.monotonicMs() + STOP_DEADLINE_MS;
      await within(DRAIN_DEADLINE_MS, streams.drain());
      // Not before: what was in flight is seen too.
      watchers.close();
      await new Promise<void>((resolve) => systemClock.after(CLOSE_GRACE_MS, resolve));
      const ends = [
        server.shutdown(),
        inference.close(),
        budgets.close(),
        orders.close(),
        erasures.close(),
        sweeps.close(),
        compaction.close(),
        pokeKeys.close(),
        outbox.close(),
      ];
      await within(endsAtMs - systemClock.monotonicMs(), Promise.all(ends));
      kv.close();
      log.info("stopped");
    },
  };
}

/** The models of `INFERENCE`, chained where there are several, saying no private details. */
export function createInference(config: Config): VisionInferenceClient {
  const client = createModels(config);
  return config.inference.redacts ? createRedactedInference(client, hidePrivateDetails) : client;
}

/** The Poke keys of all wearers. */
export function openPokeKeys(made: Pick<Deps, "config" | "kv" | "counters" | "log">): PokeKeys {
  const { secretSealingKeys: sealingKeys, poke: { apiKey: houseKey } } = made.config;
  return new PokeKeys({ ...made, clock: systemClock, sealingKeys, houseKey });
}

/** The outbox with all channels that there are; it must be closed. */
export function openOutbox(
  made: Pick<Deps, "config" | "kv" | "poke" | "pokeKeys" | "newId" | "counters" | "log">,
): Outbox {
  const { config: { webhook, ...config }, kv, poke, pokeKeys, log } = made;
  const pokeKeyOf = (wearer: string) => pokeKeys.keyOf(wearer);
  return new Outbox({
    ...made,
    clock: systemClock,
    channels: createWaysOut({ poke, pokeKeyOf, webhook, logsText: config.outbox.logsText, log }),
    rateLimiter: createRateLimiter({ kv, clock: systemClock }),
    perDay: config.outbox.perDay,
    retentionDays: config.retentionDays,
    wanted: createStillWanted({
      clock: systemClock,
      rules: createRuleStore({ ...made, clock: systemClock }),
      manners: openMannersBook(kv),
    }),
    random: Math.random,
  });
}

function createModels(config: Config): VisionInferenceClient {
  const { inference, openai } = config;
  const common = { timeoutMs: inference.timeoutMs, clock: systemClock };
  const clients = inference.models.map((model) =>
    model === "modal"
      ? createModal(config, common)
      : createOpenAiInference({ ...openai, ...common, fetch })
  );
  return clients.length === 1 ? clients[0]! : createInferenceChain(clients, systemClock);
}

function createModal(
  { modal, modalEndpoint }: Config,
  common: { readonly timeoutMs: number; readonly clock: Clock },
): VisionInferenceClient {
  const { transport } = modal;
  return transport === "http"
    ? createModalEndpointInference({ ...modalEndpoint, ...common, fetch })
    : createModalInference({
      ...modal,
      ...common,
      transport,
      newId: () => crypto.randomUUID(),
    });
}

/** Loading Modal's SDK stops all else for more than a tenth of a second: no stream shall feel that. */
function prepareLater(inference: VisionInferenceClient, log: Logger): Cancel {
  return systemClock.after(PREPARE_DELAY_MS, () => {
    const startedAtMs = systemClock.monotonicMs();
    inference.prepare().then(
      () => {
        const ms = Math.round(systemClock.monotonicMs() - startedAtMs);
        log.debug("inference.prepared", { ms });
      },
      (error) => log.warn("inference.not_prepared", { reason: reasonOf(error) }),
    );
  });
}

/** The variables that the process knows, as the operating system gives them. */
export function readEnvironment(): Environment {
  return Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, Deno.env.get(name)]));
}

/** A logger that writes to standard output, one line an event. */
export function consoleLogger(config: Config): Logger {
  return createLogger(config.logLevel, lineWriter(Deno.stdout));
}

/** Calls `stop` when the operating system or the platform asks the process to end. */
function onStopSignal(stop: () => void): void {
  Deno.addSignalListener("SIGINT", stop);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", stop);
}

/**
 * Opens Deno KV where the configuration says.
 *
 * @throws {Error} naming the place and what is wrong with it
 */
export async function openKv(location: KvLocation): Promise<Deno.Kv> {
  const place = location.kind === "file"
    ? location.path
    : location.kind === "url"
    ? location.url
    : undefined;
  try {
    return await Deno.openKv(place);
  } catch (error) {
    const where = place ?? "the platform's own";
    throw new Error(redactAddresses(`KV cannot be opened at ${where}: ${reasonOf(error)}`), {
      cause: error,
    });
  }
}

/** A file is ours to take out of it what was deleted; a database elsewhere is not. */
function scrubOf(location: KvLocation): (() => Promise<ScrubOutcome>) | null {
  const isFile = location.kind === "file" && location.path !== ":memory:";
  return isFile ? () => scrubFile(location.path) : null;
}

async function listen(
  transport: Transport,
  { port, host }: Config,
  fetch: Fetch,
): Promise<Server> {
  try {
    return await transport.listen({ port, host }, fetch);
  } catch (error) {
    throw new Error(`PORT ${port} of HOST ${host} cannot be had: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/** Streams are sent away, not the process ended: a process that is young again costs more. */
function watchMemory({ capacity }: Config, streams: LiveStreams, log: Logger): MemoryGuard {
  return new MemoryGuard({
    limitBytes: capacity.maxMemoryBytes,
    rssBytes: () => Deno.memoryUsage().rss,
    clock: systemClock,
    changed: (isFull, rss) => log.warn(isFull ? "memory.full" : "memory.recovered", { rss }),
    drain(rss) {
      log.error("memory.drain", { rss, streams: streams.size });
      streams.sendAllAway();
    },
  });
}

/** Waits for `work`, but not for longer than `limitMs`. */
async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  const { promise: limit, resolve } = Promise.withResolvers<void>();
  const cancel = systemClock.after(limitMs, resolve);
  await Promise.race([work, limit]);
  cancel();
}

/** Null: it ends, as something is wrong. */
async function main(): Promise<RunningApp | null> {
  const outcome = parseConfig(readEnvironment());
  if (outcome.kind === "invalid") return refuseToStart(outcome.problems);
  const { config } = outcome;
  try {
    const app = await startApp(config, consoleLogger(config));
    onStopSignal(() => app.stop().then(() => Deno.exit(0)));
    return app;
  } catch (error) {
    refuseToStart([`Cannot start: ${reasonOf(error)}`]);
  }
}

function refuseToStart(problems: readonly string[]): never {
  problems.forEach(lineWriter(Deno.stderr));
  Deno.exit(1);
}

if (import.meta.main) {
  const app = main();
  // On Deno Deploy a process ends when nobody asks, and its timers with it: cron wakes one. The
  // platform finds what to wake it for by running this module, and takes nothing that hangs on a
  // condition or comes after listening (docs.deno.com/deploy/cron); elsewhere it looks once more than
  // the timers do.
  Deno.cron("sweep the outbox", MINUTELY, async () => await (await app)?.sweep());
  Deno.cron("keep house", HOURLY, async () => await (await app)?.keepHouse());
  await app;
}
