/**
 * What somebody says who wants a token, or a link with one in it.
 *
 * @module
 */
import { z } from "zod";
import { SHARE_SCOPES, TOKEN_SCOPES, type TokenScope } from "../kv/token_keys.ts";
import { MAX_LIFE_MS } from "../wearers/tokens.ts";

/** The longest life of a link. */
export const MAX_SHARE_LIFE_MS = 30 * 24 * 60 * 60 * 1000;
const MS_PER_DAY = 24 * 60 * 60 * 1000;
const MAX_LABEL_CHARS = 100;

const LABEL_MUST = `must be a text of at most ${MAX_LABEL_CHARS} characters`;
const ONE_MUST = "must be given, or expires_at in its place, and not both";

/** A token as it is wished for. */
export interface IssueBody {
  readonly scopes: readonly TokenScope[];
  readonly expiresAtMs: number;
  readonly label: string | null;
}

/** Reads a body. */
export type ReadIssueBody = (body: unknown, nowMs: number) => z.ZodSafeParseResult<IssueBody>;

/** Reads the wish for a token. */
export const readIssueBody = readerOf(TOKEN_SCOPES, MAX_LIFE_MS);
/** Reads the wish for a link. */
export const readShareBody = readerOf(SHARE_SCOPES, MAX_SHARE_LIFE_MS);

function readerOf(scopes: readonly TokenScope[], maxLifeMs: number): ReadIssueBody {
  const atMust = "must be a time as 2030-01-31T12:00:00Z, after now and within " +
    `${maxLifeMs / MS_PER_DAY} days`;
  const schema = schemaOf(scopes, maxLifeMs / 1000, atMust);
  return (body, nowMs) =>
    schema.transform(({ scopes, expires_in_s, expires_at, label }, context): IssueBody => {
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
      const isInRange = expiresAtMs > nowMs && expiresAtMs <= nowMs + maxLifeMs;
      if (!isInRange) return refuse("expires_at", atMust);
      return { scopes, expiresAtMs, label: label || null };
    }).safeParse(body);
}

function schemaOf(scopes: readonly TokenScope[], maxLifeS: number, atMust: string) {
  const names = scopes.join(", ");
  const scopesMust = `must be a list of one or more of ${names}, none twice`;
  const inMust = `must be a whole number of seconds from 1 to ${maxLifeS}`;
  return z.object({
    scopes: z.array(z.enum(scopes, { error: `must be one of ${names}` }), { error: scopesMust })
      .min(1, scopesMust).refine((all) => new Set(all).size === all.length, scopesMust),
    expires_in_s: z.int({ error: inMust }).min(1, inMust).max(maxLifeS, inMust).optional(),
    expires_at: z.iso.datetime({ offset: true, error: atMust }).optional(),
    label: z.string({ error: LABEL_MUST }).max(MAX_LABEL_CHARS, LABEL_MUST).nullish(),
  }, { error: "must be a JSON object" });
}
