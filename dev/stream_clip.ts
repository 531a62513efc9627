/**
 * Streams footage as glasses do: in real time, over a real socket, and measures what comes back.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { type Ack, connectGlasses, type Ending } from "./glasses.ts";

/** After the last frame, silence for so long means that nothing more will come. */
const SILENCE_MS = 2000;
/** However slow the model is, nobody waits longer. */
const MAX_LINGER_MS = 60_000;

/** What to stream, and where to. */
export interface StreamClipOptions {
  readonly url: string;
  readonly magicWord: string;
  readonly frames: AsyncIterable<Uint8Array>;
  /** Frames per second; frames keep their time even if one is late. */
  readonly fps: number;
  readonly clock: Clock;
  readonly onCaption?: (caption: HeardCaption) => void;
  readonly onError?: (reason: string, atS: number) => void;
  readonly onProgress?: (report: ClipReport) => void;
}

/** A caption as it came. */
export interface HeardCaption {
  readonly text: string;
  /** Seconds since the stream began. */
  readonly atS: number;
  /**
   * Milliseconds from the end of what it describes until it was heard. The server's clock of the
   * stream is taken to start when we began to connect, so the true age is less by the handshake.
   */
  readonly ageMs: number;
}

/** What was measured. */
export interface ClipReport {
  readonly sentFrames: number;
  readonly ackedFrames: number;
  readonly captions: number;
  readonly errors: number;
  readonly seconds: number;
  readonly ackMs: readonly number[];
  readonly captionAgeMs: readonly number[];
  /** Null while the server has not ended the connection by itself. */
  readonly endedByServer: Ending | null;
}

/**
 * Streams a clip to its end, waits for what is still to be heard, and leaves.
 *
 * @throws {Error} if the server refuses the connection, or the frames cannot be read
 */
export async function streamClip(options: StreamClipOptions): Promise<ClipReport> {
  const { url, magicWord, clock } = options;
  const heard = new Heard(options, clock.monotonicMs());
  const glasses = await connectGlasses(url, { magicWord, onAck: (ack) => heard.ack(ack) });
  heard.start();
  glasses.ended.then((ending) => heard.ended(ending));
  let endedByServer: Ending | null;
  try {
    for await (const frame of inTime(options, heard)) {
      heard.sent();
      glasses.send(frame);
      options.onProgress?.(heard);
    }
    const lastFrameAtMs = clock.monotonicMs();
    while (!heard.endedByServer && heard.isUnfinished(lastFrameAtMs)) {
      await until(clock, clock.monotonicMs() + 20);
    }
  } finally {
    ({ endedByServer } = heard);
    await glasses.leave();
  }
  return { ...heard.report(), endedByServer };
}

/**
 * The frames, each when it is due. A frame is asked for at that moment and not before: drawing it may
 * take a while, in which the ack of the one before could not be heard.
 */
async function* inTime(
  { frames, fps, clock }: StreamClipOptions,
  heard: Heard,
): AsyncGenerator<Uint8Array> {
  const source = frames[Symbol.asyncIterator]();
  try {
    while (!heard.endedByServer) {
      await until(clock, heard.startedAtMs + (1000 * heard.sentFrames) / fps);
      const { value, done } = await source.next();
      if (done) return;
      yield value;
    }
  } finally {
    await source.return?.();
  }
}

/** What was sent and heard so far. */
class Heard implements ClipReport {
  readonly #options: StreamClipOptions;
  readonly #sentAtMs: number[] = [];
  readonly #connectedAtMs: number;
  #lastHeardAtMs = 0;
  #ackedFrames = 0;
  startedAtMs = 0;
  captions = 0;
  errors = 0;
  readonly ackMs: number[] = [];
  readonly captionAgeMs: number[] = [];
  endedByServer: Ending | null = null;

  constructor(options: StreamClipOptions, connectedAtMs: number) {
    this.#options = options;
    this.#connectedAtMs = connectedAtMs;
  }

  get sentFrames(): number {
    return this.#sentAtMs.length;
  }

  get ackedFrames(): number {
    return this.#ackedFrames;
  }

  get seconds(): number {
    return (this.#nowMs() - this.startedAtMs) / 1000;
  }

  start(): void {
    this.startedAtMs = this.#nowMs();
  }

  sent(): void {
    this.#sentAtMs.push(this.#nowMs());
  }

  ended(ending: Ending): void {
    this.endedByServer = ending;
  }

  ack(ack: Ack): void {
    const nowMs = this.#nowMs();
    this.#lastHeardAtMs = nowMs;
    if (ack.frame > this.#ackedFrames) {
      this.#ackedFrames = ack.frame;
      this.ackMs.push(nowMs - this.#sentAtMs[ack.frame - 1]!);
    }
    const atS = (nowMs - this.startedAtMs) / 1000;
    if (typeof ack.inference_error === "string") {
      this.errors++;
      this.#options.onError?.(ack.inference_error, atS);
    }
    if (typeof ack.caption !== "string") return;
    this.captions++;
    const ageMs = nowMs - this.#connectedAtMs - 1000 * Number(ack.chunk_end_s);
    this.captionAgeMs.push(ageMs);
    this.#options.onCaption?.({ text: ack.caption, atS, ageMs });
  }

  /** Whether acks are missing, or a result may still come. */
  isUnfinished(lastFrameAtMs: number): boolean {
    const nowMs = this.#nowMs();
    if (nowMs - lastFrameAtMs > MAX_LINGER_MS) return false;
    const isSilent = nowMs - Math.max(this.#lastHeardAtMs, lastFrameAtMs) > SILENCE_MS;
    return this.#ackedFrames < this.sentFrames || !isSilent;
  }

  report(): ClipReport {
    const { sentFrames, ackedFrames, captions, errors, seconds } = this;
    const { ackMs, captionAgeMs, endedByServer } = this;
    return {
      sentFrames,
      ackedFrames,
      captions,
      errors,
      seconds,
      ackMs,
      captionAgeMs,
      endedByServer,
    };
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }
}

function until(clock: Clock, atMs: number): Promise<void> {
  const delayMs = atMs - clock.monotonicMs();
  return new Promise((resolve) => void clock.after(Math.max(0, delayMs), resolve));
}
