/**
 * From a stream's frames to its captions: when a chunk leaves, and what its answer means for the
 * next one (WIRE V3, V7, V8).
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

/** Recent captions that go along with each call. */
const MAX_HISTORY = 6;

/** What a captioner is made of. */
export interface CaptionerOptions {
  readonly inference: VisionInferenceClient;
  readonly slots: InferenceSlots;
  readonly clock: Clock;
  readonly limits: ChunkLimits & { readonly maxInflight: number; readonly drainMs: number };
  readonly identity: ModelIdentity | null;
  readonly prompt: string;
  readonly sessionId: string;
}

/** Who hears what became of the frames. */
export interface CaptionListener {
  /** A chunk was captioned, or failed. */
  inferred(chunk: Chunk, outcome: InferOutcome): void;
  /** Something for the client to know: a caption, or a reason that it has not been told yet. */
  tell(outcome: InferOutcome): void;
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

/** Captions one stream. `offer` is on the ack path: it does no I/O and never waits. */
export class Captioner {
  readonly #options: CaptionerOptions;
  readonly #listener: CaptionListener;
  readonly #chunker: Chunker;
  readonly #startedAtMs: number;
  readonly #gone = new AbortController();
  readonly #inflight = new Set<Promise<void>>();
  readonly #history: string[] = [];
  #line: Line = { kind: "opening" };
  #leaveQueue: Cancel | null = null;
  #failures = 0;
  #toldReason: string | null = null;

  constructor(options: CaptionerOptions, listener: CaptionListener) {
    this.#options = options;
    this.#listener = listener;
    this.#chunker = new Chunker(options.limits);
    this.#startedAtMs = options.clock.monotonicMs();
    this.#open();
  }

  /** Takes a frame; a chunk may leave with it. */
  offer(bytes: Uint8Array): void {
    if (this.#line.kind === "disabled" || this.#line.kind === "closed") return;
    this.#chunker.add({ bytes, atS: this.#nowS() });
    if (this.#line.kind === "resting") this.#tryAgain(this.#line);
    if (this.#line.kind === "open") this.#dispatchIfDue();
  }

  /** Lets inferences in flight finish, for `drainMs` at most. What was not dispatched is dropped. */
  async close(): Promise<void> {
    if (this.#line.kind === "closed") return;
    const session = "session" in this.#line ? this.#line.session : null;
    this.#line = { kind: "closed" };
    this.#leaveQueue?.();
    const { clock, limits } = this.#options;
    const giveUp = () => this.#gone.abort(new Error("The stream ended before the model answered"));
    if (this.#inflight.size === 0 || limits.drainMs === 0) giveUp();
    const cancel = clock.after(limits.drainMs, giveUp);
    await Promise.all(this.#inflight);
    cancel();
    session?.close();
  }

  /** Seconds since the stream began, to the millisecond. */
  #nowS(): number {
    return Math.round(this.#options.clock.monotonicMs() - this.#startedAtMs) / 1000;
  }

  #open(): void {
    this.#line = { kind: "opening" };
    const { inference, identity } = this.#options;
    inference.openSession(identity, this.#gone.signal)
      .catch((error) => ({ kind: "unavailable" as const, reason: reasonOf(error) }))
      .then((outcome) => {
        if (this.#line.kind === "closed") {
          if (outcome.kind === "opened") outcome.session.close();
        } else if (outcome.kind === "unavailable") this.#rest(outcome.reason, null);
        else if (outcome.kind === "opened") this.#opened(outcome.session);
        else this.#line = { kind: "disabled" };
      });
  }

  /** What came while the line was opening has waited long enough: it needs no further frame. */
  #opened(session: VisionInferenceSession): void {
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
    const isFull = limits.maxInflight > 0 && this.#inflight.size >= limits.maxInflight;
    if (isFull || this.#leaveQueue || !this.#chunker.isDue(this.#nowS())) return;
    let wasCalled = false;
    const leave = slots.request((release) => {
      wasCalled = true;
      this.#leaveQueue = null;
      this.#dispatch(release);
    });
    if (!wasCalled) this.#leaveQueue = leave;
  }

  /** Sends what the window holds now, which may be more than when the stream began to wait. */
  #dispatch(release: Release): void {
    const chunk = this.#line.kind === "open" ? this.#chunker.take(this.#nowS()) : null;
    if (this.#line.kind !== "open" || !chunk) return release();
    const { session } = this.#line;
    const { prompt, sessionId } = this.#options;
    const context = { prompt, sessionId, history: [...this.#history], signal: this.#gone.signal };
    const inference = session.inferChunk(chunk, context)
      .catch((error) => ({ kind: "failed", scope: "service", reason: reasonOf(error) } as const))
      .then((outcome) => {
        this.#inflight.delete(inference);
        release();
        this.#settle(chunk, outcome, session);
      });
    this.#inflight.add(inference);
  }

  #settle(chunk: Chunk, outcome: InferOutcome, session: VisionInferenceSession): void {
    this.#listener.inferred(chunk, outcome);
    if (outcome.kind === "failed" && outcome.scope === "service") {
      if (this.#line.kind !== "closed") this.#rest(outcome.reason, session);
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
