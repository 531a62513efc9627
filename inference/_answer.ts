/**
 * What a deployed class answers to `infer_chunk` (WIRE M1, M3), read with suspicion.
 *
 * @module
 */
import { z } from "zod";
import { MAX_CAPTION_CHARS } from "../kv/keys.ts";
import type { CaptionOutcome, Chunk, FailedOutcome } from "./client.ts";

const answerSchema = z.object({
  caption: z.string().max(MAX_CAPTION_CHARS),
  chunk_start_s: z.number().nullish(),
  chunk_end_s: z.number().nullish(),
  latency_ms: z.number().nonnegative().nullish(),
  tokens_generated: z.number().int().nonnegative().nullish(),
  model: z.string().nullish(),
});

/**
 * Reads an answer.
 *
 * @param measuredMs stands for `latency_ms` where the class gives none
 */
export function outcomeOf(
  answer: unknown,
  chunk: Chunk,
  measuredMs: number,
): CaptionOutcome | FailedOutcome {
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success) return { kind: "failed", scope: "chunk", reason: reasonOf(parsed.error) };
  const { data } = parsed;
  return {
    kind: "captioned",
    caption: data.caption,
    chunkStartS: data.chunk_start_s ?? chunk.startS,
    chunkEndS: data.chunk_end_s ?? chunk.endS,
    latencyMs: data.latency_ms ?? measuredMs,
    tokensGenerated: data.tokens_generated ?? null,
    model: data.model ?? null,
  };
}

function reasonOf(error: z.ZodError): string {
  const issue = error.issues[0];
  const field = issue?.path.join(".");
  return `Cannot read the model's answer: ${field ? `${field} is wrong, ` : ""}${issue?.message}`;
}
