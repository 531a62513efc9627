/**
 * `deno task bench:governor [CLIP...]`: what the frame governor saves, what it misses and what it
 * costs, on drawn footage and on clips.
 *
 * @module
 */
import { clipFrames } from "../dev/clip.ts";
import { createFootage, type Footage, FOOTAGE_S } from "../dev/footage.ts";
import { encodeJpeg } from "../dev/jpeg.ts";
import { runCommand, say } from "../dev/terminal.ts";
import { type ClipTruth, decodeClip } from "./_clip_truth.ts";
import { costsOf, passedAtS, savingsOf, type TimedFrame } from "./_governor_runs.ts";
import { describeMachine } from "./_proc.ts";
import { sizedFrames } from "./_sized_frames.ts";
import { percentile } from "./_statistics.ts";

const SIZE = { widthPx: 640, heightPx: 360 };
const FOOTAGE_FPS = 3;
const CLIP_FPS = [3, 7];
/** So many that the processor does not learn their bits by heart. */
const COST_FRAMES = 20;
/** A change that nobody looked at within this time was missed. */
const IN_TIME_S = 1;
/** Of what goes on for long, a look is in time that comes within so much of a step before. */
const STEP_SHARE = 0.8;

async function bench(): Promise<number> {
  const { cores, cpu, deno, loadAverage } = await describeMachine();
  const startedAt = new Date().toISOString().slice(0, 16).replace("T", " ");
  say(`${startedAt} UTC, ${cores} cores of ${cpu}, Deno ${deno}, load average ${loadAverage}.`);
  say();
  row("footage", "frames", "calls without", "calls with", "saved", "changes", "missed");
  row(...Array(7).fill("---"));
  for (const footage of createFootage(SIZE)) await drawn(footage);
  for (const path of Deno.args) for (const fps of CLIP_FPS) await clip(path, fps);
  say();
  row("frames", "KB", "us p50", "us p95", "us least");
  row(...Array(5).fill("---"));
  await costs();
  return 0;
}

async function drawn(footage: Footage): Promise<void> {
  const frames: TimedFrame[] = [];
  for (let at = 0; at < FOOTAGE_S * FOOTAGE_FPS; at++) {
    const atS = at / FOOTAGE_FPS;
    frames.push({ atS, jpeg: await encodeJpeg(footage.drawAt(atS)) });
  }
  const passed = passedAtS(frames);
  const { name, changesAtS, stepS } = footage;
  // What goes on for long was seen if the last picture let through is not a whole step behind.
  const missed = changesAtS.filter((changeS) =>
    !passed.some((atS) => atS >= changeS - STEP_SHARE * stepS && atS <= changeS + IN_TIME_S)
  );
  report(name, frames, changesAtS.length, missed.length);
}

async function clip(path: string, fps: number): Promise<void> {
  const truth = await decodeClip(path, fps);
  const jpegs = await Array.fromAsync(clipFrames(path, fps));
  const frames = jpegs.map((jpeg, at) => ({ atS: at / fps, jpeg }));
  const name = `${path.split("/").at(-1)} at ${fps} fps`;
  report(name, frames, truth.changes, missedInClip(truth, frames));
}

/** Frames that differ from the last that was let through, with none let through in time. */
function missedInClip(truth: ClipTruth, frames: readonly TimedFrame[]): number {
  const passed = passedAtS(frames);
  let missed = 0;
  let last = 0;
  for (const [at, { atS }] of frames.slice(0, truth.frames).entries()) {
    if (passed.includes(atS)) last = at;
    const isSeen = passed.some((passedS) => passedS >= atS && passedS <= atS + IN_TIME_S);
    if (!isSeen && atS + IN_TIME_S <= frames.at(-1)!.atS && truth.differs(last, at)) missed++;
  }
  return missed;
}

function report(name: string, frames: readonly TimedFrame[], changes: number, missed: number) {
  const { callsWithout, callsWith } = savingsOf(frames);
  const saved = `${Math.round(100 * (1 - callsWith / callsWithout))} %`;
  row(name, frames.length, callsWithout, callsWith, saved, changes, missed);
}

/** Frames of about the sizes that phones send. */
async function costs(): Promise<void> {
  const sizes = [
    { widthPx: 360, heightPx: 640, bytes: 7_000 },
    { widthPx: 592, heightPx: 336, bytes: 50_000 },
    { widthPx: 720, heightPx: 1280, bytes: 50_000 },
    { widthPx: 720, heightPx: 1280, bytes: 200_000 },
  ];
  for (const { bytes, ...size } of sizes) {
    const { drawAt } = createFootage(size)[0]!;
    const drawings = Array.from({ length: COST_FRAMES }, (_, at) => drawAt(at));
    for (const tables of ["standard", "own"] as const) {
      const jpegs = await sizedFrames(drawings, bytes, tables);
      const kb = jpegs.reduce((sum, { length }) => sum + length, 0) / jpegs.length / 1000;
      const us = costsOf(jpegs);
      const figures = [percentile(us, 50), percentile(us, 95), us[0]!].map((x) => x.toFixed(0));
      row(`${size.widthPx} x ${size.heightPx}, ${tables} tables`, kb.toFixed(0), ...figures);
    }
  }
}

function row(...cells: readonly (string | number)[]): void {
  say(`| ${cells.join(" | ")} |`);
}

await runCommand(bench);
