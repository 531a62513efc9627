/**
 * A stream's line to the model: opened when the stream begins, left alone for a while when the model
 * cannot be reached (WIRE V8).
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type {
  ModelIdentity,
  VisionInferenceClient,
  VisionInferenceSession,
} from "../inference/client.ts";
import { reasonOf } from "../log.ts";
import { retryDelayMs } from "./_back_off.ts";

/** What a line is made of. */
export interface ModelLineOptions {
  readonly inference: VisionInferenceClient;
  readonly identity: ModelIdentity | null;
  readonly clock: Clock;
  /** Aborted when nobody waits for the model any more. */
  readonly signal: AbortSignal;
}

/** Who hears of the line. */
export interface ModelLineListener {
  /** Chunks may leave now. */
  opened(): void;
  /** Why the model cannot be reached; a reason that was told is not told again until it worked. */
  unreachable(reason: string): void;
}

type State =
  | { readonly kind: "opening" }
  | { readonly kind: "open"; readonly session: VisionInferenceSession }
  /** The next attempt is made on a frame after `untilMs`. */
  | {
    readonly kind: "resting";
    readonly untilMs: number;
    readonly session: VisionInferenceSession | null;
  }
  | { readonly kind: "disabled" }
  | { readonly kind: "closed" };

/** One stream's line. */
export class ModelLine {
  readonly #options: ModelLineOptions;
  readonly #listener: ModelLineListener;
  #state: State = { kind: "opening" };
  #attempt: Promise<void> = Promise.resolve();
  #failures = 0;
  #toldReason: string | null = null;

  constructor(options: ModelLineOptions, listener: ModelLineListener) {
    this.#options = options;
    this.#listener = listener;
    this.#open();
  }

  /** What chunks go to now; null: nothing. */
  get session(): VisionInferenceSession | null {
    return this.#state.kind === "open" ? this.#state.session : null;
  }

  /** Whether there is no model, and will be none. */
  get isDisabled(): boolean {
    return this.#state.kind === "disabled";
  }

  /** Settles when the attempt to open that is under way is over. */
  get attempt(): Promise<void> {
    return this.#attempt;
  }

  /** Tries again if the model has been left alone for long enough. */
  tryAgain(): void {
    if (this.#state.kind !== "resting") return;
    const { untilMs, session } = this.#state;
    if (this.#options.clock.monotonicMs() < untilMs) return;
    if (session) this.#state = { kind: "open", session };
    else this.#open();
  }

  /** Tries without waiting: there is no later. */
  tryAtOnce(): void {
    if (this.#state.kind !== "resting" || !this.#state.session) return;
    this.#state = { kind: "open", session: this.#state.session };
  }

  /** Why nothing is described now. */
  get reason(): string {
    return this.#toldReason ?? "There is no model to look at it";
  }

  /** The model answered. */
  worked(): void {
    this.#failures = 0;
    this.#toldReason = null;
  }

  /** The model did not answer. */
  failed(reason: string): void {
    if (this.#state.kind === "open") this.#rest(reason, this.#state.session);
    else if (this.#state.kind === "resting") this.#rest(reason, this.#state.session);
  }

  /** Nothing goes to the model any more. @returns what lets go of it, when what is in flight is over */
  close(): () => void {
    const session = "session" in this.#state ? this.#state.session : null;
    this.#state = { kind: "closed" };
    return () => session?.close();
  }

  #open(): void {
    this.#state = { kind: "opening" };
    const { inference, identity, signal } = this.#options;
    this.#attempt = inference.openSession(identity, signal)
      .catch((error) => ({ kind: "unavailable" as const, reason: reasonOf(error) }))
      .then((outcome) => {
        if (this.#state.kind === "closed") {
          if (outcome.kind === "opened") outcome.session.close();
        } else if (outcome.kind === "unavailable") this.#rest(outcome.reason, null);
        else if (outcome.kind === "disabled") this.#state = { kind: "disabled" };
        else {
          this.#state = { kind: "open", session: outcome.session };
          this.#listener.opened();
        }
      });
  }

  /** Stays away from a model that cannot be reached, longer each time. */
  #rest(reason: string, session: VisionInferenceSession | null): void {
    const delayMs = retryDelayMs(this.#failures++, session !== null);
    this.#state = {
      kind: "resting",
      untilMs: this.#options.clock.monotonicMs() + delayMs,
      session,
    };
    if (this.#toldReason === reason) return;
    this.#toldReason = reason;
    this.#listener.unreachable(reason);
  }
}
