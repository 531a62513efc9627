/**
 * Asking in words for JSON, and finding it in what comes back: as the classes on Modal do for
 * themselves (`modal/serving/structured.py`).
 *
 * @module
 */
import type { ChatMessage } from "./client.ts";

const FENCE = /^```(?:json)?\s*(.*?)\s*```$/s;

/** The chat with the schema behind its last turn. */
export function jsonRequest(
  messages: readonly ChatMessage[],
  schema: Record<string, unknown>,
): ChatMessage[] {
  const request = "Answer with JSON alone, without any other words, of this JSON schema:\n" +
    JSON.stringify(schema);
  return messages.map((message, at) =>
    at < messages.length - 1 ? message : { ...message, content: `${message.content}\n\n${request}` }
  );
}

/** The turns that follow an answer that was no good. */
export function repairRequest(answer: string, problem: string): ChatMessage[] {
  const content = `That was not valid: ${problem}. Answer again, with the corrected JSON alone.`;
  return [{ role: "assistant", content: answer }, { role: "user", content }];
}

/** The JSON of an answer, with or without a fence around it; undefined: it is none. */
export function jsonIn(text: string): unknown {
  const body = text.trim();
  try {
    return JSON.parse(FENCE.exec(body)?.[1] ?? body);
  } catch {
    return undefined;
  }
}
