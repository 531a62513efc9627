/**
 * `deno task demo [CLIP] [--rule "tell me when it gets dark"]`: all of Foresight on this machine,
 * once, from frames to a message. Without a clip it streams a scene that it draws itself. With a rule
 * the message is the rule's, if it fires; else it is the last caption.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { systemClock } from "../clock.ts";
import { type Config, parseConfig } from "../config.ts";
import { DEFAULT_WEARER } from "../kv/keys.ts";
import { createSessionStore, type RecordCounts } from "../kv/sessions.ts";
import { consoleLogger, openKv, startApp } from "../main.ts";
import { addDemoRule, tellEvents } from "./_demo_rule.ts";
import { clipFrames } from "./clip.ts";
import { printAsItComes, summaryOf } from "./_report.ts";
import { createEvening, createScene, EVENING_S, SCENE_S } from "./scene.ts";
import { type ClipReport, streamClip } from "./stream_clip.ts";
import { startSurroundings } from "./surroundings.ts";
import { runCommand, say } from "./terminal.ts";

const FPS = 3;
const SCENE_SIZE = { widthPx: 640, heightPx: 360 };
const SCRATCH = ".scratch";

async function demo(): Promise<number> {
  const { values: { rule = null }, positionals: [path] } = parseArgs({
    args: Deno.args,
    options: { rule: { type: "string" } },
    allowPositionals: true,
  });
  const frames = path ? clipFrames(path, FPS) : drawnFrames(rule);
  await Deno.mkdir(SCRATCH, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: SCRATCH, prefix: "demo-" });
  try {
    const title = path ?? (rule === null ? "a drawn scene" : "a drawn evening");
    return await runAll({ title, frames, rule, kvPath: `${folder}/kv.sqlite` });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface DemoPlan {
  readonly title: string;
  readonly frames: AsyncIterable<Uint8Array>;
  /** Null: none. */
  readonly rule: string | null;
  readonly kvPath: string;
}

async function runAll({ title, frames, rule, kvPath }: DemoPlan): Promise<number> {
  const messages: string[] = [];
  const surroundings = await startSurroundings({
    pokeReceived: (text) => messages.push(text),
    model: null,
  });
  const magicWord = crypto.randomUUID();
  const config = configOf({
    ...surroundings.settings,
    HOST: "127.0.0.1",
    PORT: "0",
    LOG_LEVEL: "warn",
    MAGIC_WORD: magicWord,
    KV_PATH: kvPath,
  });
  const app = await startApp(config, consoleLogger(config));
  try {
    say(`Foresight sees ${title} at ${FPS} frames per second`);
    say(`  app    ${app.url}`);
    say(`  Modal  ${surroundings.modalUrl} (stand-in on this machine, with the local describer)`);
    say(`  Poke   ${surroundings.pokeUrl} (sink on this machine)`);
    say();
    const added = rule === null ? null : await addDemoRule({ url: app.url, magicWord }, rule);
    if (rule !== null) say(`Rule   "${rule}"`);
    const captions: string[] = [];
    const report = await streamClip({
      url: app.url,
      magicWord,
      frames,
      fps: FPS,
      clock: systemClock,
      ...printAsItComes,
      onCaption(caption) {
        captions.push(caption.text);
        printAsItComes.onCaption?.(caption);
      },
    });
    const lastCaption = captions.at(-1) ?? "nothing to report";
    const text = `Foresight saw: ${lastCaption}`;
    const sent = added ? null : await sendMessage(app.url, magicWord, text);
    const events = await added?.events() ?? [];
    await app.stop();
    say();
    summaryOf(report).forEach(say);
    if (rule !== null) tellEvents(rule, events);
    const answered = sent === null ? "" : `answered ${sent}; `;
    say(`Poke         ${answered}the sink got ${messages.length}: "${messages[0] ?? ""}"`);
    say(`KV           ${countsInWords(await countKv(config))}`);
    const fired = events.filter(({ outcome }) => outcome === "fired");
    return isGood(report, messages, added ? fired.length : 1) ? 0 : 1;
  } finally {
    await surroundings.close();
  }
}

/** A rule is shown an evening: what changes in it stays so for long enough. */
async function* drawnFrames(rule: string | null): AsyncGenerator<Uint8Array> {
  const scene = rule === null ? createScene(SCENE_SIZE) : createEvening(SCENE_SIZE);
  const lengthS = rule === null ? SCENE_S : EVENING_S;
  for (let at = 0; at < lengthS * FPS; at++) yield await scene.frameAt(at / FPS);
}

async function sendMessage(url: string, magicWord: string, message: string): Promise<number> {
  const response = await fetch(`${url}/poke/send`, {
    method: "POST",
    headers: { "x-magic-word": magicWord, "content-type": "application/json" },
    body: JSON.stringify({ message }),
  });
  await response.body?.cancel();
  return response.status;
}

/** Counts with a handle of its own, as another process would see it. */
async function countKv(config: Config): Promise<RecordCounts> {
  const kv = await openKv(config.kv);
  try {
    const { retentionDays } = config;
    const store = createSessionStore({ kv, clock: systemClock, retentionDays });
    return await store.countRecords(DEFAULT_WEARER);
  } finally {
    kv.close();
  }
}

function countsInWords(counts: RecordCounts): string {
  const { sessionCount, chunkCount, captionCount, errorCount } = counts;
  return `holds ${sessionCount} session and ${chunkCount} chunks ` +
    `(${captionCount} captions, ${errorCount} errors)`;
}

function isGood(report: ClipReport, messages: readonly string[], expected: number): boolean {
  const { ackedFrames, sentFrames, captions } = report;
  return ackedFrames === sentFrames && captions > 0 && messages.length === expected;
}

function configOf(settings: Record<string, string | undefined>): Config {
  const outcome = parseConfig(settings);
  if (outcome.kind === "invalid") throw new Error(outcome.problems.join("\n"));
  return outcome.config;
}

await runCommand(demo);
