/**
 * Where Foresight starts: environment to {@link Config}, Config to {@link Deps}, Deps to the
 * application, served until told to stop.
 *
 * @module
 */
import { createApp } from "./app.ts";
import { type Cancel, systemClock } from "./clock.ts";
import { type Config, type Environment, type KvLocation, parseConfig } from "./config.ts";
import type { VisionInferenceClient } from "./inference/client.ts";
import { modelIdentityOf } from "./inference/modal_identity.ts";
import { scrubFile, type ScrubOutcome } from "./kv/scrub.ts";
import { createLogger, lineWriter, type Logger, reasonOf } from "./log.ts";
import { closeParts, openParts } from "./parts.ts";
import { redactAddresses } from "./redact.ts";
import { createTransport, type Fetch, type Server, type Transport } from "./serve/transport.ts";
import { SETTINGS } from "./settings.ts";
import type { LiveStreams } from "./stream/live_streams.ts";
import { MemoryGuard } from "./stream/memory_guard.ts";

/** Close frames get so long to reach the clients before the listener goes. */
const CLOSE_GRACE_MS = 20;
/** The models are made ready so long after listening: a health check that waits goes first. */
const PREPARE_DELAY_MS = 300;
/** The platform kills a process five seconds after it asked it to end; by then it must be over. */
const STOP_DEADLINE_MS = 3_800;
/** Of these, streams have so long to let results in flight arrive and come into the books. */
const DRAIN_DEADLINE_MS = 3_000;
/** So long a database file that somebody else has locked is waited for. */
const OPEN_WITHIN_MS = 60_000;
const OPEN_AGAIN_MS = 100;
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
  const kv = await openKv(config.kv);
  const parts = openParts({ config, kv, log, scrub: scrubOf(config.kv) });
  const { streams, watchers, inference, erasures, sweeps, outbox, pokeKeys } = parts;
  const memory = watchMemory(config, streams, log);
  const transport = await createTransport(config.socketTransport, {
    failed: (error) => log.error("stream.failed", { reason: reasonOf(error) }),
    maxFrameBytes: config.vision.maxFrameBytes,
    clock: systemClock,
  });
  const app = createApp({ ...parts, upgrade: transport.upgrade, memory });
  const server = await listen(transport, config, app.fetch);
  const { url } = server;
  erasures.start();
  sweeps.start();
  outbox.startSweeping();
  if (config.magicWord === null) log.warn("access.closed", { reason: "MAGIC_WORD is not set" });
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
      const ends = Promise.all([server.shutdown(), closeParts(parts)]);
      await within(endsAtMs - systemClock.monotonicMs(), ends);
      kv.close();
      log.info("stopped");
    },
  };
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

/** The variables that the process knows, or those of them that it may read, as the system gives them. */
export function readEnvironment(names: readonly string[] = Object.keys(SETTINGS)): Environment {
  return Object.fromEntries(names.map((name) => [name, Deno.env.get(name)]));
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
    return await openUnlocked(place);
  } catch (error) {
    const where = place ?? "the platform's own";
    throw new Error(redactAddresses(`KV cannot be opened at ${where}: ${reasonOf(error)}`), {
      cause: error,
    });
  }
}

/** Processes that open a new file at once lock it, and so does one that writes it anew: not for long. */
async function openUnlocked(place: string | undefined): Promise<Deno.Kv> {
  const endsAtMs = systemClock.monotonicMs() + OPEN_WITHIN_MS;
  while (true) {
    try {
      return await Deno.openKv(place);
    } catch (error) {
      const isLocked = reasonOf(error).includes("database is locked");
      if (!isLocked || systemClock.monotonicMs() >= endsAtMs) throw error;
      await new Promise<void>((resolve) => systemClock.after(OPEN_AGAIN_MS, resolve));
    }
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
