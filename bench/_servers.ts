/**
 * What is measured, and what it needs around it.
 *
 * @module
 */
import { SETTINGS } from "../settings.ts";
import type { TransportName } from "../serve/transport.ts";
import { type Child, startChild } from "./_child.ts";
import type { LoadTarget } from "./_load_connection.ts";

const LOOPBACK = "--allow-net=127.0.0.1";
/** What lets clients in. */
export const MAGIC_WORD = "open-sesame";
export const MAGIC_HEADERS = { "x-magic-word": MAGIC_WORD };

/** A kind of server that can be started again and again. */
export interface Contender {
  readonly name: string;
  start(): Promise<Server>;
}

/** A running server and how to stream to it. */
export interface Server {
  readonly child: Child;
  readonly target: LoadTarget;
}

/** The limit: a server that does nothing but acknowledge, over the same library. */
export function bareEcho(transport: TransportName): Contender {
  const name = `bare ${transport} echo`;
  const program = transport === "ws" ? "bench/_bare_ws_echo.ts" : "bench/_bare_echo.ts";
  return {
    name,
    async start() {
      const args = [LOOPBACK, "--ignore-env", program];
      const child = await startChild({ name, args, urlIn: (line) => line });
      return { child, target: { url: `${child.url}/`, headers: {} } };
    },
  };
}

/**
 * Foresight as it runs in production, but for the limits that a load would meet.
 *
 * @param modalUrl of {@link startModalStub}
 * @param kvPath a database file of its own
 */
export function foresight(
  modalUrl: string,
  kvPath: string,
  transport: TransportName,
): Contender {
  return {
    name: "Foresight",
    async start() {
      const child = await startForesight({
        SOCKET_TRANSPORT: transport,
        KV_PATH: kvPath,
        MODAL_SERVER_URL: modalUrl,
        MODAL_TOKEN_ID: "ak-bench",
        MODAL_TOKEN_SECRET: "as-bench",
        VISION_MAX_FPS: "0",
        RATE_LIMIT_STREAMS_PER_MINUTE: "0",
        BUDGET_STREAMS: "0",
        // Counted, and never used up.
        BUDGET_CALLS_PER_MINUTE: "100000",
        BUDGET_CALLS_PER_DAY: "1000000000",
      });
      const url = `${child.url}/vision/stream`;
      return { child, target: { url, headers: MAGIC_HEADERS } };
    },
  };
}

/** Starts Foresight on a free port, with these settings and no others but the magic word. */
export function startForesight(settings: Readonly<Record<string, string>>): Promise<Child> {
  return startChild({
    name: "Foresight",
    args: [
      // As `deno task start` does.
      "--v8-flags=--max-semi-space-size=1",
      LOOPBACK,
      "--allow-read=.",
      "--allow-write=.scratch",
      `--allow-env=${Object.keys(SETTINGS)}`,
      "--ignore-env",
      "main.ts",
    ],
    // At this level it says where it listens; that costs a few lines for each stream.
    env: { ...unset(), HOST: "127.0.0.1", PORT: "0", MAGIC_WORD, LOG_LEVEL: "info", ...settings },
    urlIn: (line) => line.includes('"event":"listening"') ? JSON.parse(line).url : null,
    isNews: (line) => !line.includes('"level":"info"'),
  });
}

/** The model behind Foresight, on the stand-in for Modal. */
export function startModalStub(): Promise<Child> {
  return startChild({
    name: "Modal stub",
    args: [LOOPBACK, "--ignore-env", "bench/_modal_stub.ts"],
    urlIn: (line) => line,
  });
}

/** Every setting as if this machine set none. */
function unset(): Record<string, string> {
  return Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, ""]));
}
