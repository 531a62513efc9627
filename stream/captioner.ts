/**
 * From a stream's frames to its captions: which frames are looked at, when a chunk leaves, and what
 * its answer means for the next one (WIRE V3, V7, V8, S2).
 *
 * @module
 */
import type { Cancel } from "../clock.ts";
import { Chunker } from "../inference/chunker.ts";
import type { AskContext, Chunk, InferOutcome } from "../inference/client.ts";
import type { Release } from "../inference/slots.ts";
import type { CameraOrder } from "../kv/camera_keys.ts";
import { reasonOf } from "../log.ts";
import { Asker } from "./_asker.ts";
import { BUDGET_USED_UP, CallGate } from "./_call_gate.ts";
import { CaptionHistory } from "./_history.ts";
import { ModelLine } from "./_model_line.ts";
import { SHUT_BY_ORDER, Shutter } from "./_shutter.ts";
import type { CaptionerOptions, CaptionListener } from "./captioning.ts";
import { type ArrivedFrame, DROPPED, type FrameFate, QUEUED, SKIPPED } from "./frame.ts";
import type { Answer } from "./wire.ts";

/** Captions one stream. `admit` and `proceed` are on the ack path: no I/O, and they never wait. */
export class Captioner {
  readonly #options: CaptionerOptions;
  readonly #listener: CaptionListener;
  readonly #chunker: Chunker;
  readonly #startedAtMs: number;
  readonly #gone = new AbortController();
  readonly #inflight = new Set<Promise<void>>();
  readonly #history: CaptionHistory;
  #prompt: string;
  readonly #line: ModelLine;
  readonly #gate: CallGate;
  readonly #asker: Asker;
  #isEnding = false;
  #closed: Promise<void> | null = null;
  /** Whether nothing is said of a chunk that is given up. */
  #forgets: boolean;
  readonly #shutter = new Shutter();
  #newest: ArrivedFrame | null = null;
  #lastFrame = 0;
  #leaveQueue: Cancel | null = null;

  constructor(options: CaptionerOptions, listener: CaptionListener) {
    this.#options = options;
    this.#listener = listener;
    this.#chunker = new Chunker(options.limits, options.start.describedS);
    this.#history = new CaptionHistory(options.start.history);
    this.#prompt = options.start.prompt;
    this.#forgets = options.givenUp === "forgotten";
    this.#startedAtMs = options.clock.monotonicMs();
    this.#gate = new CallGate(options.budget, options.clock, {
      usedUp: listener.usedUp,
      ready: () => this.#goOn(),
    });
    this.#asker = new Asker({
      ...options,
      gate: this.#gate,
      now: () => ({
        session: this.#line.session,
        frame: this.#newest,
        context: this.#context(),
        isShut: this.#shutter.isOrdered,
      }),
    });
    const signal = this.#gone.signal;
    this.#line = new ModelLine({ ...options, signal }, {
      // What came while the line was opening has waited long enough: it needs no further frame.
      opened: () => this.#dispatchIfDue(),
      unreachable: (reason) => listener.tell({ kind: "failed", scope: "service", reason }),
    });
  }

  /** Decides what becomes of a frame. */
  admit(frame: ArrivedFrame): FrameFate {
    this.#lastFrame = frame.number;
    if (this.#line.isDisabled || this.#isEnding) return DROPPED.busy;
    if (this.#shutter.fate) return this.#shutter.fate;
    if (this.#gate.isShut) return DROPPED.budget;
    if (this.#listener.isBehind()) return DROPPED.busy;
    this.#newest = frame;
    this.#asker.offer(frame);
    if (this.#options.governor?.isSimilar(frame.bytes, this.#options.clock.monotonicMs())) {
      return SKIPPED;
    }
    this.#chunker.add({ bytes: frame.bytes, atS: this.nowS() });
    return QUEUED;
  }

  /** Lets a chunk leave if it is time. */
  proceed(): void {
    if (this.#isEnding) return;
    this.#line.tryAgain();
    this.#dispatchIfDue();
  }

  /** What to look for from the next chunk on. */
  lookFor(prompt: string): void {
    this.#prompt = prompt;
  }

  /** Looks at no frame until {@link unpause}. What came before is still described. */
  pause(): void {
    if (this.#shutter.pause(true)) this.#dispatchWhatIsThere();
  }

  /** The time in between belongs to no chunk, but where frames of before still wait for the model. */
  unpause(): void {
    // What could not leave yet was promised to be looked at.
    if (this.#shutter.pause(false)) this.#restartIfEmpty();
  }

  /** The camera as ordered from outside. While it is shut nothing leaves, whenever it came. */
  ordered(camera: CameraOrder["kind"]): void {
    if (!this.#shutter.order(camera)) return;
    if (!this.#shutter.isOrdered) return this.#restartIfEmpty();
    this.#leaveQueue?.();
    this.#leaveQueue = null;
    this.#giveUpWindow(SHUT_BY_ORDER);
  }

  /**
   * Lets inferences in flight finish, for `drainMs` at most.
   *
   * @param rest what becomes of the frames that no chunk has taken yet. `told`: they are described,
   *   or it is told that they cannot be, as nobody will ask for them again. The first call counts;
   *   others wait for it
   */
  close(rest: "described" | "told" | "dropped"): Promise<void> {
    return this.#closed ??= this.#end(rest);
  }

  async #end(rest: "described" | "told" | "dropped"): Promise<void> {
    this.#isEnding = true;
    this.#asker.close();
    const { clock, limits } = this.#options;
    const giveUp = () => this.abandon("The stream ended before the model answered");
    const cancel = clock.after(limits.drainMs, giveUp);
    if (rest === "told") this.#forgets = false;
    if (rest !== "dropped") await this.#describeRest();
    if (rest === "told") this.#giveUpWindow(this.#line.reason);
    const letGo = this.#line.close();
    this.#leaveQueue?.();
    this.#gate.close();
    if (this.#inflight.size === 0 || limits.drainMs === 0) giveUp();
    await Promise.all(this.#inflight);
    cancel();
    letGo();
  }

  /** The line may still be opening, and the budget may not be known yet. */
  async #describeRest(): Promise<void> {
    await this.#line.attempt;
    this.#line.tryAtOnce();
    while (!this.#gone.signal.aborted) {
      this.#dispatchWhatIsThere();
      if (!this.#gate.isWaiting || this.#chunker.heldFrames === 0) return;
      await this.#gate.opened();
    }
  }

  /** Asks about the newest frame. Resolves always. */
  ask(question: string): Promise<Answer> {
    return this.#asker.ask(question);
  }

  /** Asks about frames that are still to come. Resolves always. */
  look(question: string): Promise<Answer> {
    return this.#asker.look(question);
  }

  /** Gives up what is in flight: nobody waits for it any more. */
  abandon(reason: string): void {
    this.#gone.abort(new Error(reason));
    this.#gate.close();
  }

  /** Seconds since the session began, to the millisecond. */
  nowS(): number {
    const { clock, start } = this.#options;
    return Math.round(start.nowS * 1000 + clock.monotonicMs() - this.#startedAtMs) / 1000;
  }

  /** The budget has something again; the time in which it had nothing belongs to no chunk. */
  #goOn(): void {
    this.#restartIfEmpty();
    this.#dispatchIfDue();
  }

  #restartIfEmpty(): void {
    if (this.#chunker.heldFrames === 0) this.#chunker.restart(this.nowS());
  }

  #dispatchIfDue(): void {
    const { limits, slots } = this.#options;
    if (this.#isEnding || !this.#line.session) return;
    const isFull = limits.maxInflight > 0 && this.#inflight.size >= limits.maxInflight;
    const waits = this.#leaveQueue !== null || this.#gate.isWaiting;
    if (isFull || waits || !this.#chunker.isDue(this.nowS())) return;
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
    if (!this.#line.session) return;
    this.#leaveQueue?.();
    this.#leaveQueue = null;
    this.#dispatch(() => {});
  }

  /** Sends what the window holds now, which may be more than when the stream began to wait. */
  #dispatch(release: Release): void {
    const { session } = this.#line;
    if (!session || this.#chunker.heldFrames === 0) return release();
    const passage = this.#gate.pass();
    if (passage !== "granted") {
      release();
      if (passage === "shut") this.#giveUpWindow(BUDGET_USED_UP);
      return;
    }
    const chunk = this.#chunker.take(this.nowS())!;
    const sentAtMs = this.#options.clock.monotonicMs();
    const asked = { prompt: this.#prompt, questions: this.#options.questions() };
    const outcome = session.inferChunk(chunk, { ...this.#context(), ...asked })
      .catch((error) => ({ kind: "failed", scope: "service", reason: reasonOf(error) } as const));
    this.#announce(chunk, outcome);
    const settled = outcome.then((outcome) => {
      this.#inflight.delete(settled);
      release();
      const tookMs = this.#options.clock.monotonicMs() - sentAtMs;
      this.#gate.spent((outcome.kind === "captioned" ? outcome.latencyMs : tookMs) / 1000);
      this.#settle(outcome);
    });
    this.#inflight.add(settled);
  }

  /** Writes down why nobody looked at what is queued. */
  #giveUpWindow(reason: string): void {
    const chunk = this.#chunker.take(this.nowS());
    if (!chunk) return;
    this.#options.governor?.forget();
    this.#announce(chunk, Promise.resolve({ kind: "failed", scope: "service", reason }));
  }

  #announce(chunk: Chunk, outcome: Promise<InferOutcome>): void {
    this.#listener.dispatched(
      { ...chunk, lastFrame: this.#lastFrame, capturedAtMs: this.#newest!.capturedAtMs },
      outcome.then((outcome) => this.#forgets && this.#gone.signal.aborted ? null : outcome),
    );
  }

  #context(): AskContext {
    const { sessionId } = this.#options;
    return { sessionId, history: this.#history.recent, signal: this.#gone.signal };
  }

  #settle(outcome: InferOutcome): void {
    // What nobody looked at must not make a picture look known.
    if (outcome.kind === "failed") this.#options.governor?.forget();
    if (outcome.kind === "failed" && outcome.scope === "service") {
      if (!this.#isEnding) this.#line.failed(outcome.reason);
      return;
    }
    this.#line.worked();
    if (outcome.kind === "captioned") this.#history.add(outcome.caption);
    this.#listener.tell(outcome);
  }
}
