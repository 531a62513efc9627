/**
 * A change of a rule, and the version that it was made for.
 *
 * @module
 */

/** A change that can be tried: the patch is a JSON merge patch, not looked into here. */
export interface RuleChange {
  readonly kind: "valid";
  readonly patch: unknown;
  /** Left out: whichever it is. */
  readonly expectedVersion?: number;
}

/** A change that cannot. */
export interface InvalidChange {
  readonly kind: "invalid";
  readonly detail: string;
}

const MATCH_MUST = 'If-Match must be * or the version in quotes, such as "3"';
const VERSION_MUST = "version must be a whole number from 1";
const MAX_QUOTED_CHARS = 60;

/**
 * Reads the body of a `PATCH`, in which `version` says for which version it was made, and the header
 * that may say so instead.
 *
 * @param ifMatch as the header came; undefined: it did not
 */
export function readChange(body: unknown, ifMatch: string | undefined): RuleChange | InvalidChange {
  const { version, ...patch } = isObject(body) ? body : {};
  const matched = ifMatch === undefined ? [] : /^"([1-9]\d{0,14})"$/.exec(ifMatch.trim());
  if (matched === null && ifMatch?.trim() !== "*") return invalid(MATCH_MUST, ifMatch);
  if (version !== undefined && !isVersion(version)) return invalid(VERSION_MUST, version);
  const fromHeader = matched?.[1] === undefined ? undefined : Number(matched[1]);
  if (version !== undefined && fromHeader !== undefined && version !== fromHeader) {
    return invalid(`version must be that of If-Match, ${fromHeader}`, version);
  }
  const expectedVersion = version ?? fromHeader;
  return {
    kind: "valid",
    patch: isObject(body) ? patch : body,
    ...expectedVersion !== undefined && { expectedVersion },
  };
}

function isVersion(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(must: string, value: unknown): InvalidChange {
  const json = JSON.stringify(value);
  const shown = json.length > MAX_QUOTED_CHARS ? `a text of ${json.length} characters` : json;
  return { kind: "invalid", detail: `${must}: current value is ${shown}` };
}
