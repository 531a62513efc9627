/**
 * What somebody says who wants a token.
 *
 * @module
 */
import { z } from "zod";
import { TOKEN_SCOPES, type TokenScope } from "../kv/token_keys.ts";
import { MAX_LIFE_MS } from "../wearers/tokens.ts";

const MAX_LIFE_S = MAX_LIFE_MS / 1000;
const MAX_LABEL_CHARS = 100;

const SCOPES_MUST = `must be a list of one or more of ${TOKEN_SCOPES.join(", ")}, none twice`;
const IN_MUST = `must be a whole number of seconds from 1 to ${MAX_LIFE_S}`;
const AT_MUST = "must be a time as 2030-01-31T12:00:00Z, after now and within 365 days";
const LABEL_MUST = `must be a text of at most ${MAX_LABEL_CHARS} characters`;
const ONE_MUST = "must be given, or expires_at in its place, and not both";

const BODY = z.object({
  scopes: z.array(z.enum(TOKEN_SCOPES, { error: `must be one of ${TOKEN_SCOPES.join(", ")}` }), {
    error: SCOPES_MUST,
  }).min(1, SCOPES_MUST).refine((all) => new Set(all).size === all.length, SCOPES_MUST),
  expires_in_s: z.int({ error: IN_MUST }).min(1, IN_MUST).max(MAX_LIFE_S, IN_MUST).optional(),
  expires_at: z.iso.datetime({ offset: true, error: AT_MUST }).optional(),
  label: z.string({ error: LABEL_MUST }).max(MAX_LABEL_CHARS, LABEL_MUST).nullish(),
}, { error: "must be a JSON object" });

/** A token as it is wished for. */
export interface IssueBody {
  readonly scopes: readonly TokenScope[];
  readonly expiresAtMs: number;
  readonly label: string | null;
}

/** Reads the body. */
export function readIssueBody(body: unknown, nowMs: number): z.ZodSafeParseResult<IssueBody> {
  return BODY.transform(({ scopes, expires_in_s, expires_at, label }, context): IssueBody => {
    const refuse = (field: string, message: string) => {
      context.addIssue({ code: "custom", path: [field], message });
      return z.NEVER;
    };
    if ((expires_in_s === undefined) === (expires_at === undefined)) {
      return refuse("expires_in_s", ONE_MUST);
    }
    const expiresAtMs = expires_at === undefined
      ? nowMs + expires_in_s! * 1000
      : Date.parse(expires_at);
    const isInRange = expiresAtMs > nowMs && expiresAtMs <= nowMs + MAX_LIFE_MS;
    if (!isInRange) return refuse("expires_at", AT_MUST);
    return { scopes, expiresAtMs, label: label || null };
  }).safeParse(body);
}
