/**
 * What a model wrote when it was asked to (SPEC M9), read with suspicion: JSON is held against its
 * schema here too, whoever has already done so.
 *
 * @module
 */
import { z } from "zod";
import { answerTextSchema, unreadable } from "./_answer.ts";
import type { FailedOutcome, GeneratedOutcome, GenerateRequest } from "./client.ts";

/** The schema as models are told of it: draft 2020-12. */
export function jsonSchemaOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema);
  return rest;
}

/** Reads what a model wrote: a text, or where there is a schema the JSON value. */
export function generatedOf<T>(
  said: unknown,
  { schema }: Pick<GenerateRequest<T>, "schema">,
  latencyMs: number,
): GeneratedOutcome<T> | FailedOutcome {
  const form = schema ?? answerTextSchema as unknown as z.ZodType<T>;
  const parsed = form.safeParse(said);
  if (!parsed.success) return unreadable(parsed.error);
  return { kind: "generated", value: parsed.data, latencyMs };
}
