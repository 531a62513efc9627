/**
 * A whole Foresight for one test: the real application on a free port, real KV in memory, the real
 * Modal adapter, with the test's own stand-in for Modal where it wants one.
 *
 * @module
 */
import { createApp } from "../app.ts";
import { systemClock } from "../clock.ts";
import { type Config, type Environment, parseConfig } from "../config.ts";
import type { ScrubOutcome } from "../kv/scrub.ts";
import { createLogger } from "../log.ts";
import type { Outbox } from "../messaging/outbox.ts";
import type { PokeKeys } from "../messaging/poke_keys.ts";
import { closeParts, openParts } from "../parts.ts";
import { createTransport } from "../serve/transport.ts";
import type { LiveStreams } from "../stream/live_streams.ts";
import type { Watchers } from "../timeline/watchers.ts";

/** The word that lets the tests in. */
export const MAGIC_WORD = "open-sesame";

/** Signs tokens in tests. */
export const SIGNING_KEY = "a-signing-key-that-only-tests-know";

/** Seals secrets in tests. */
export const SEALING_KEY = "a-sealing-key-that-only-tests-know";

/** Tests open as many streams as they like, and call as often as they like. */
const NO_BUDGETS = { BUDGET_STREAMS: "0", BUDGET_CALLS_PER_MINUTE: "0" };

/** A Foresight that a test owns. */
export interface TestForesight {
  readonly url: string;
  readonly config: Config;
  readonly kv: Deno.Kv;
  readonly streams: LiveStreams;
  readonly watchers: Watchers;
  readonly outbox: Outbox;
  readonly pokeKeys: PokeKeys;
  /** Every line logged so far, parsed. */
  readonly logged: Record<string, unknown>[];
  /** All that the application serves, as `GET /wearers/:wearer/tokens`. */
  readonly routes: readonly string[];
  /** `fetch` with the magic word. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/** What a test has of its own. */
export interface Replaced {
  /** Closed by the test. */
  readonly kv?: Deno.Kv;
  readonly memory?: { readonly isFull: boolean };
  /** How long an erasure stays, in milliseconds: 0 unless other processes count. */
  readonly settleMs?: number;
  readonly scrub?: () => Promise<ScrubOutcome>;
}

/** Whether a route, as `GET /health`, is everyone's: it knows nobody (SPEC A1). */
export function isPublic(route: string): boolean {
  return /^GET \/(health|console\/.+)?$/.test(route);
}

/**
 * Runs `use` against a Foresight with these settings, and leaves nothing behind. Tests open as many
 * streams as they like, unless they set the budgets.
 *
 * It is served as `SOCKET_TRANSPORT` says, by default as on a server.
 *
 * @param replaced a KV of the test's own, which the test closes; a memory that the test fills
 */
export async function withForesight(
  settings: Environment,
  use: (foresight: TestForesight) => Promise<void>,
  replaced: Replaced = {},
): Promise<void> {
  const config = configOf({
    MAGIC_WORD,
    TOKEN_SIGNING_KEYS: SIGNING_KEY,
    SECRET_SEALING_KEYS: SEALING_KEY,
    LOG_LEVEL: "debug",
    ...NO_BUDGETS,
    ...settings,
  });
  const kv = replaced.kv ?? await Deno.openKv(":memory:");
  const logged: Record<string, unknown>[] = [];
  const log = createLogger("debug", (line) => void logged.push(JSON.parse(line)));
  const { scrub = null, settleMs = 0, memory = { isFull: false } } = replaced;
  const parts = openParts({ config, kv, log, scrub, settleMs });
  const { streams, watchers, outbox, pokeKeys } = parts;
  const transport = await createTransport(config.socketTransport, {
    failed: (error) => void logged.push({ event: "stream.failed", error }),
    maxFrameBytes: config.vision.maxFrameBytes,
    clock: systemClock,
  });
  const app = createApp({ ...parts, upgrade: transport.upgrade, memory });
  const server = await transport.listen({ host: "127.0.0.1", port: 0 }, app.fetch);
  const { url } = server;
  const fetchInside = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set("x-magic-word", MAGIC_WORD);
    return fetch(url + path, { ...init, headers });
  };
  try {
    const routes = routesOf(app);
    const rest = { streams, watchers, outbox, pokeKeys, logged, routes, fetch: fetchInside };
    await use({ url, config, kv, ...rest });
  } finally {
    await streams.drain();
    watchers.close();
    await server.shutdown();
    await bodiesForgotten();
    await closeParts(parts);
    if (!replaced.kv) kv.close();
  }
}

/** `@hono/node-server` looks twice, a turn apart, after the body of a request that nobody read. */
async function bodiesForgotten(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setTimeout(resolve));
}

function routesOf({ routes }: ReturnType<typeof createApp>): string[] {
  const handlers = routes.filter(({ method }) => method !== "ALL");
  return [...new Set(handlers.map(({ method, path }) => `${method} ${path}`))];
}

function configOf(settings: Environment): Config {
  const outcome = parseConfig(settings);
  if (outcome.kind === "invalid") throw new Error(outcome.problems.join("\n"));
  return outcome.config;
}
