/** A whole Foresight in a process of its own; answers each line with its most memory since the last. */
import { parseConfig } from "../../config.ts";
import { createLogger } from "../../log.ts";
import { startApp } from "../../main.ts";

const LOOK_MS = 5;

const [transport = "", kvPath = "", magicWord = ""] = Deno.args;
const outcome = parseConfig({
  HOST: "127.0.0.1",
  PORT: "0",
  SOCKET_TRANSPORT: transport,
  KV_PATH: kvPath,
  MAGIC_WORD: magicWord,
  VISION_MAX_FPS: "0",
});
if (outcome.kind === "invalid") throw new Error(outcome.problems.join("\n"));
const app = await startApp(outcome.config, createLogger("error", () => {}));

const encoder = new TextEncoder();
let mostRss = 0;
const look = () => mostRss = Math.max(mostRss, Deno.memoryUsage().rss);
setInterval(look, LOOK_MS);
Deno.stdout.writeSync(encoder.encode(`${app.url}\n`));
for await (const _line of Deno.stdin.readable) {
  look();
  Deno.stdout.writeSync(encoder.encode(`${mostRss}\n`));
  mostRss = 0;
}
Deno.exit(0);
