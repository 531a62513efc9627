/**
 * One stream of one wearer, from the upgrade to the last record: joins the wire, the captioner and
 * the books.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { Counters } from "../counters.ts";
import type { VisionConfig } from "../config.ts";
import type { ModelIdentity, VisionInferenceClient } from "../inference/client.ts";
import type { InferenceSlots } from "../inference/slots.ts";
import type { SessionStore } from "../kv/sessions.ts";
import type { Logger } from "../log.ts";
import { Captioner } from "./captioner.ts";
import { VisionConnection } from "./connection.ts";
import type { LiveStreams } from "./live_streams.ts";
import { Recorder } from "./recorder.ts";
import type { Socket } from "./socket.ts";

/** What all streams of a process share. */
export interface StreamDeps {
  readonly vision: VisionConfig;
  readonly inference: VisionInferenceClient;
  readonly slots: InferenceSlots;
  readonly sessions: SessionStore;
  readonly streams: LiveStreams;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly log: Logger;
  readonly counters: Counters;
}

/** What is decided about a stream before it begins. */
export interface StreamStart {
  readonly wearer: string;
  /** Null: it is not captioned. */
  readonly identity: ModelIdentity | null;
  /** What to look for. */
  readonly prompt: string;
}

/** Begins a stream on an open socket. */
export function startStream(
  deps: StreamDeps,
  socket: Socket,
  { wearer, identity, prompt }: StreamStart,
): VisionConnection {
  const { vision, clock, log } = deps;
  const sessionId = deps.newId();
  const recorder = new Recorder({
    store: deps.sessions,
    clock,
    log,
    counters: deps.counters,
  }, { sessionId, wearer, identity });
  const captioner = new Captioner({
    inference: deps.inference,
    slots: deps.slots,
    clock,
    limits: vision,
    identity,
    prompt,
    sessionId,
  }, {
    inferred: (chunk, outcome) => recorder.chunk(chunk, outcome),
    tell: (outcome) => connection.tell(outcome),
  });
  const connection: VisionConnection = new VisionConnection(socket, { ...vision, clock }, {
    offer(frame) {
      recorder.frame(frame.byteLength);
      captioner.offer(frame);
    },
    end(code, reason) {
      const endedAtMs = clock.epochMs();
      log.info("stream.ended", { session_id: sessionId, code, reason });
      deps.streams.remove(connection, endStream(captioner, recorder, code, reason, endedAtMs));
    },
  });
  log.info("stream.started", { session_id: sessionId, captioned: identity !== null });
  deps.streams.add(connection);
  return connection;
}

/** The inference in flight is finished first (WIRE V7), so that the books close complete. */
async function endStream(
  captioner: Captioner,
  recorder: Recorder,
  code: number,
  reason: string,
  endedAtMs: number,
): Promise<void> {
  await captioner.close();
  await recorder.end(code, reason, endedAtMs);
}
