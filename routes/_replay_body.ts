/**
 * What somebody says who wants a rule tried on what was seen.
 *
 * @module
 */
import { z } from "zod";
import { ZONE_MUST_BE, zoneNamed } from "../zones.ts";
import { momentOf, TIME_MUST_BE } from "./_times.ts";

const MAX_RANGE_MS = 24 * 60 * 60 * 1000;
const RANGE_MUST = "must be later than from, by at most 24 hours";

const TIME = z.union([z.string(), z.number()], { error: TIME_MUST_BE });
const BODY = z.strictObject({
  from: TIME,
  to: TIME.nullish(),
  zone: z.string({ error: ZONE_MUST_BE }).refine((name) => zoneNamed(name) !== null, ZONE_MUST_BE)
    .nullish(),
}, { error: "must be a JSON object with from and, if not until now, to" });

/** A stretch of time to try a rule on; wall time. */
export interface ReplayBody {
  readonly fromMs: number;
  readonly toMs: number;
  /** The name of a time zone; null: UTC. */
  readonly zone: string | null;
}

/** Reads the body. */
export function readReplayBody(body: unknown, nowMs: number): z.ZodSafeParseResult<ReplayBody> {
  return BODY.transform(({ from, to, zone = null }, context): ReplayBody => {
    const moment = (field: "from" | "to", given: string | number) => {
      const epochMs = momentOf(String(given), zone ?? "UTC");
      if (epochMs === null) {
        context.addIssue({ code: "custom", path: [field], message: TIME_MUST_BE });
      }
      return epochMs;
    };
    const fromMs = moment("from", from);
    const toMs = to === null || to === undefined ? nowMs : moment("to", to);
    if (fromMs === null || toMs === null) return z.NEVER;
    if (toMs <= fromMs || toMs - fromMs > MAX_RANGE_MS) {
      context.addIssue({ code: "custom", path: ["to"], message: RANGE_MUST });
    }
    return { fromMs, toMs, zone };
  }).safeParse(body);
}
