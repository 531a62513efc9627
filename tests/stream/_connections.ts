/**
 * Connections on a fake socket, with a session that notes what it is asked for.
 *
 * @module
 */
import { Connection } from "../../stream/connection.ts";
import { type ArrivedFrame, type FrameFate, QUEUED } from "../../stream/frame.ts";
import type { Answer } from "../../stream/wire.ts";
import { WireV1 } from "../../stream/wire_v1.ts";
import { WireV2 } from "../../stream/wire_v2.ts";
import type { StreamSession } from "../../stream/stream_session.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { createFakeSocket } from "./_fake_socket.ts";

/** What a test may limit. */
export interface Limits {
  readonly maxFrameBytes?: number;
  readonly maxFps?: number;
  readonly stallMs?: number;
  readonly earlierFrames?: number;
}

export function connect(protocol: 1 | 2, limits: Limits = {}, catchesUp = false) {
  const clock = createFakeClock();
  const socket = createFakeSocket();
  const arrived: ArrivedFrame[] = [];
  /** What the session was asked for, in order. */
  const events: string[] = [];
  const answers: ((answer: Answer) => void)[] = [];
  const settling = Promise.withResolvers<void>();
  const bench = { fate: QUEUED as FrameFate };
  const session: StreamSession = {
    admit(frame) {
      arrived.push(frame);
      events.push(`admit ${frame.number}`);
      return bench.fate;
    },
    proceed: () => void events.push(`proceed after ${socket.sent.length}`),
    lookFor: (prompt) => void events.push(`look for ${prompt}`),
    pause: () => void events.push("pause"),
    unpause: () => void events.push("unpause"),
    look: () => Promise.reject(new Error("nobody looks")),
    ask(question) {
      events.push(`ask ${question}`);
      return new Promise((resolve) => answers.push(resolve));
    },
    settle() {
      events.push("settle");
      return settling.promise;
    },
    abandon: (reason) => void events.push(`abandon: ${reason}`),
    end: (code, reason, isFinal) => void events.push(`end ${code} ${reason} ${isFinal}`),
  };
  const send = (text: string) => socket.send(text);
  const wire = protocol === 1
    ? new WireV1({ send, clock, resultFlushMs: 500 })
    : new WireV2(send, clock);
  const options = { clock, maxFrameBytes: 100, maxFps: 0, stallMs: 0, earlierFrames: 0, ...limits };
  const connection = new Connection(socket, wire, options, session, catchesUp);
  return Object.assign(bench, {
    clock,
    socket,
    arrived,
    events,
    answers,
    connection,
    settle: settling.resolve,
    send: (byteLength: number) => connection.message(new Uint8Array(byteLength)),
    say: (message: Record<string, unknown>) => connection.message(JSON.stringify(message)),
    /** Takes what was noted so far. */
    take: () => [socket.sent.splice(0), events.splice(0), socket.closes.splice(0)] as const,
  });
}
