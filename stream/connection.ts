/**
 * One client's connection: what comes in, in which state it means what, and what goes out.
 *
 * ```
 *  catching up ──stored results said──▶ open ──bye, or the process drains──▶ leaving
 *       │                                │                                      │
 *       └──────────────── closed by either side, lost, taken over ──▶ closed ◀──┘
 * ```
 *
 * Everything that happens on a frame is synchronous: an ack waits for nothing (WIRE V2).
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";
import type { InferOutcome } from "../inference/client.ts";
import type { ChunkFacts } from "../kv/keys.ts";
import { CameraWatch } from "./_camera_watch.ts";
import type { ClientMessage } from "./_client_message.ts";
import { FrameRate } from "./_frame_rate.ts";
import { PaceWarning } from "./_pace_warning.ts";
import { StallWatch } from "./_stall_watch.ts";
import { UnreadGuard } from "./_unread.ts";
import { type ArrivedFrame, DROPPED, type FrameFate } from "./frame.ts";
import { CLOSE_CODE, type Socket, type SocketListener } from "./socket.ts";
import type { StreamSession } from "./stream_session.ts";
import type { Answer, Notice, Wire } from "./wire.ts";
import { ageOf } from "./wire_v2.ts";

/** A process that goes away waits so long for what is in flight: the platform does not wait long. */
const DRAIN_MS = 2_000;
/** Wishes are a person's: nobody has so many in a second, with a burst of twice that. */
const MAX_WISHES_PER_SECOND = 10;
/** Longer text is no message of the protocol. */
const MAX_MESSAGE_CHARS = 64 * 1024;
/** The third message that cannot be acted on ends the connection (WIRE S7). */
const MAX_ERRORS = 3;

/** What a connection is made of. Limits of 0 mean off. */
export interface ConnectionOptions {
  readonly clock: Clock;
  readonly maxFrameBytes: number;
  readonly maxFps: number;
  /** Milliseconds without a frame after which the client is told so. */
  readonly stallMs: number;
  /** Frames of the session that came over earlier connections. */
  readonly earlierFrames: number;
}

type State =
  /** Results of before this connection go out first; those that come meanwhile wait. */
  | { readonly kind: "catching_up"; readonly waiting: ChunkFacts[] }
  | { readonly kind: "open" }
  /** Frames are not looked at any more; results in flight still go out, behind those of before. */
  | { readonly kind: "leaving"; readonly waiting: ChunkFacts[] | null }
  | { readonly kind: "closed" };

/** One client. */
export class Connection implements SocketListener {
  readonly #socket: Socket;
  readonly #wire: Wire;
  readonly #options: ConnectionOptions;
  readonly #session: StreamSession;
  readonly #rate: FrameRate;
  readonly #pace: PaceWarning;
  readonly #wishes: FrameRate;
  /** Settles when nothing of before is left to be said. */
  readonly #reminded = Promise.withResolvers<void>();
  #state: State;
  #frameNumber: number;
  #capturedAtMs: number | null = null;
  #errors = 0;
  /** Hears what is ordered from outside. */
  readonly camera: CameraWatch;
  readonly #unread: UnreadGuard;
  #cancelDrain: Cancel | null = null;

  /** @param catchesUp whether {@link caughtUp} will be called */
  constructor(
    socket: Socket,
    wire: Wire,
    options: ConnectionOptions,
    session: StreamSession,
    catchesUp: boolean,
  ) {
    this.#socket = socket;
    this.#wire = wire;
    this.#options = options;
    this.#session = session;
    this.#state = catchesUp ? { kind: "catching_up", waiting: [] } : { kind: "open" };
    this.#frameNumber = options.earlierFrames;
    const nowMs = options.clock.monotonicMs();
    this.#rate = new FrameRate(options.maxFps, nowMs);
    this.#pace = new PaceWarning(this.#rate, options.maxFps, (notice) => this.notice(notice));
    this.#wishes = new FrameRate(MAX_WISHES_PER_SECOND, nowMs);
    this.#unread = new UnreadGuard(socket, options.clock, () => {
      this.close(CLOSE_CODE.policyViolation, "acks must be read: too many are unread");
    });
    const stallMs = wire.resumes ? options.stallMs : 0;
    const stallWatch = new StallWatch(options.clock, stallMs, () => {
      this.notice({ code: "stalled", message: `no frame came for ${stallMs / 1000} s` });
    });
    this.camera = new CameraWatch(stallWatch, options.clock, (notice) => this.notice(notice));
    this.camera.frame(nowMs);
  }

  message(data: string | Uint8Array): void {
    if (this.#state.kind === "closed") return;
    if (typeof data === "string") this.#text(data);
    else this.#frame(data);
  }

  closed(code: number, reason: string): void {
    this.#unread.stop();
    this.#finish(code, reason, false);
  }

  /** The model's outcome for a chunk, or why it says nothing. */
  told(outcome: InferOutcome): void {
    if (this.#state.kind !== "closed") this.#wire.told(outcome);
  }

  /** A chunk is in the books. */
  recorded(chunk: ChunkFacts): void {
    switch (this.#state.kind) {
      case "catching_up":
        this.#state.waiting.push(chunk);
        return;
      case "open":
        this.#wire.result(chunk);
        return;
      case "leaving":
        if (this.#state.waiting) this.#state.waiting.push(chunk);
        else this.#wire.result(chunk);
        return;
      case "closed":
    }
  }

  /** Says a result of before this connection. */
  remind(chunk: ChunkFacts): void {
    if ("waiting" in this.#state && this.#state.waiting) this.#wire.result(chunk);
  }

  /** Nothing of before is left to be said. */
  caughtUp(): void {
    if (!("waiting" in this.#state) || !this.#state.waiting) return;
    const { kind, waiting } = this.#state;
    this.#state = kind === "leaving" ? { kind, waiting: null } : { kind: "open" };
    for (const chunk of waiting) this.#wire.result(chunk);
    this.#reminded.resolve();
  }

  /** Something that the client should know. */
  notice(notice: Notice): void {
    if (this.#state.kind !== "closed") this.#wire.notice(notice);
  }

  /** The process is going away: says so, lets what is in flight arrive, and sends the client away. */
  drain(): void {
    if (this.#state.kind === "closed") return;
    const reason = "the server is going away: connect again";
    if (!this.#wire.resumes) return this.close(CLOSE_CODE.serviceRestart, reason);
    this.notice({ code: "draining", message: reason });
    const leaveAtOnce = () => this.close(CLOSE_CODE.serviceRestart, reason);
    this.#cancelDrain ??= this.#options.clock.after(DRAIN_MS, leaveAtOnce);
    this.#leave(CLOSE_CODE.serviceRestart, reason, false);
  }

  /** Asks about frames that are still to come. Resolves always. */
  look(question: string): Promise<Answer> {
    return this.#session.look(question);
  }

  /** Another connection has the session, here or in another process: this one may be half-open. */
  replaced(): void {
    const reason = "another connection has the session now";
    this.#session.abandon(reason);
    this.close(CLOSE_CODE.policyViolation, reason);
  }

  /** Sends the client away. */
  close(code: number, reason: string): void {
    this.#finish(code, reason, false);
    this.#socket.close(code, reason);
  }

  #frame(data: Uint8Array): void {
    const { clock, maxFrameBytes, maxFps } = this.#options;
    const nowMs = clock.monotonicMs();
    if (maxFrameBytes > 0 && data.byteLength > maxFrameBytes) {
      const reason = `a frame must be at most ${maxFrameBytes} bytes: it was ${data.byteLength}`;
      return this.close(CLOSE_CODE.messageTooBig, reason);
    }
    if (!this.#rate.admits(nowMs)) {
      const reason = `frames must be at most ${maxFps} per second`;
      return this.close(CLOSE_CODE.policyViolation, reason);
    }
    this.camera.frame(nowMs);
    this.#acknowledge(data);
    this.#pace.frame();
  }

  #acknowledge(bytes: Uint8Array): void {
    const capturedAtMs = this.#capturedAtMs;
    this.#capturedAtMs = null;
    const number = ++this.#frameNumber;
    const fate = this.#fateOf({ bytes, number, capturedAtMs });
    const ageMs = capturedAtMs === null ? null : ageOf(capturedAtMs, this.#options.clock);
    this.#wire.ack({ frame: number, bytes: bytes.byteLength, fate, ageMs });
    this.#unread.check();
    if (this.#state.kind !== "closed") this.#session.proceed();
  }

  /** An empty message holds no picture: it is acknowledged, and that is all. */
  #fateOf(frame: ArrivedFrame): FrameFate {
    if (this.#state.kind === "leaving" || frame.bytes.byteLength === 0) return DROPPED.busy;
    return this.#session.admit(frame);
  }

  #text(data: string): void {
    if (data.length > MAX_MESSAGE_CHARS) {
      const reason = `a text message must be at most ${MAX_MESSAGE_CHARS} characters`;
      return this.close(CLOSE_CODE.messageTooBig, reason);
    }
    const read = this.#wire.read(data);
    if (read === null) {
      return this.close(CLOSE_CODE.unsupportedData, "a frame must be binary: this was text");
    }
    if (read.kind === "message") return this.#hear(read.message);
    this.#wire.error(read.code, read.message);
    if (++this.#errors < MAX_ERRORS) return;
    const reason = `messages must be of the protocol: ${MAX_ERRORS} were not`;
    this.close(CLOSE_CODE.unsupportedData, reason);
  }

  #hear(message: ClientMessage): void {
    if (message.type === "frame") {
      this.#capturedAtMs = message.capturedAtMs;
    } else if (this.#wishes.admits(this.#options.clock.monotonicMs())) {
      if (this.#state.kind !== "leaving") this.#obey(message);
    } else {
      const reason = `messages must be at most ${MAX_WISHES_PER_SECOND} per second`;
      this.close(CLOSE_CODE.policyViolation, reason);
    }
  }

  #obey(message: Exclude<ClientMessage, { type: "frame" }>): void {
    switch (message.type) {
      case "prompt":
        return this.#session.lookFor(message.prompt);
      case "pause":
        this.camera.pause(true);
        return this.#session.pause();
      case "unpause":
        this.camera.pause(false);
        return this.#session.unpause();
      case "ask":
        return this.#ask(message.id, message.question);
      case "bye":
        return this.#leave(CLOSE_CODE.normal, "bye", true);
    }
  }

  #ask(id: string, question: string): void {
    this.#session.ask(question).then((answer) => {
      if (this.#state.kind !== "closed") this.#wire.answer(id, answer);
    });
  }

  /** Lets go of the client when all that it is to hear is said. */
  #leave(code: number, reason: string, isFinal: boolean): void {
    if (this.#state.kind === "closed" || this.#state.kind === "leaving") return;
    const waiting = this.#state.kind === "catching_up" ? this.#state.waiting : null;
    if (!waiting) this.#reminded.resolve();
    this.#state = { kind: "leaving", waiting };
    this.camera.stop();
    Promise.all([this.#session.settle(isFinal), this.#reminded.promise]).then(() => {
      if (this.#state.kind === "closed") return;
      this.#finish(code, reason, isFinal);
      this.#socket.close(code, reason);
    });
  }

  #finish(code: number, reason: string, isFinal: boolean): void {
    if (this.#state.kind === "closed") return;
    this.#state = { kind: "closed" };
    this.camera.stop();
    this.#cancelDrain?.();
    this.#wire.close();
    this.#session.end(code, reason, isFinal);
  }
}
