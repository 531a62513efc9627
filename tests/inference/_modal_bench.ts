/**
 * The Modal adapter over a real connection to the stand-in, for the scenarios of
 * `_modal_contract.ts`, `_modal_answer_contract.ts` and `_modal_generate_contract.ts`.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../clock.ts";
import type {
  AnswerOutcome,
  CaptionOutcome,
  Chunk,
  GenerateOutcome,
  InferOutcome,
  ModelIdentity,
  VisionInferenceClient,
  VisionInferenceSession,
} from "../../inference/client.ts";
import { createModalInference } from "../../inference/modal.ts";
import { ANSWER_PARAMETERS } from "../../modal/local/answer.ts";
import type { LocalClass } from "../../modal/local/classes.ts";
import { GENERATE_PARAMETERS } from "../../modal/local/generate.ts";
import { INFER_CHUNK_PARAMETERS } from "../../modal/local/infer_chunk.ts";
import {
  type LocalModal,
  type LocalModalOptions,
  startLocalModal,
} from "../../modal/local/server.ts";

/** How calls travel. */
export type Transport = "fetch" | "grpc";

/** One promise. */
export interface Scenario {
  readonly name: string;
  run(transport: Transport): Promise<void>;
}

/** Who streams. */
export const IDENTITY: ModelIdentity = {
  tokenId: "ak-test",
  tokenSecret: "as-do-not-tell",
  appName: "app",
  className: "Eyes",
};
/** Not aborted. */
export const NEVER = new AbortController().signal;
/** What goes along with a chunk. */
export const CONTEXT = {
  prompt: "look",
  history: ["before"],
  sessionId: "s1",
  questions: [],
  signal: NEVER,
};

/** A class that tells what it was given. */
export const EYES: LocalClass = {
  app: "app",
  name: "Eyes",
  maxConcurrent: 64,
  methods: {
    infer_chunk: {
      parameters: INFER_CHUNK_PARAMETERS,
      call: ({ frames, start_ts_s, end_ts_s, prompt, history, session_id }) => ({
        caption: JSON.stringify([(frames as Uint8Array[]).length, prompt, history, session_id]),
        chunk_start_s: start_ts_s,
        chunk_end_s: end_ts_s,
        latency_ms: 12.5,
        tokens_generated: 7,
        model: "eyes-1",
      }),
    },
    answer: {
      parameters: ANSWER_PARAMETERS,
      call: ({ frames, question, history }) => ({
        text: JSON.stringify([(frames as Uint8Array[]).length, question, history]),
        latency_ms: 8.5,
        tokens_generated: 7,
        model: "eyes-1",
      }),
    },
    generate: {
      parameters: GENERATE_PARAMETERS,
      call: ({ messages, schema, max_tokens }) => JSON.stringify([messages, schema, max_tokens]),
    },
  },
};

/** A stand-in for Modal, and the adapter on it. */
export interface Bench {
  readonly modal: LocalModal;
  readonly client: VisionInferenceClient;
  open(identity?: ModelIdentity): Promise<VisionInferenceSession>;
}

/** Runs `use` with a stand-in that serves {@link EYES} unless told otherwise. */
export async function withModal(
  transport: Transport,
  options: Partial<LocalModalOptions>,
  use: (bench: Bench) => Promise<void>,
  timeoutMs = 20_000,
): Promise<void> {
  const modal = await startLocalModal({ classes: [EYES], ...options });
  const client = createModalInference({
    serverUrl: modal.url,
    environment: "main",
    transport,
    timeoutMs,
    clock: systemClock,
    newId: () => crypto.randomUUID(),
  });
  const open = async (identity = IDENTITY) => {
    const opened = await client.openSession(identity, NEVER);
    if (opened.kind !== "opened") throw new Error(JSON.stringify(opened));
    return opened.session;
  };
  try {
    await use({ modal, client, open });
  } finally {
    await client.close();
    await modal.close();
  }
}

/** A chunk of frames that each hold one byte over and over. */
export function chunkOf(frameCount: number, frameBytes = 8): Chunk {
  const frames = Array.from({ length: frameCount }, (_, at) => ({
    bytes: new Uint8Array(frameBytes).fill(at),
    atS: at / 3,
  }));
  return { frames, frameCount, byteCount: frameCount * frameBytes, startS: 0.5, endS: 1.5 };
}

/** The outcome, if it is a caption. */
export function captioned(outcome: InferOutcome): CaptionOutcome {
  if (outcome.kind !== "captioned") throw new Error(`not captioned: ${outcome.reason}`);
  return outcome;
}

/** Why there is neither caption, nor answer, nor text. */
export function failed(
  outcome: InferOutcome | AnswerOutcome | GenerateOutcome<unknown>,
  scope: "chunk" | "service",
): string {
  assert(outcome.kind === "failed", JSON.stringify(outcome));
  assertEquals(outcome.scope, scope, outcome.reason);
  return outcome.reason;
}

/** Serves another `infer_chunk` of the same parameters. */
export function eyesThat(
  call: LocalClass["methods"][string]["call"],
  parameters = EYES.methods.infer_chunk!.parameters,
): LocalClass {
  return { ...EYES, methods: { infer_chunk: { parameters, call } } };
}

/** Waits for what happens on the other side of a socket. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((done) => setTimeout(done, 1));
}
