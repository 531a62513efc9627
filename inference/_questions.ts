/**
 * Questions on their way to a model, and what comes back, read with suspicion (SPEC M10).
 *
 * @module
 */
import { z } from "zod";
import type { Question, QuestionAnswer } from "./client.ts";

/** Whoever says more than this has not understood what was asked; the rest is not looked at. */
const MAX_READ = 256;

const answerSchema = z.object({
  id: z.string(),
  yes: z.boolean(),
  confidence: z.number().min(0).max(1),
});

/** The questions as a class takes them. */
export function toSend(questions: readonly Question[]): Question[] {
  return questions.map(({ id, text }) => ({ id, text }));
}

/**
 * The answers among what was said, in the order of the questions. What is none, and answers to what
 * was not asked, are left out; of two to the same question the first counts.
 */
export function answersTo(questions: readonly Question[], said: unknown): QuestionAnswer[] {
  if (questions.length === 0 || !Array.isArray(said)) return [];
  const answers = new Map<string, QuestionAnswer>();
  for (const item of said.slice(0, MAX_READ)) {
    const { success, data } = answerSchema.safeParse(item);
    if (success && !answers.has(data.id)) answers.set(data.id, data);
  }
  return questions.flatMap(({ id }) => answers.get(id) ?? []);
}
