/**
 * What a client of `foresight.v2` may say beside frames (WIRE S6, S7).
 *
 * @module
 */
import { z } from "zod";
import { PROFILE_NAMES, profileNamed } from "../inference/profiles/profiles.ts";

const MAX_TEXT_CHARS = 8_000;
const MAX_ID_CHARS = 128;
/** Wall time until the year 5138. */
const MAX_EPOCH_MS = 1e14;
const MAX_SHOWN_CHARS = 60;

/** A message that can be acted on. */
export type ClientMessage =
  /** Goes before a frame and is about it. */
  | { readonly type: "frame"; readonly capturedAtMs: number }
  | { readonly type: "prompt"; readonly prompt: string }
  | { readonly type: "pause" | "unpause" | "bye" }
  | { readonly type: "ask"; readonly id: string; readonly question: string };

/** A text message, read. `code` and `message` are for the client. */
export type ReadMessage =
  | { readonly kind: "message"; readonly message: ClientMessage }
  | { readonly kind: "malformed"; readonly code: MalformedCode; readonly message: string };

/** Why a message cannot be acted on. */
export type MalformedCode = "not_json" | "unknown_type" | "malformed";

const text = (name: string, maxChars: number) =>
  z.string(`${name} must be a text`).trim()
    .min(1, `${name} must not be empty`)
    .max(maxChars, `${name} must be at most ${maxChars} characters`);

const PROMPT = z.object({
  prompt: text("prompt", MAX_TEXT_CHARS).optional(),
  profile: z.enum(PROFILE_NAMES, `profile must be one of ${PROFILE_NAMES.join(", ")}`).optional(),
}).refine(
  ({ prompt, profile }) => (prompt === undefined) !== (profile === undefined),
  "either prompt or profile must be given, and not both",
);

const MESSAGES = {
  frame: z.object({
    captured_at_ms: z.number("captured_at_ms must be milliseconds since 1970")
      .min(0, "captured_at_ms must not be negative")
      .max(MAX_EPOCH_MS, `captured_at_ms must be at most ${MAX_EPOCH_MS}`),
  }).transform((given) => ({ type: "frame" as const, capturedAtMs: given.captured_at_ms })),
  prompt: PROMPT.transform(({ prompt, profile }) => ({
    type: "prompt" as const,
    prompt: prompt ?? profileNamed(profile!)!.prompt,
  })),
  pause: z.object({}).transform(() => ({ type: "pause" as const })),
  unpause: z.object({}).transform(() => ({ type: "unpause" as const })),
  ask: z.object({ id: text("id", MAX_ID_CHARS), question: text("question", MAX_TEXT_CHARS) })
    .transform((asked) => ({ type: "ask" as const, ...asked })),
  bye: z.object({}).transform(() => ({ type: "bye" as const })),
} satisfies Record<ClientMessage["type"], z.ZodType<ClientMessage>>;

/** Reads a text message of a client. */
export function readClientMessage(given: string): ReadMessage {
  const json = parseJson(given);
  if (json === undefined) {
    return malformed("not_json", `a text message must be JSON: current value is ${shown(given)}`);
  }
  const type = (json as { type?: unknown } | null)?.type;
  if (typeof type !== "string" || !Object.hasOwn(MESSAGES, type)) {
    const names = Object.keys(MESSAGES).join(", ");
    return malformed(
      "unknown_type",
      `type must be one of ${names}: current value is ${shown(JSON.stringify(type))}`,
    );
  }
  const read = MESSAGES[type as ClientMessage["type"]].safeParse(json);
  if (read.success) return { kind: "message", message: read.data };
  return malformed("malformed", `${type}: ${read.error.issues[0]!.message}`);
}

function parseJson(given: string): unknown {
  try {
    return JSON.parse(given);
  } catch {
    return undefined;
  }
}

function malformed(code: MalformedCode, message: string): ReadMessage {
  return { kind: "malformed", code, message };
}

function shown(given: string | undefined): string {
  if (given === undefined) return "missing";
  return given.length <= MAX_SHOWN_CHARS ? given : `${given.slice(0, MAX_SHOWN_CHARS)}…`;
}
