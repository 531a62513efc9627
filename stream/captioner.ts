/**
 * From a stream's frames to its captions: which frames are looked at, when a chunk leaves, and what
 * its answer means for the next one (WIRE V3, V7, V8, S2).
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";
import { Chunker, type ChunkLimits } from "../inference/chunker.ts";
import type {
  Chunk,
  InferOutcome,
  ModelIdentity,
  VisionInferenceClient,
  VisionInferenceSession,
} from "../inference/client.ts";
import type { InferenceSlots, Release } from "../inference/slots.ts";
import { reasonOf } from "../log.ts";
import { retryDelayMs } from "./_back_off.ts";
import { DROPPED, type FrameFate, QUEUED } from "./frame_fate.ts";
import type { Answer } from "./wire.ts";

/** Recent captions that go along with each call. */
export const MAX_HISTORY = 6;

/** Where a stream stands when it begins, or goes on over a new connection. */
export interface CaptionerStart {
  /** Seconds since the session began. */
  readonly nowS: number;
  /** Up to where it has been described, in the same seconds. */
  readonly describedS: number;
  /** Its newest captions, oldest first. */
  readonly history: readonly string[];
  readonly prompt: string;
}

/** What a captioner is made of. */
export interface CaptionerOptions {
  readonly inference: VisionInferenceClient;
  readonly slots: InferenceSlots;
  readonly clock: Clock;
  readonly limits: ChunkLimits & { readonly maxInflight: number; readonly drainMs: number };
  readonly identity: ModelIdentity | null;
  readonly sessionId: string;
  readonly start: CaptionerStart;
  /** What is said of a chunk that is given up as the stream ends: that it failed, or nothing. */
  readonly givenUp: "told" | "forgotten";
}

/** One frame as it came. */
export interface ArrivedFrame {
  readonly bytes: Uint8Array;
  /** The session's frames count from 1. */
  readonly number: number;
  /** Wall time at which it was taken, as the client says. */
  readonly capturedAtMs: number | null;
}

/** A chunk on its way to the model. */
export interface DispatchedChunk extends Chunk {
  /** The newest frame that came before the chunk left, looked at or not. */
  readonly lastFrame: number;
  /** When the newest frame of the chunk was taken. */
  readonly capturedAtMs: number | null;
}

/** Who hears what became of the frames. */
export interface CaptionListener {
  /** A chunk has left. `outcome` resolves always; null: it was given up, see `givenUp`. */
  dispatched(chunk: DispatchedChunk, outcome: Promise<InferOutcome | null>): void;
  /** Something for the client to know: a caption, or a reason that it has not been told yet. */
  tell(outcome: InferOutcome): void;
  /** Whether outcomes pile up behind what cannot be written: then nothing more is sent out. */
  isBehind(): boolean;
}

/** The line to the model. */
type Line =
  | { readonly kind: "opening" }
  | { readonly kind: "open"; readonly session: VisionInferenceSession }
  /** The model could not be reached; the next attempt is made on a frame after `untilMs`. */
  | {
    readonly kind: "resting";
    readonly untilMs: number;
    readonly session: VisionInferenceSession | null;
  }
  | { readonly kind: "disabled" }
  | { readonly kind: "closed" };

/** Captions one stream. `admit` and `proceed` are on the ack path: no I/O, and they never wait. */
export class Captioner {
  readonly #options: CaptionerOptions;
  readonly #listener: CaptionListener;
  readonly #chunker: Chunker;
  readonly #startedAtMs: number;
  readonly #gone = new AbortController();
  readonly #inflight = new Set<Promise<void>>();
  readonly #history: string[];
  #prompt: string;
  #line: Line = { kind: "opening" };
  /** Settles when an attempt to open the line is over. */
  #opened: Promise<void> = Promise.resolve();
  #isEnding = false;
  #isPaused = false;
  #newest: ArrivedFrame | null = null;
  #lastFrame = 0;
  #leaveQueue: Cancel | null = null;
  #failures = 0;
  #toldReason: string | null = null;

  constructor(options: CaptionerOptions, listener: CaptionListener) {
    this.#options = options;
    this.#listener = listener;
    this.#chunker = new Chunker(options.limits, options.start.describedS);
    this.#history = [...options.start.history];
    this.#prompt = options.start.prompt;
    this.#startedAtMs = options.clock.monotonicMs();
    this.#open();
  }

  /** Decides what becomes of a frame. */
  admit(frame: ArrivedFrame): FrameFate {
    this.#lastFrame = frame.number;
    if (this.#line.kind === "disabled" || this.#isEnding) return DROPPED.busy;
    if (this.#isPaused) return DROPPED.paused;
    if (this.#listener.isBehind()) return DROPPED.busy;
    this.#newest = frame;
    this.#chunker.add({ bytes: frame.bytes, atS: this.nowS() });
    return QUEUED;
  }

  /** Lets a chunk leave if it is time. */
  proceed(): void {
    if (this.#isEnding) return;
    if (this.#line.kind === "resting") this.#tryAgain(this.#line);
    if (this.#line.kind === "open") this.#dispatchIfDue();
  }

  /** What to look for from the next chunk on. */
  lookFor(prompt: string): void {
    this.#prompt = prompt;
  }

  /** Looks at no frame until {@link unpause}. What came before is still described. */
  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#dispatchWhatIsThere();
  }

  /** The time in between belongs to no chunk. */
  unpause(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#chunker.restart(this.nowS());
  }

  /**
   * Lets inferences in flight finish, for `drainMs` at most.
   *
   * @param rest what becomes of the frames that no chunk has taken yet
   */
  async close(rest: "described" | "dropped"): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    const { clock, limits } = this.#options;
    const giveUp = () => this.abandon("The stream ended before the model answered");
    const cancel = clock.after(limits.drainMs, giveUp);
    if (rest === "described") {
      if (this.#line.kind === "opening") await this.#opened;
      if (!this.#gone.signal.aborted) this.#dispatchWhatIsThere();
    }
    const session = "session" in this.#line ? this.#line.session : null;
    this.#line = { kind: "closed" };
    this.#leaveQueue?.();
    if (this.#inflight.size === 0 || limits.drainMs === 0) giveUp();
    await Promise.all(this.#inflight);
    cancel();
    session?.close();
  }

  /** Asks about the newest frames. */
  async ask(question: string): Promise<Answer> {
    const frame = this.#newest;
    if (this.#line.kind !== "open") return { kind: "failed", reason: "the model is not there now" };
    if (!frame) return { kind: "failed", reason: "no frame has come yet" };
    const { sessionId } = this.#options;
    const context = { sessionId, history: [...this.#history], signal: this.#gone.signal };
    const { session } = this.#line;
    if (!session.answer) return { kind: "failed", reason: "this model cannot be asked" };
    return await session.answer([frame.bytes], question, context);
  }

  /** Gives up what is in flight: nobody waits for it any more. */
  abandon(reason: string): void {
    this.#gone.abort(new Error(reason));
  }

  /** Seconds since the session began, to the millisecond. */
  nowS(): number {
    const { clock, start } = this.#options;
    return Math.round(start.nowS * 1000 + clock.monotonicMs() - this.#startedAtMs) / 1000;
  }

  #open(): void {
    this.#line = { kind: "opening" };
    const { inference, identity } = this.#options;
    this.#opened = inference.openSession(identity, this.#gone.signal)
      .catch((error) => ({ kind: "unavailable" as const, reason: reasonOf(error) }))
      .then((outcome) => {
        if (this.#line.kind === "closed") {
          if (outcome.kind === "opened") outcome.session.close();
        } else if (outcome.kind === "unavailable") this.#rest(outcome.reason, null);
        else if (outcome.kind === "opened") this.#isOpen(outcome.session);
        else this.#line = { kind: "disabled" };
      });
  }

  /** What came while the line was opening has waited long enough: it needs no further frame. */
  #isOpen(session: VisionInferenceSession): void {
    this.#line = { kind: "open", session };
    this.#dispatchIfDue();
  }

  /** Stays away from a model that cannot be reached, longer each time, and says why once. */
  #rest(reason: string, session: VisionInferenceSession | null): void {
    const delayMs = retryDelayMs(this.#failures++, session !== null);
    this.#line = {
      kind: "resting",
      untilMs: this.#options.clock.monotonicMs() + delayMs,
      session,
    };
    if (this.#toldReason === reason) return;
    this.#toldReason = reason;
    this.#listener.tell({ kind: "failed", scope: "service", reason });
  }

  #tryAgain({ untilMs, session }: Line & { kind: "resting" }): void {
    if (this.#options.clock.monotonicMs() < untilMs) return;
    if (session) this.#line = { kind: "open", session };
    else this.#open();
  }

  #dispatchIfDue(): void {
    const { limits, slots } = this.#options;
    if (this.#isEnding) return;
    const isFull = limits.maxInflight > 0 && this.#inflight.size >= limits.maxInflight;
    if (isFull || this.#leaveQueue || !this.#chunker.isDue(this.nowS())) return;
    let wasCalled = false;
    const leave = slots.request((release) => {
      wasCalled = true;
      this.#leaveQueue = null;
      this.#dispatch(release);
    });
    if (!wasCalled) this.#leaveQueue = leave;
  }

  /** Sends the window on though it is not due and others may be waiting: it is the last for now. */
  #dispatchWhatIsThere(): void {
    if (this.#line.kind !== "open") return;
    this.#leaveQueue?.();
    this.#leaveQueue = null;
    this.#dispatch(() => {});
  }

  /** Sends what the window holds now, which may be more than when the stream began to wait. */
  #dispatch(release: Release): void {
    const chunk = this.#line.kind === "open" ? this.#chunker.take(this.nowS()) : null;
    if (this.#line.kind !== "open" || !chunk) return release();
    const { session } = this.#line;
    const { sessionId } = this.#options;
    const context = {
      prompt: this.#prompt,
      sessionId,
      history: [...this.#history],
      signal: this.#gone.signal,
    };
    const outcome = session.inferChunk(chunk, context)
      .catch((error) => ({ kind: "failed", scope: "service", reason: reasonOf(error) } as const));
    const forgets = this.#options.givenUp === "forgotten";
    this.#listener.dispatched(
      { ...chunk, lastFrame: this.#lastFrame, capturedAtMs: this.#newest!.capturedAtMs },
      outcome.then((outcome) => forgets && this.#gone.signal.aborted ? null : outcome),
    );
    const settled = outcome.then((outcome) => {
      this.#inflight.delete(settled);
      release();
      this.#settle(outcome, session);
    });
    this.#inflight.add(settled);
  }

  #settle(outcome: InferOutcome, session: VisionInferenceSession): void {
    if (outcome.kind === "failed" && outcome.scope === "service") {
      if (!this.#isEnding) this.#rest(outcome.reason, session);
      return;
    }
    this.#failures = 0;
    this.#toldReason = null;
    if (outcome.kind === "captioned" && outcome.caption) {
      this.#history.push(outcome.caption);
      if (this.#history.length > MAX_HISTORY) this.#history.shift();
    }
    this.#listener.tell(outcome);
  }
}
