/**
 * What a person wants of a stream: questions, what to look for, a pause. They go out no faster than
 * the server hears them, and what lasts is said again over each new connection (SPEC S6).
 *
 * @module
 */
import type { Line } from "./_line.ts";
import { Pace } from "./_pace.ts";
import type { Answer, Complaint, Wish } from "./messages.ts";
import type { Clock } from "./platform.ts";

/** Below the ten and twenty that the server hears. */
const WISHES_PER_SECOND = 8;
const BURST = 16;

/** What became of a question about the newest frame. */
export type AskOutcome =
  | { readonly kind: "answered"; readonly text: string; readonly latencyMs: number }
  | { readonly kind: "failed"; readonly reason: string };

/** What to look for from the next chunk on. */
export type LookFor = { readonly prompt: string } | { readonly profile: string };

/** The wishes of one wearer. */
export class Wishes {
  readonly #clock: Clock;
  readonly #asked = new Map<string, (outcome: AskOutcome) => void>();
  #line: Line | null = null;
  #pace: Pace;
  #unsaid: Wish[] = [];
  #cancelLook: () => void = () => {};
  #questions = 0;
  #lookFor: LookFor | null = null;
  #isPaused = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#pace = new Pace(clock, WISHES_PER_SECOND, BURST);
  }

  /** Whether it was said what to look for. */
  get hasLook(): boolean {
    return this.#lookFor !== null;
  }

  /** Whether all that was wanted has been said. */
  get areSaid(): boolean {
    return this.#unsaid.length === 0;
  }

  /** A connection stands: what lasts is said again, as it may never have arrived. */
  open(line: Line): void {
    this.#line = line;
    this.#pace = new Pace(this.#clock, WISHES_PER_SECOND, BURST);
    if (this.#lookFor) this.#say({ type: "prompt", ...this.#lookFor });
    if (this.#isPaused) this.#say({ type: "pause" });
  }

  /** The connection is lost, and with it the questions, which were about the newest frame. */
  close(reason: string): void {
    this.#line = null;
    this.#cancelLook();
    this.#unsaid = [];
    for (const settle of this.#asked.values()) settle({ kind: "failed", reason });
    this.#asked.clear();
  }

  lookFor(wanted: LookFor): void {
    this.#lookFor = wanted;
    if (this.#line) this.#say({ type: "prompt", ...wanted });
  }

  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (this.#line) this.#say({ type: isPaused ? "pause" : "unpause" });
  }

  ask(question: string): Promise<AskOutcome> {
    if (!this.#line) return Promise.resolve({ kind: "failed", reason: "there is no connection" });
    const id = `q${++this.#questions}`;
    const { promise, resolve } = Promise.withResolvers<AskOutcome>();
    this.#asked.set(id, resolve);
    this.#say({ type: "ask", id, question });
    return promise;
  }

  /** Settles a question. */
  answered(message: Answer | Complaint): void {
    const settle = this.#asked.get(message.id ?? "");
    this.#asked.delete(message.id ?? "");
    settle?.(
      message.type === "answer"
        ? { kind: "answered", text: message.text, latencyMs: message.latency_ms }
        : { kind: "failed", reason: message.message },
    );
  }

  #say(wish: Wish): void {
    this.#unsaid.push(wish);
    this.#sayAll();
  }

  #sayAll(): void {
    this.#cancelLook();
    while (this.#unsaid[0] && this.#line?.isReady) {
      const waitMs = this.#pace.take();
      if (waitMs > 0) {
        this.#cancelLook = this.#clock.after(waitMs, () => this.#sayAll());
        return;
      }
      this.#line.send(JSON.stringify(this.#unsaid.shift()));
    }
  }
}
