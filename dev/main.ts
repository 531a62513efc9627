/**
 * `deno task dev [--model tiny|PATH]`: Foresight on this machine with all that it talks to, started anew at every change
 * of its sources. What the environment sets goes before what is said here.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { parseConfig } from "../config.ts";
import { consoleLogger, readEnvironment, startApp } from "../main.ts";
import { startSurroundings } from "./surroundings.ts";
import { runCommand, say } from "./terminal.ts";

const DATA_FOLDER = ".scratch";

/** Known to everyone who reads this, and good on this machine only: `HOST` is the loopback. */
const DEV_SETTINGS = {
  HOST: "127.0.0.1",
  MAGIC_WORD: "open-sesame",
  TOKEN_SIGNING_KEYS: "known-to-all-and-good-for-nothing-else",
  SECRET_SEALING_KEYS: "known-to-all-and-good-for-nothing-else",
  WEBHOOK_SIGNING_KEYS: "known-to-all-and-good-for-nothing-else",
  WEBHOOK_ALLOW_LOOPBACK: "on",
  OUTBOX_LOG_TEXT: "on",
  KV_PATH: `${DATA_FOLDER}/dev.sqlite`,
};

async function dev(): Promise<number> {
  const given = readEnvironment();
  const { values: { model = null } } = parseArgs({ options: { model: { type: "string" } } });
  const surroundings = await startSurroundings({
    pokeReceived: (text) => say(`Poke got: ${text}`),
    model,
  });
  const isSet = ([, value]: [string, string | undefined]) => Boolean(value?.trim());
  const set = Object.fromEntries(Object.entries(given).filter(isSet));
  const kv = set.KV_URL ? { KV_PATH: "" } : {};
  const outcome = parseConfig({ ...DEV_SETTINGS, ...surroundings.settings, ...kv, ...set });
  if (outcome.kind === "invalid") throw new Error(outcome.problems.join("\n"));
  const { config } = outcome;
  await Deno.mkdir(DATA_FOLDER, { recursive: true });
  const app = await startApp(config, consoleLogger(config));
  const word = encodeURIComponent(config.magicWord ?? "");
  say();
  say(`Magic word   ${config.magicWord}`);
  say(`Console      ${app.url}/`);
  say(`Health       ${app.url}/health`);
  say(`Glasses      ${app.url.replace("http", "ws")}/vision/stream?magic_word=${word}`);
  say(
    `Message      curl ${app.url}/poke/send -H "x-magic-word: ${config.magicWord}" ` +
      `-d '{"message":"hello"}'`,
  );
  const isHttp = config.modal.transport === "http";
  const modalUrl = isHttp ? config.modalEndpoint.url : config.modal.serverUrl;
  say(`Modal        ${modalUrl}, with ${model ?? "the local describer"}`);
  say(`Poke         ${config.poke.url}`);
  say(`Try          deno task replay CLIP --url ${app.url} --magic-word ${config.magicWord}`);
  say();
  // Not SIGTERM: whoever handles it keeps the watcher from ending, which then waits for a change.
  await new Promise<void>((resolve) => Deno.addSignalListener("SIGINT", resolve));
  await app.stop();
  await surroundings.close();
  return 0;
}

await runCommand(dev);
