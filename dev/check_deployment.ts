/**
 * Whether a Foresight that was just deployed does its work: it is healthy, lets a stream in,
 * acknowledges in order, and says what it sees.
 *
 * @module
 */
import { type Clock, withDeadline } from "../clock.ts";
import { reasonOf } from "../log.ts";
import { createRedactor } from "../redact.ts";
import { connectGlasses, type Ending, type Glasses } from "./glasses.ts";
import { StreamBook } from "./_stream_book.ts";

/** A new revision may need so long until requests reach it. */
const HEALTH_PATIENCE_MS = 30_000;
const HEALTH_RETRY_MS = 2000;
const HEALTH_ANSWER_MS = 10_000;
/** An ack waits for no model (WIRE V2), so whoever is silent for so long is not well. */
const ACK_PATIENCE_MS = 15_000;
const GOODBYE_PATIENCE_MS = 2000;
/** A process that ends sends its streams away with this code (WIRE V9). */
const GOING_AWAY = 1012;
const RECONNECT_MS = 1000;
/** A caption may come with the first ack; an order takes more than one. */
const MIN_FRAMES = 3;
const MAX_QUOTE = 200;

/** What to look at, and how. */
export interface DeploymentCheckOptions {
  /** `https://host` of the deployment. */
  readonly url: string;
  /** Sent in a header, never in the address, which proxies log. Never told to anyone. */
  readonly magicWord: string;
  /** The frame to send at a time in seconds. */
  readonly frameAt: (timeS: number) => Promise<Uint8Array>;
  readonly fps: number;
  /** For all of it. A cold GPU takes minutes. */
  readonly deadlineMs: number;
  readonly clock: Clock;
  /** Hears what happens on the way, a line each. */
  readonly onNote: (line: string) => void;
}

/** What was found. */
export type DeploymentOutcome =
  | {
    readonly kind: "works";
    readonly caption: string;
    /** From the first frame until the caption was heard. */
    readonly captionAfterMs: number;
    readonly ackedFrames: number;
    readonly errors: number;
  }
  | { readonly kind: "fails"; readonly reason: string };

/** The process that was reached goes, and another is to be asked. */
interface SentAway {
  readonly kind: "sent away";
}

/** Looks at a deployment. What fails is an outcome; the magic word is in none of its texts. */
export async function checkDeployment(options: DeploymentCheckOptions): Promise<DeploymentOutcome> {
  const { clock, magicWord } = options;
  const { text } = createRedactor(magicWord);
  const onNote = (line: string) => options.onNote(text(line));
  const endsAtMs = clock.monotonicMs() + options.deadlineMs;
  const outcome = await checkAll({ ...options, onNote }, endsAtMs);
  return outcome.kind === "works"
    ? { ...outcome, caption: text(outcome.caption) }
    : fails(text(outcome.reason));
}

async function checkAll(
  options: DeploymentCheckOptions,
  endsAtMs: number,
): Promise<DeploymentOutcome> {
  const sick = await healthProblem(options, endsAtMs);
  if (sick !== null) return fails(`GET /health must answer 200 {"status":"ok"}: ${sick}`);
  options.onNote("health is ok");
  while (true) {
    const outcome = await checkStream(options, endsAtMs);
    if (outcome.kind !== "sent away") return outcome;
    options.onNote("the server ends, as the one of an older revision does: connecting again");
    await pause(options.clock, RECONNECT_MS);
  }
}

async function checkStream(
  options: DeploymentCheckOptions,
  endsAtMs: number,
): Promise<DeploymentOutcome | SentAway> {
  const book = new StreamBook(options);
  let glasses: Glasses;
  try {
    glasses = await connect(options, endsAtMs, book);
  } catch (error) {
    return fails(`the magic word must open a stream: ${reasonOf(error)}`);
  }
  try {
    return await watch(options, endsAtMs, glasses, book);
  } finally {
    await leave(glasses, options.clock);
  }
}

/** What is wrong with `/health` in the end, or null. */
async function healthProblem(
  { url, clock, onNote }: DeploymentCheckOptions,
  endsAtMs: number,
): Promise<string | null> {
  const patientUntilMs = Math.min(endsAtMs, clock.monotonicMs() + HEALTH_PATIENCE_MS);
  while (true) {
    const leftMs = Math.max(1, patientUntilMs - clock.monotonicMs());
    const timeoutMs = Math.min(HEALTH_ANSWER_MS, leftMs);
    const problem = await withDeadline(clock, timeoutMs, null, (signal) => askHealth(url, signal))
      .catch((error) => reasonOf(error));
    if (problem === null) return null;
    if (clock.monotonicMs() + HEALTH_RETRY_MS > patientUntilMs) return problem;
    onNote(`health is not ok yet: ${problem}`);
    await pause(clock, HEALTH_RETRY_MS);
  }
}

async function askHealth(url: string, signal: AbortSignal): Promise<string | null> {
  const response = await fetch(new URL("/health", url), { signal });
  const body = await response.text();
  if (response.status === 200 && statusOf(body) === "ok") return null;
  return `it answered ${response.status} ${body.slice(0, MAX_QUOTE)}`;
}

function statusOf(body: string): unknown {
  try {
    return JSON.parse(body)?.status;
  } catch {
    return null;
  }
}

async function connect(
  { url, magicWord, clock }: DeploymentCheckOptions,
  endsAtMs: number,
  book: StreamBook,
): Promise<Glasses> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(
    Math.max(0, endsAtMs - clock.monotonicMs()),
    () => reject(new Error("there was no answer before the deadline")),
  );
  try {
    const connected = connectGlasses(url, { magicWord, onAck: (ack) => book.hear(ack) });
    return await Promise.race([connected, late]);
  } finally {
    cancel();
  }
}

/** Sends frames until there is a caption and all are acknowledged, or something is wrong. */
async function watch(
  { frameAt, fps, clock, deadlineMs }: DeploymentCheckOptions,
  endsAtMs: number,
  glasses: Glasses,
  book: StreamBook,
): Promise<DeploymentOutcome | SentAway> {
  let ending: Ending | null = null as Ending | null;
  glasses.ended.then((how) => ending = how);
  for (let turn = 0;; turn++) {
    if (book.problem !== null) return fails(book.problem);
    const isEnough = book.heard !== null && book.sent >= MIN_FRAMES;
    if (isEnough && book.unacked === 0) return { kind: "works", ...book.heard };
    if (ending?.code === GOING_AWAY) return { kind: "sent away" };
    if (ending) {
      return fails(
        `the stream must stay open: the server ended it: ${ending.code} ${ending.reason}`,
      );
    }
    if (book.silentMs > ACK_PATIENCE_MS) {
      return fails(`each frame must be acknowledged at once: ${book.summary}`);
    }
    if (clock.monotonicMs() >= endsAtMs) {
      return fails(`a caption must come within ${deadlineMs / 1000} s: ${book.summary}`);
    }
    if (!isEnough) {
      const frame = await frameAt(turn / fps);
      book.send(frame.byteLength);
      glasses.send(frame);
    }
    await pause(clock, 1000 / fps);
  }
}

/** Says goodbye, and does not wait long for the answer. */
async function leave(glasses: Glasses, clock: Clock): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(GOODBYE_PATIENCE_MS, resolve);
  await Promise.race([glasses.leave(), late]);
  cancel();
}

function fails(reason: string): DeploymentOutcome {
  return { kind: "fails", reason };
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}
