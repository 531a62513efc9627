/**
 * What a deployed class answers to `infer_chunk` (WIRE M1, M3) and `answer` (SPEC M8), read with
 * suspicion.
 *
 * @module
 */
import { z } from "zod";
import { MAX_CAPTION_CHARS } from "../kv/keys.ts";
import type { AnsweredOutcome, CaptionOutcome, Chunk, FailedOutcome, Question } from "./client.ts";
import { answersTo } from "./_questions.ts";

const captionSchema = z.object({
  caption: z.string().max(MAX_CAPTION_CHARS),
  chunk_start_s: z.number().nullish(),
  chunk_end_s: z.number().nullish(),
  latency_ms: z.number().nonnegative().nullish(),
  tokens_generated: z.number().int().nonnegative().nullish(),
  model: z.string().nullish(),
  answers: z.unknown().optional(),
});

/** What a question may be answered with; an empty answer is none. */
export const answerTextSchema = z.string().max(MAX_CAPTION_CHARS).trim().min(1);

const answerSchema = z.object({
  text: answerTextSchema,
  latency_ms: z.number().nonnegative().nullish(),
});

/**
 * Reads what became of a chunk, and what was said to `questions`.
 *
 * @param measuredMs stands for `latency_ms` where the class gives none
 */
export function outcomeOf(
  answer: unknown,
  chunk: Chunk,
  questions: readonly Question[],
  measuredMs: number,
): CaptionOutcome | FailedOutcome {
  const parsed = captionSchema.safeParse(answer);
  if (!parsed.success) return unreadable(parsed.error);
  const { data } = parsed;
  return {
    kind: "captioned",
    caption: data.caption,
    chunkStartS: data.chunk_start_s ?? chunk.startS,
    chunkEndS: data.chunk_end_s ?? chunk.endS,
    latencyMs: data.latency_ms ?? measuredMs,
    tokensGenerated: data.tokens_generated ?? null,
    model: data.model ?? null,
    answers: answersTo(questions, data.answers),
  };
}

/**
 * Reads what became of a question.
 *
 * @param measuredMs stands for `latency_ms` where the class gives none
 */
export function answerOf(answer: unknown, measuredMs: number): AnsweredOutcome | FailedOutcome {
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success) return unreadable(parsed.error);
  const { text, latency_ms } = parsed.data;
  return { kind: "answered", text, latencyMs: latency_ms ?? measuredMs };
}

/** An answer that is none, and what is wrong with it; not what it was. */
export function unreadable({ issues: [issue] }: z.ZodError): FailedOutcome {
  const field = issue?.path.join(".");
  const what = `${field ? `${field} is wrong, ` : ""}${issue?.message}`;
  return { kind: "failed", scope: "chunk", reason: `Cannot read the model's answer: ${what}` };
}
