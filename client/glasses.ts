/**
 * A stream that loses nothing: frames go out over `foresight.v2`, a lost connection is made again,
 * its session goes on, and each result is heard once (SPEC S).
 *
 * @module
 */
import { Keyring } from "./access.ts";
import { streamAddress } from "./_address.ts";
import { AnswerWatch } from "./_answer_watch.ts";
import { ComingBack } from "./_coming_back.ts";
import { Farewell } from "./_farewell.ts";
import { Feeds } from "./_feeds.ts";
import { FrameBook, type FrameCounts, type Loss } from "./_frames.ts";
import { type Ending, Line } from "./_line.ts";
import { Place } from "./_place.ts";
import { explain } from "./_refusal.ts";
import { Sender } from "./_sender.ts";
import { type Closed, judge } from "./_verdict.ts";
import { type AskOutcome, type LookFor, Wishes } from "./_wishes.ts";
import { complete, type CompleteOptions } from "./glasses_options.ts";
import type { GlassesOptions, HeardAck, Remembered, State } from "./glasses_options.ts";
import type { Complaint, Hello, Notice, Result, ServerMessage } from "./messages.ts";
import { pause, type Platform, platformWith } from "./platform.ts";

export type { AskOutcome, Closed, FrameCounts, LookFor, Loss };
export type { GlassesOptions, HeardAck, Remembered, State };

/** After `bye` the server describes what is there first. */
const BYE_TIMEOUT_MS = 30_000;

/** Begins to stream; `closed` settles when it is over. */
export function connect(options: GlassesOptions): Glasses {
  return new Glasses(options);
}

/** One wearer's stream, over as many connections as it takes. */
export class Glasses {
  /** Settles when there will be no further connection. */
  readonly closed: Promise<Closed>;
  readonly #options: CompleteOptions;
  readonly #platform: Platform;
  readonly #keyring: Keyring;
  readonly #comingBack: ComingBack;
  readonly #book: FrameBook;
  readonly #sender: Sender;
  readonly #wishes: Wishes;
  readonly #feeds = new Feeds();
  #state: State = { kind: "connecting", attempt: 1 };
  readonly #place: Place;
  #line: Line | null = null;
  #watch: AnswerWatch | null = null;
  #stoodSinceMs: number | null = null;
  #connections = 0;
  readonly #farewell = new Farewell();
  #waiting = new AbortController();
  #isStopped = false;

  constructor(options: GlassesOptions) {
    this.#options = complete(options);
    this.#platform = platformWith(options.platform);
    this.#keyring = new Keyring(options.access);
    this.#comingBack = new ComingBack(this.#options, this.#keyring, this.#platform.random);
    this.#place = new Place(options.resumeFrom ?? null);
    const { clock } = this.#platform;
    this.#book = new FrameBook(this.#options, (loss) => this.#feeds.losses.say(loss));
    this.#sender = new Sender(clock, this.#book, this.#options, (number, given) => {
      this.#options.trace?.({ kind: "sent", connection: this.#connections, number, given });
      this.#watch?.expect();
    });
    this.#wishes = new Wishes(clock);
    // Whoever made it listens before anything is said.
    this.closed = Promise.resolve().then(() => this.#run()).catch((error) =>
      // No such address, or none that this page may connect to.
      this.#finish({ kind: "refused", status: 0, detail: String(error) })
    );
  }

  get state(): State {
    return this.#state;
  }

  /** What to come back with after a reload of the page; null: there is no session. */
  get remembered(): Remembered | null {
    return this.#place.remembered;
  }

  /** What became of the frames so far. */
  get counts(): FrameCounts {
    return this.#book.counts;
  }

  /** Results, each once, in the order of their cursors, also across connections. */
  results = (): AsyncIterableIterator<Result> => this.#feeds.results.listen();
  acks = (): AsyncIterableIterator<HeardAck> => this.#feeds.acks.listen();
  notices = (): AsyncIterableIterator<Notice> => this.#feeds.notices.listen();
  /** What the server could not act on. */
  complaints = (): AsyncIterableIterator<Complaint> => this.#feeds.complaints.listen();
  /** Changes of `state`. */
  states = (): AsyncIterableIterator<State> => this.#feeds.states.listen();
  /** Frames that were given and never described. */
  losses = (): AsyncIterableIterator<Loss> => this.#feeds.losses.listen();

  /**
   * Sends a frame as soon as may be; the newest goes first where not all can.
   *
   * @param bytes JPEG or PNG; not to be changed afterwards
   * @param capturedAtMs when it was taken, in milliseconds since 1970; by default now
   * @returns its number, from 1, which acks and losses name it by
   */
  send(bytes: Uint8Array, capturedAtMs?: number): number {
    const atMs = capturedAtMs ?? this.#platform.clock.epochMs();
    // Sockets take no shared memory, and say so.
    const given = this.#book.give(bytes as Uint8Array<ArrayBuffer>, atMs);
    if (this.#state.kind === "closed" || this.#farewell.isWished) this.#book.loseNewest();
    else this.#sender.pump();
    return given;
  }

  /** A question about what is seen now. */
  ask(question: string): Promise<AskOutcome> {
    return this.#wishes.ask(question);
  }

  /** What to look for from the next chunk on; it lasts across connections. */
  lookFor(wanted: LookFor): void {
    this.#wishes.lookFor(wanted);
  }

  /** The server drops frames from now on, also over later connections. */
  pause(): void {
    this.#wishes.pause(true);
  }

  unpause(): void {
    this.#wishes.pause(false);
  }

  /** Takes the connection for lost, or does not wait any longer: the phone knows of a network. */
  reconnect(): void {
    this.#line?.giveUp("the client connects again");
    this.#waiting.abort();
  }

  /** Ends the session: what waits is sent, what is there is described, and then it is over. */
  bye(): Promise<Closed> {
    this.#farewell.wish();
    this.#sender.pump();
    this.#sayBye();
    return this.closed;
  }

  /** Leaves at once; the session waits for its client for `limits.resume_seconds`. */
  close(): Promise<Closed> {
    this.#isStopped = true;
    this.reconnect();
    return this.closed;
  }

  async #run(): Promise<Closed> {
    for (;;) {
      this.#waiting = new AbortController();
      const next = this.#isStopped ? STOPPED : await this.#connectOnce();
      if (next.kind === "over") return this.#finish(next.why);
      const { delayMs, reason } = next;
      this.#become({ kind: "waiting", failures: this.#comingBack.failures, delayMs, reason });
      await pause(this.#platform.clock, delayMs, this.#waiting.signal);
    }
  }

  /** One connection from its beginning to its end, and what comes next. */
  async #connectOnce() {
    const brought = await this.#keyring.forAddress().catch((error) => ({ error }));
    if (brought !== null && "error" in brought) return this.#comingBack.withoutToken(brought.error);
    if (brought === null) {
      const detail = "there is no token to bring";
      return { kind: "over", why: { kind: "refused", status: 0, detail } } as const;
    }
    if (this.#isStopped) return STOPPED;
    const connection = ++this.#connections;
    const ending = await this.#converse(connection, brought.query);
    this.#options.trace?.({ kind: "ended", connection, ending });
    const sinceMs = this.#stoodSinceMs;
    const stoodMs = sinceMs === null ? null : this.#platform.clock.monotonicMs() - sinceMs;
    this.#stoodSinceMs = null;
    const verdict = judge(ending, this.#farewell.isSaid);
    this.#farewell.again();
    if (verdict.kind === "too_large") this.#book.refuseUnacked();
    return await this.#comingBack.after(verdict, stoodMs, brought);
  }

  async #converse(connection: number, access: Readonly<Record<string, string>>): Promise<Ending> {
    const { url, profile, trace, handshakeTimeoutMs, answerTimeoutMs } = this.#options;
    const base = typeof url === "string" ? url : url();
    const address = streamAddress(base, {
      ...access,
      ...this.#place.claim,
      ...profile !== undefined && !this.#wishes.hasLook && { profile },
    });
    trace?.({ kind: "connecting", connection, claim: this.#place.remembered });
    this.#become({ kind: "connecting", attempt: this.#comingBack.failures + 1 });
    const line = this.#line = new Line(this.#platform, address, handshakeTimeoutMs, {
      hello: (hello) => this.#greeted(line, hello),
      message: (message) => this.#heard(message),
      heard: (message) => {
        this.#watch?.heard();
        trace?.({ kind: "heard", connection, message });
      },
    });
    this.#watch = new AnswerWatch(this.#platform.clock, line, answerTimeoutMs);
    const ending = await line.ended;
    this.#watch.heard();
    this.#line = this.#watch = null;
    this.#sender.close();
    this.#wishes.close("the connection was lost");
    if (ending.kind !== "unreached") return ending;
    return await explain(ending, streamAddress(base, {}), access, this.#platform);
  }

  /** What the server does not answer for is to be sent again, and counted on from there. */
  #greeted(line: Line, hello: Hello): void {
    const isNew = this.#place.greet(hello);
    this.#stoodSinceMs = this.#platform.clock.monotonicMs();
    this.#book.greet(hello.frame, isNew);
    const { session, limits } = hello;
    this.#become({ kind: "open", session, isResumed: !isNew, limits });
    this.#wishes.open(line);
    this.#sender.open(line, limits);
    this.#sender.pump();
    this.#sayBye();
  }

  #heard(message: Exclude<ServerMessage, Hello>): void {
    const { acks, notices, complaints } = this.#feeds;
    switch (message.type) {
      case "ack": {
        const kept = this.#book.ack(message);
        const latencyMs = kept && this.#platform.clock.monotonicMs() - kept.sentAtMs;
        acks.say({ ...message, given: kept?.given ?? null, latencyMs });
        break;
      }
      case "result":
        this.#result(message);
        break;
      case "notice":
        if (message.code === "draining") this.#sender.hold();
        notices.say(message);
        break;
      case "answer":
        this.#wishes.answered(message);
        break;
      case "error":
        if (message.id !== undefined) this.#wishes.answered(message);
        else complaints.say(message);
    }
    this.#sender.pump();
    this.#sayBye();
    if (this.#book.unacked > 0) this.#watch?.expect();
  }

  #result(result: Result): void {
    switch (this.#place.hear(result)) {
      case "next":
        this.#book.account(result.frame);
        return this.#feeds.results.say(result);
      case "too far":
        return this.#line?.giveUp(`result ${result.cursor} came too early`);
      case "known":
    }
  }

  #sayBye(): void {
    if (this.#book.hasWaiting || !this.#wishes.areSaid) return;
    if (this.#farewell.say(this.#line)) this.#watch?.expect(BYE_TIMEOUT_MS);
  }

  #become(state: State): void {
    this.#state = state;
    this.#feeds.states.say(state);
  }

  #finish(why: Closed): Closed {
    this.#book.close();
    this.#become({ kind: "closed", why });
    this.#feeds.end();
    return why;
  }
}

const STOPPED = { kind: "over", why: { kind: "stopped" } } as const;
