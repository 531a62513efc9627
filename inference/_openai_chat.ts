/**
 * OpenAI's chat completions as a wire: what is posted, and what a failure means.
 *
 * https://platform.openai.com/docs/api-reference/chat/create: `POST /chat/completions`, frames as
 * `image_url` parts with data URLs, `Authorization: Bearer`.
 *
 * @module
 */
import { z } from "zod";
import { type Clock, DeadlineError, withDeadline } from "../clock.ts";
import { reasonOf } from "../log.ts";
import { createRedactor } from "../redact.ts";
import type { FailedOutcome } from "./client.ts";

/** Of what a server says about a failure, no more is passed on. */
const MAX_REASON_LENGTH = 300;
const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47];

/** The server did not take what it was asked; it may take other. Any other status is its own trouble. */
const CHUNK_STATUS = new Set([400, 413, 415, 422]);

/** What the adapter is made of. */
export interface OpenAiInferenceOptions {
  /** Up to and without `/chat/completions`, such as `http://localhost:8000/v1`. */
  readonly baseUrl: string;
  /** Null for servers that ask for none. */
  readonly apiKey: string | null;
  readonly model: string;
  /** Deadline of one inference in milliseconds; 0 means none. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
}

/** A turn of a chat, as the server reads it. */
export interface Message {
  readonly role: "user" | "assistant";
  readonly content: string | readonly Record<string, unknown>[];
}

/** What a completion is to be. */
export interface Asked {
  readonly messages: readonly Message[];
  readonly maxTokens: number;
  /** The server may let the model say nothing else. */
  readonly jsonSchema?: Record<string, unknown>;
}

/** Posts, and brings back what the server said, as JSON. */
export type Post = (asked: Asked) => Promise<unknown>;

const refusalSchema = z.object({
  error: z.union([z.string(), z.object({ message: z.string() }).transform((e) => e.message)]),
});

/** The server said no. */
class Refused extends Error {
  constructor(message: string, readonly status: number) {
    super(message);
  }
}

/**
 * Runs `work` within the adapter's deadline, and until `outer` aborts; what goes wrong on the way is
 * an outcome.
 */
export async function conversing<T>(
  options: OpenAiInferenceOptions,
  outer: AbortSignal,
  work: (post: Post) => Promise<T>,
): Promise<T | FailedOutcome> {
  const { clock, timeoutMs, apiKey } = options;
  try {
    return await withDeadline(clock, timeoutMs, outer, (signal) => {
      return work((asked) => post(options, asked, signal));
    });
  } catch (error) {
    const reason = createRedactor(apiKey ?? "").text(reasonOfThrown(error, outer));
    const scope = isOfChunk(error) ? "chunk" : "service";
    return { kind: "failed", scope, reason: reason.slice(0, MAX_REASON_LENGTH) };
  }
}

/** What the server said; undefined where it did not take what it was asked, though it may take other. */
export async function unlessRefused(said: Promise<unknown>): Promise<unknown> {
  try {
    return await said;
  } catch (error) {
    if (isOfChunk(error)) return undefined;
    throw error;
  }
}

/** A question about pictures. */
export function about(
  frames: readonly Uint8Array[],
  prompt: string,
  history: readonly string[],
): Message {
  const text = history.length === 0
    ? prompt
    : `${prompt}\n\nEarlier captions, oldest first; they may be out of date:\n${
      history.join("\n")
    }`;
  const images = frames.map((bytes) => ({
    type: "image_url",
    image_url: { url: `data:${mediaTypeOf(bytes)};base64,${bytes.toBase64()}` },
  }));
  return { role: "user", content: [{ type: "text", text }, ...images] };
}

async function post(
  { baseUrl, apiKey, model, fetch }: OpenAiInferenceOptions,
  { messages, maxTokens, jsonSchema }: Asked,
  signal: AbortSignal,
): Promise<unknown> {
  const format = jsonSchema && {
    response_format: { type: "json_schema", json_schema: { name: "answer", schema: jsonSchema } },
  };
  const response = await fetch(`${baseUrl.replace(/\/$/, "")}/chat/completions`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...apiKey && { authorization: `Bearer ${apiKey}` },
    },
    body: JSON.stringify({ model, messages, max_tokens: maxTokens, ...format }),
    // A redirect would carry the key, and the pictures, to another host.
    redirect: "error",
    signal,
  });
  if (!response.ok) throw new Refused(await refusalOf(response), response.status);
  return await response.json();
}

function isOfChunk(error: unknown): boolean {
  return error instanceof Refused && CHUNK_STATUS.has(error.status);
}

async function refusalOf(response: Response): Promise<string> {
  const text = await response.text();
  let said = "";
  try {
    said = refusalSchema.parse(JSON.parse(text)).error;
  } catch {
    // A proxy's page of HTML tells a phone nothing that the status does not.
  }
  return `The model server answered ${response.status}${said && `: ${said}`}`;
}

function reasonOfThrown(error: unknown, outer: AbortSignal): string {
  if (error instanceof Refused) return error.message;
  if (outer.aborted) return reasonOf(outer.reason);
  if (error instanceof DeadlineError) {
    return `The model server did not answer within ${error.timeoutMs / 1000} s`;
  }
  return error instanceof SyntaxError
    ? "The model server answered with what is no JSON"
    : "The model server cannot be reached";
}

/** Frames are not inspected at the edge; their first bytes say what they are. */
function mediaTypeOf(bytes: Uint8Array): string {
  return PNG_SIGNATURE.every((byte, at) => bytes[at] === byte) ? "image/png" : "image/jpeg";
}
