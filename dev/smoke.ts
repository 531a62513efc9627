/**
 * `MAGIC_WORD=... deno task smoke https://HOST`: whether a deployed Foresight does its work. Exits 0
 * if so, and 1 with the reason if not.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { systemClock } from "../clock.ts";
import { readEnvironment } from "../main.ts";
import { checkDeployment } from "./check_deployment.ts";
import { createScene } from "./scene.ts";
import { runCommand, say } from "./terminal.ts";

const USAGE = "Usage: MAGIC_WORD=... smoke https://HOST [--deadline-s 300]";
const FPS = 3;
/** Small, as only one caption is wanted. */
const SCENE = { widthPx: 320, heightPx: 180 };
const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/**
 * The address without a path.
 *
 * @throws {Error} if the magic word would travel in the clear
 */
function originOf(text: string): string {
  const url = URL.parse(text);
  const isPrivate = url?.protocol === "https:" ||
    (url?.protocol === "http:" && LOOPBACK.includes(url.hostname));
  if (url && isPrivate) return url.origin;
  throw new Error(
    `Cannot use the address as it must begin with https://, or http:// on this machine. ${USAGE}`,
  );
}

function deadlineMsOf(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds <= 3600) return 1000 * seconds;
  throw new Error(
    `Cannot use --deadline-s as it must be a number from 0 to 3600: current value is ${text}`,
  );
}

async function smoke(): Promise<number> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: { "deadline-s": { type: "string", default: "300" } },
  });
  const [address] = positionals;
  if (!address || positionals.length > 1) throw new Error(USAGE);
  const url = originOf(address);
  const deadlineMs = deadlineMsOf(values["deadline-s"]);
  const magicWord = readEnvironment(["MAGIC_WORD"]).MAGIC_WORD?.trim();
  if (!magicWord) throw new Error("Cannot check it as MAGIC_WORD must be set: it is empty");
  const { frameAt } = createScene(SCENE);
  const options = { url, magicWord, frameAt, fps: FPS, deadlineMs, clock: systemClock };
  const outcome = await checkDeployment({ ...options, onNote: say });
  if (outcome.kind === "fails") throw new Error(`${url} does not work: ${outcome.reason}`);
  const { caption, captionAfterMs, ackedFrames, errors } = outcome;
  say(`caption after ${(captionAfterMs / 1000).toFixed(1)} s: ${caption}`);
  say(`${url} works: ${ackedFrames} frames acknowledged in order, ${errors} errors before`);
  return 0;
}

await runCommand(smoke);
