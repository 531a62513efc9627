/**
 * What somebody says who asks about the past.
 *
 * @module
 */
import { z } from "zod";
import type { TimeRange } from "../timeline/pages.ts";
import { ZONE_MUST_BE, zoneNamed } from "../zones.ts";
import { momentOf, TIME_MUST_BE } from "./_times.ts";

const MAX_QUESTION_CHARS = 500;
const QUESTION_MUST = `must be a text of 1 to ${MAX_QUESTION_CHARS} characters, with a word in it`;

const TIME = z.union([z.string(), z.number()], { error: TIME_MUST_BE }).nullish();
const BODY = z.object({
  question: z.string({ error: QUESTION_MUST }).max(MAX_QUESTION_CHARS, QUESTION_MUST)
    .regex(/[\p{L}\p{N}]/u, QUESTION_MUST),
  from: TIME,
  to: TIME,
  zone: z.string({ error: ZONE_MUST_BE }).refine((name) => zoneNamed(name) !== null, ZONE_MUST_BE)
    .nullish(),
}, { error: "must be a JSON object" });

/** A question as it is asked. */
export interface AskBody {
  readonly question: string;
  readonly range: TimeRange;
  /** The name of a time zone; null: UTC. */
  readonly zone: string | null;
}

/** Reads the body. */
export function readAskBody(body: unknown): z.ZodSafeParseResult<AskBody> {
  return BODY.transform(({ question, from, to, zone = null }, context): AskBody => {
    const moment = (field: "from" | "to", given: string | number | null) => {
      if (given === null) return null;
      const epochMs = momentOf(String(given), zone ?? "UTC");
      if (epochMs === null) {
        context.addIssue({ code: "custom", path: [field], message: TIME_MUST_BE });
      }
      return epochMs;
    };
    const range = { fromMs: moment("from", from ?? null), toMs: moment("to", to ?? null) };
    if (range.fromMs !== null && range.toMs !== null && range.toMs <= range.fromMs) {
      context.addIssue({ code: "custom", path: ["to"], message: "must be later than from" });
    }
    return { question, range, zone };
  }).safeParse(body);
}
