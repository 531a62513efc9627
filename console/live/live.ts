/**
 * The page as glasses: one source, one stream, and what is known of both.
 *
 * @module
 */
import { batch, signal } from "@preact/signals";
import { connect, type Glasses } from "../../client/glasses.ts";
import type { State } from "../../client/glasses_options.ts";
import type { Result } from "../../client/messages.ts";
import { entry } from "../entry.ts";
import { capture, type CaptureSettings, type Resolution } from "./capture.ts";
import { type Figures, NO_FIGURES, Tally } from "./tally.ts";
import { Plug } from "./plug.ts";
import { openCamera, type Opened, openFile, type Source } from "./source.ts";

/** What a chunk of frames became. */
export interface Caption {
  readonly cursor: number;
  readonly text: string;
  /** The model could not say; `text` is why. */
  readonly isFailure: boolean;
  readonly heardAtMs: number;
  /** Since its newest frame was seen; null: not known any more. */
  readonly ageMs: number | null;
  /** How many frames it stands for, and for how long a time. */
  readonly frames: number;
  readonly seconds: number;
}

/** An answer, or why there is none. */
export interface Asked {
  readonly question: string;
  readonly answer: string | null;
  readonly trouble: string | null;
}

const KEPT_CAPTIONS = 100;
/** Frames that wait while there is no network; then the oldest are let go of. */
const KEPT_FRAMES = 240;
/** With a network, what is newer is better. */
const MAX_WAITING = 2;
const FIGURES_EVERY_MS = 250;

export const source = signal<Source | null>(null);
export const fps = signal<CaptureSettings["fps"]>(7);
export const resolution = signal<Resolution>("low");
/** Null: no stream has begun. */
export const state = signal<State | null>(null);
/** The newest first. */
export const captions = signal<readonly Caption[]>([]);
export const figures = signal<Figures>(NO_FIGURES);
export const notice = signal("");
export const trouble = signal("");
export const isPaused = signal(false);
export const isUnplugged = signal(false);
export const asked = signal<Asked | null>(null);
/** What is looked for, as the person chose it; null: as the server is set. */
export const wanted = signal<{ prompt: string } | { profile: string } | null>(null);

/** What runs, to be ended. */
interface Running {
  readonly glasses: Glasses;
  readonly plug: Plug;
  end(): void;
}
let running: Running | null = null;
let latest: Glasses | null = null;

/** Streams from the camera. */
export async function beginCamera(): Promise<void> {
  begin(await openCamera());
}

/** Streams a file. */
export async function beginFile(file: File): Promise<void> {
  begin(await openFile(file));
}

function begin(opened: Opened): void {
  if (opened.kind === "failed") {
    trouble.value = opened.reason;
    return;
  }
  // Somebody may have signed out while the camera was asked for.
  if (entry.value === null) return opened.source.release();
  forgetLive();
  source.value = opened.source;
  running = run(opened.source);
}

function run(from: Source): Running {
  const plug = new Plug();
  const tally = new Tally();
  const glasses = connect({
    url: location.origin,
    access: entry.value!,
    maxWaiting: KEPT_FRAMES,
    platform: { WebSocket: plug.socketClass() },
    trace: (event) => tally.traced(event),
  });
  if (wanted.value) glasses.lookFor(wanted.value);
  listen(glasses, tally);
  let given = 0;
  const stopCapture = capture(
    from.video,
    () => ({ fps: fps.value, resolution: resolution.value }),
    (jpeg, capturedAtMs) => {
      const isOpen = glasses.state.kind === "open";
      if (isOpen && glasses.counts.waiting >= MAX_WAITING) return tally.heldBack();
      // Before it goes, as it may go at once.
      tally.gave(++given, capturedAtMs);
      glasses.send(jpeg, capturedAtMs);
    },
  );
  const show = () => {
    figures.value = tally.figures(glasses.counts);
  };
  const timer = setInterval(show, FIGURES_EVERY_MS);
  return {
    glasses,
    plug,
    end() {
      stopCapture();
      clearInterval(timer);
      show();
      from.release();
    },
  };
}

function listen(glasses: Glasses, tally: Tally): void {
  latest = glasses;
  /** A stream that is over may still say something while the next one runs. */
  const hear = <T>(heard: AsyncIterable<T>, say: (value: T) => void) =>
    each(heard, (value) => latest === glasses && say(value));
  hear(glasses.states(), (now) => {
    state.value = now;
    if (now.kind !== "closed") return;
    endLive();
    figures.value = tally.figures(glasses.counts);
  });
  hear(glasses.acks(), (ack) => tally.acked(ack));
  hear(glasses.results(), (result) => {
    const caption = captionOf(result, tally.result(result));
    captions.value = [caption, ...captions.value].slice(0, KEPT_CAPTIONS);
  });
  hear(glasses.notices(), ({ code, message }) => {
    notice.value = code === "unpaused" ? "" : message;
  });
  hear(glasses.complaints(), ({ message }) => {
    notice.value = message;
  });
}

async function each<T>(heard: AsyncIterable<T>, say: (value: T) => unknown): Promise<void> {
  for await (const value of heard) say(value);
}

function captionOf(result: Result, ageMs: number | null): Caption {
  return {
    cursor: result.cursor,
    text: result.caption ?? result.inference_error ?? "",
    isFailure: result.caption === undefined,
    heardAtMs: Date.now(),
    ageMs,
    frames: result.frames,
    seconds: result.chunk_end_s - result.chunk_start_s,
  };
}

/** Ends the stream, with all that was seen described. What it said stays to be read. */
export function endLive(): void {
  const ending = running;
  running = null;
  if (!ending) return;
  ending.end();
  source.value = null;
  isPaused.value = isUnplugged.value = false;
  if (ending.plug.isPulled) ending.glasses.close();
  else ending.glasses.bye();
}

/** Ends it, and nothing of it stays to be read. */
export function forgetLive(): void {
  endLive();
  latest = null;
  batch(() => {
    state.value = null;
    captions.value = [];
    figures.value = NO_FIGURES;
    notice.value = trouble.value = "";
    asked.value = null;
  });
}

/** Frames are dropped until it is called again. */
export function togglePause(): void {
  if (!running) return;
  isPaused.value = !isPaused.value;
  if (isPaused.value) running.glasses.pause();
  else running.glasses.unpause();
}

/** Takes the network away, or gives it back. */
export function togglePlug(): void {
  if (!running) return;
  isUnplugged.value = !isUnplugged.value;
  if (isUnplugged.value) return running.plug.pull();
  running.plug.putIn();
  running.glasses.reconnect();
}

/** From the next chunk on. */
export function lookFor(what: { prompt: string } | { profile: string }): void {
  wanted.value = what;
  running?.glasses.lookFor(what);
}

/** A question about what is seen now. */
export async function askNow(question: string): Promise<void> {
  if (!running) return;
  asked.value = { question, answer: null, trouble: null };
  const { glasses } = running;
  const outcome = await glasses.ask(question);
  if (latest !== glasses) return;
  asked.value = {
    question,
    answer: outcome.kind === "answered" ? outcome.text : null,
    trouble: outcome.kind === "failed" ? outcome.reason : null,
  };
}
