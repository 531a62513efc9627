/**
 * One session of one wearer over one connection: joins the wire, the captioner and the books.
 *
 * A session outlives its connections (WIRE S4): the next one, in this process or another, goes on
 * from the books.
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";
import type { VisionConfig } from "../config.ts";
import type { Counters } from "../counters.ts";
import type { ModelIdentity, Question, VisionInferenceClient } from "../inference/client.ts";
import type { InferenceSlots } from "../inference/slots.ts";
import type { ChunkRecord, LiveSession } from "../kv/keys.ts";
import type { Budgets, StreamLease } from "../kv/budgets.ts";
import type { CameraOrder } from "../kv/camera_keys.ts";
import type { SessionWriter } from "../kv/session_writer.ts";
import { type Logger, reasonOf } from "../log.ts";
import { Captioner } from "./captioner.ts";
import type { CaptionerStart } from "./captioning.ts";
import { Connection } from "./connection.ts";
import type { ArrivedFrame, FrameFate } from "./frame.ts";
import { FrameGovernor } from "./governor/governor.ts";
import type { LiveStreams } from "./live_streams.ts";
import { Recorder } from "./recorder.ts";
import { CLOSE_CODE, type Socket } from "./socket.ts";
import type { StreamSession } from "./stream_session.ts";
import type { Answer, Wire } from "./wire.ts";

/** How often a connection makes sure that the session is still its own. */
const HEARTBEAT_MS = 10_000;
/** Results of before wait while so many bytes are on their way. */
const MAX_QUEUED_BYTES = 64 * 1024;
const QUEUE_POLL_MS = 10;

/** What all streams of a process share. */
export interface StreamDeps {
  readonly vision: VisionConfig;
  readonly inference: VisionInferenceClient;
  readonly slots: InferenceSlots;
  readonly budgets: Budgets;
  readonly questions: Questions;
  readonly streams: LiveStreams;
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: Counters;
}

/** What wearers want to know of what their streams see. */
export interface Questions {
  /** Follows those of one wearer, for as long as one of its streams runs. */
  follow(wearer: string): FollowedQuestions;
}

/** The questions of one wearer. */
export interface FollowedQuestions {
  /** As they are known at the moment; none until they are. Does no I/O. */
  now(): readonly Question[];
  stop(): void;
}

/** What a client is told whose session is no more. */
export const ERASED = "what was known of the wearer is erased";

/**
 * What may end a stream from outside: hears how as the stream begins, and is cancelled as it ends.
 * The client is told the reason, with 1008. `forgets`: what is in flight is given up.
 */
export type Guard = (endStream: (reason: string, forgets?: boolean) => void) => Cancel;

/**
 * What the wearer orders the camera from outside: tells it at once and whenever it changes, until
 * cancelled.
 */
export type FollowCamera = (obey: (order: CameraOrder) => void) => Cancel;

/** A session as it begins, or as a new connection finds it. */
export interface SessionStart {
  readonly session: LiveSession;
  readonly writer: SessionWriter;
  /** Null: it is not captioned. */
  readonly identity: ModelIdentity | null;
  readonly captions: CaptionerStart;
  /** The session's place among the wearer's streams. */
  readonly lease: StreamLease;
  readonly guard?: Guard;
  readonly followCamera?: FollowCamera;
  /** Results that the client has not seen, in order; null: the session is new. */
  readonly unseen: AsyncIterable<ChunkRecord> | null;
}

/** Begins a session on an open socket, or goes on with it. */
export function startStream(
  deps: StreamDeps,
  socket: Socket,
  wire: Wire,
  start: SessionStart,
): Connection {
  return new Session(deps, socket, wire, start).connection;
}

class Session implements StreamSession {
  readonly connection: Connection;
  readonly #deps: StreamDeps;
  readonly #wire: Wire;
  readonly #id: string;
  readonly #lease: StreamLease;
  readonly #captioner: Captioner;
  readonly #recorder: Recorder;
  readonly #questions: FollowedQuestions;
  #cancelHeartbeat: Cancel = () => {};
  #cancelGuard: Cancel = () => {};
  #cancelCamera: Cancel = () => {};
  #isOver = false;

  constructor(deps: StreamDeps, socket: Socket, wire: Wire, start: SessionStart) {
    const { vision, clock, log, inference } = deps;
    const { session, unseen, lease } = start;
    this.#deps = deps;
    this.#wire = wire;
    this.#id = session.id;
    this.#lease = lease;
    lease.keep();
    this.#questions = deps.questions.follow(session.wearer);
    this.#recorder = this.#createRecorder(start);
    this.#captioner = this.#createCaptioner(start);
    const options = { ...vision, clock, earlierFrames: session.accounted.frame };
    this.connection = new Connection(socket, wire, options, this, unseen !== null);
    log.info("stream.started", {
      session_id: session.id,
      captioned: inference.serves(start.identity),
      resumed: unseen !== null,
    });
    if (unseen === null) this.#recorder.begin();
    else this.#remind(socket, unseen);
    if (wire.resumes) this.#scheduleHeartbeat();
    this.#cancelGuard = start.guard?.((...how) => this.#cutOff(...how)) ?? this.#cancelGuard;
    deps.streams.add(session.id, this.connection);
    // Last: with what is known of the camera, it may become known that the wearer is being erased.
    this.#cancelCamera = start.followCamera?.((order) => this.#obey(order)) ?? this.#cancelCamera;
  }

  admit(frame: ArrivedFrame): FrameFate {
    this.#recorder.frame(frame.bytes.byteLength);
    return this.#captioner.admit(frame);
  }

  proceed(): void {
    this.#captioner.proceed();
  }

  lookFor(prompt: string): void {
    this.#captioner.lookFor(prompt);
    this.#recorder.lookFor(prompt);
  }

  pause(): void {
    this.#captioner.pause();
  }

  unpause(): void {
    this.#captioner.unpause();
  }

  ask(question: string): Promise<Answer> {
    return this.#captioner.ask(question);
  }

  look(question: string): Promise<Answer> {
    return this.#captioner.look(question);
  }

  async settle(isFinal: boolean): Promise<void> {
    await this.#captioner.close(isFinal ? "told" : "described");
    await this.#recorder.settled();
  }

  abandon(reason: string): void {
    this.#captioner.abandon(reason);
  }

  end(code: number, reason: string, isFinal: boolean): void {
    const endedAtMs = this.#deps.clock.epochMs();
    this.#isOver = true;
    this.#cancelHeartbeat();
    this.#cancelGuard();
    this.#deps.log.info("stream.ended", { session_id: this.#id, code, reason });
    const status = isFinal || !this.#wire.resumes ? "ended" : "interrupted";
    const ended = this.#end(status, code, reason, endedAtMs).then(() => this.#lease.release());
    this.#deps.streams.remove(this.#id, this.connection, ended);
  }

  /** What no longer may leave does not, by the time that the client is told. */
  #obey(order: CameraOrder): void {
    this.#captioner.ordered(order.kind);
    this.connection.camera.order(order);
  }

  /** Inferences in flight are finished first (WIRE V7), so that the books close complete. */
  async #end(
    status: "ended" | "interrupted",
    code: number,
    reason: string,
    endedAtMs: number,
  ): Promise<void> {
    await this.#captioner.close(status === "interrupted" ? "described" : "dropped");
    // Not before: what is described last obeys too.
    this.#cancelCamera();
    await this.#recorder.end(status, code, reason, endedAtMs);
    // Not before: what comes into the books last is held against the rules too.
    this.#questions.stop();
  }

  #cutOff(reason: string, forgets = false): void {
    if (forgets) this.#captioner.abandon(reason);
    this.connection.close(CLOSE_CODE.policyViolation, reason);
  }

  #createRecorder({ session, writer }: SessionStart): Recorder {
    const { clock, log, counters, vision } = this.#deps;
    return new Recorder({ writer, clock, log, counters, ...vision }, session, {
      recorded: (chunk) => this.connection.recorded(chunk),
      takenOver: () => this.connection.replaced(),
      erased: () => this.#cutOff(ERASED, true),
    });
  }

  #createCaptioner({ session, identity, captions }: SessionStart): Captioner {
    const { inference, slots, budgets, clock, vision } = this.#deps;
    const options = {
      inference,
      slots,
      budget: budgets.account(session.wearer),
      clock,
      limits: vision,
      identity,
      sessionId: session.id,
      start: captions,
      questions: () => this.#questions.now(),
      governor: vision.skipSimilar ? new FrameGovernor(vision) : null,
      // Nobody can ask for these frames again, so that they were lost belongs into the books.
      givenUp: this.#wire.resumes ? "forgotten" : "told",
    } as const;
    return new Captioner(options, {
      dispatched: (chunk, outcome) => this.#recorder.chunk(chunk, outcome),
      tell: (outcome) => this.connection.told(outcome),
      usedUp: (message, retryAfterMs) =>
        this.connection.notice({ code: "budget", message, retryAfterMs }),
      isBehind: () => this.#recorder.isBehind,
    });
  }

  #scheduleHeartbeat(): void {
    this.#cancelHeartbeat = this.#deps.clock.after(HEARTBEAT_MS, () => {
      this.#recorder.heartbeat();
      this.#scheduleHeartbeat();
    });
  }

  /** Says what the client has not seen, no faster than it reads. */
  async #remind(socket: Socket, unseen: AsyncIterable<ChunkRecord>): Promise<void> {
    try {
      for await (const chunk of unseen) {
        await this.#drained(socket);
        if (this.#isOver) return;
        this.connection.remind(chunk);
      }
      this.connection.caughtUp();
    } catch (error) {
      this.#deps.counters.kvFailures++;
      const fields = { session_id: this.#id, reason: reasonOf(error) };
      this.#deps.log.error("kv.read_failed", fields);
      // A gap would never be noticed; a lost connection is made again.
      this.connection.close(CLOSE_CODE.internalError, "results cannot be read: connect again");
    }
  }

  /** Waits until the client has read what it was told, or has gone. */
  async #drained(socket: Socket): Promise<void> {
    while (!this.#isOver && socket.queuedBytes > MAX_QUEUED_BYTES) {
      await new Promise<void>((resolve) => void this.#deps.clock.after(QUEUE_POLL_MS, resolve));
    }
  }
}
