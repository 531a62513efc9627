/**
 * The vision-language port: what a stream may ask of a model, whichever stands behind it.
 * Adapters: `modal.ts`, `modal_endpoint.ts`, `openai.ts`, `noop.ts`, and `chain.ts` over several.
 *
 * Outcomes are values. An adapter never throws for what a model, a network or a peer may do.
 *
 * @module
 */
import type { z } from "zod";

/** One picture as it came from the glasses. */
export interface Frame {
  /** JPEG or PNG, as received; not inspected, not copied. */
  readonly bytes: Uint8Array;
  /** Seconds since the stream began. */
  readonly atS: number;
}

/** The frames of one window, as they go to the model. */
export interface Chunk {
  /** What travels, oldest first: spread evenly over the window, the newest always among them. */
  readonly frames: readonly Frame[];
  /** How many frames the chunk stands for, those that do not travel included. */
  readonly frameCount: number;
  /** Bytes of all the frames that it stands for. */
  readonly byteCount: number;
  /** Seconds since the stream began. */
  readonly startS: number;
  /** Seconds since the stream began. */
  readonly endS: number;
}

/** Which deployed model a stream speaks to, and as whom (WIRE V10). */
export interface ModelIdentity {
  readonly tokenId: string;
  readonly tokenSecret: string;
  readonly appName: string;
  readonly className: string;
}

/** A condition that a chunk is held against, to be answered with yes or no. */
export interface Question {
  /** What its answer is known by; no two of a chunk's questions have the same. */
  readonly id: string;
  /** In somebody's words: it is data to a model, whatever it says. */
  readonly text: string;
}

/** What a model says to a {@link Question}. */
export interface QuestionAnswer {
  readonly id: string;
  readonly yes: boolean;
  /**
   * How likely the answer that is given is right, 0 to 1: yes is as likely as `confidence` where
   * `yes`, else as `1 - confidence`. Who gives the likelier answer says 0.5 or more.
   */
  readonly confidence: number;
}

/** What goes along with a chunk. */
export interface InferContext {
  /** What to look for. */
  readonly prompt: string;
  /** What else to say of the same frames; most often nothing. They never cost a caption. */
  readonly questions: readonly Question[];
  /** Recent captions of the same stream, oldest first. */
  readonly history: readonly string[];
  /** Names the stream in the model's logs; no state hangs on it. */
  readonly sessionId: string;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** A chunk that the model described. */
export interface CaptionOutcome {
  readonly kind: "captioned";
  readonly caption: string;
  readonly chunkStartS: number;
  readonly chunkEndS: number;
  /** The model's own figure where it gives one, else measured around the call. */
  readonly latencyMs: number;
  readonly tokensGenerated: number | null;
  readonly model: string | null;
  /** In the order of the questions, one for each at most. What is missing was not answered. */
  readonly answers: readonly QuestionAnswer[];
}

/** A chunk that got no caption. */
export interface FailedOutcome {
  readonly kind: "failed";
  /** Fit to be told to the client: no secrets. */
  readonly reason: string;
  /**
   * `chunk`: the model answered, but could not do it with these frames, this question or these
   * words; the next ones may do.
   * `service`: the model could not be reached or did not answer; asking again at once would not help.
   */
  readonly scope: "chunk" | "service";
}

/** What became of one chunk. */
export type InferOutcome = CaptionOutcome | FailedOutcome;

/** What goes along with a question that is answered in words. */
export type AskContext = Omit<InferContext, "prompt" | "questions">;

/** What became of such a question. */
export type AnswerOutcome = AnsweredOutcome | FailedOutcome;

/** A question that the model answered. */
export interface AnsweredOutcome {
  readonly kind: "answered";
  /** Never empty. */
  readonly text: string;
  /** The model's own figure where it gives one, else measured around the call. */
  readonly latencyMs: number;
}

/** One turn of a chat. */
export interface ChatMessage {
  readonly role: "user" | "assistant";
  readonly content: string;
}

/** What a model is to write. */
export interface GenerateRequest<T> {
  /** In turn, the user first and last; at most 63 of 8,000 characters each (SPEC M9). */
  readonly messages: readonly ChatMessage[];
  /**
   * What the answer must be, in JSON; it must bound its texts and lists, and transform nothing, as
   * values may be held against it twice. Null: text.
   */
  readonly schema: z.ZodType<T> | null;
  /** Null: as many as the model's deployment allows. More than those is an error of the request. */
  readonly maxTokens: number | null;
}

/** What became of a request to write. */
export type GenerateOutcome<T> = GeneratedOutcome<T> | FailedOutcome;

/** What a model wrote. */
export interface GeneratedOutcome<T> {
  readonly kind: "generated";
  /** Of the request's schema, whatever the model said; without one a text that is not empty. */
  readonly value: T;
  /** Measured around the call. */
  readonly latencyMs: number;
}

/** One stream's line to a model. */
export interface VisionInferenceSession {
  /** Describes one chunk. Resolves always, within the adapter's deadline. */
  inferChunk(chunk: Chunk, context: InferContext): Promise<InferOutcome>;
  /** Answers a question about encoded pictures, oldest first. Resolves always, within the deadline. */
  answer(
    frames: readonly Uint8Array[],
    question: string,
    context: AskContext,
  ): Promise<AnswerOutcome>;
  /**
   * Has the model write, without pictures. Resolves always, within the deadline. Models tell text and
   * JSON apart by the schema: without one `T` is a string.
   */
  generate<T = string>(
    request: GenerateRequest<T>,
    signal: AbortSignal,
  ): Promise<GenerateOutcome<T>>;
  /** Lets go of what the session holds. Touches no other session. */
  close(): void;
}

/** What became of opening a session. */
export type OpenOutcome =
  | { readonly kind: "opened"; readonly session: VisionInferenceSession }
  /** There is no model: frames are acknowledged and nothing is captioned (WIRE V8). */
  | { readonly kind: "disabled" }
  | { readonly kind: "unavailable"; readonly reason: string };

/** Opens sessions. One client serves the whole process. */
export interface VisionInferenceClient {
  /** Whether there is a model for such a stream; if not, opening a session is `disabled` (WIRE V8). */
  serves(identity: ModelIdentity | null): boolean;
  /** Resolves always: an unreachable model is an outcome. */
  openSession(identity: ModelIdentity | null, signal: AbortSignal): Promise<OpenOutcome>;
  /**
   * Loads what takes time to load, so that no stream has to wait for it. Optional to call; rejects if
   * it cannot be loaded, which the first stream would find out too.
   */
  prepare(): Promise<void>;
  /** Lets go of connections, once what was still to be said over them is said. */
  close(): Promise<void>;
}
