/**
 * What the address of a stream says: what to look for, and which session to go on with.
 *
 * @module
 */
import { z } from "zod";
import { PROFILE_NAMES, profileNamed } from "../inference/profiles/profiles.ts";
import type { Claim } from "../stream/session_start.ts";

const MAX_ID_CHARS = 128;

/** An address that can be acted on. */
export interface StreamQuery {
  readonly kind: "valid";
  /** Null: what is configured, or what was looked for before. */
  readonly prompt: string | null;
  /** Null: a new session. */
  readonly claim: Claim | null;
}

/** Empty is absent. */
const text = z.string().optional().transform((given) => given || undefined);
const QUERY = z.object({
  profile: text.pipe(
    z.enum(PROFILE_NAMES, `must be one of ${PROFILE_NAMES.join(", ")}`).optional(),
  ),
});
const CLAIM = z.object({
  session: text.pipe(
    z.string().max(MAX_ID_CHARS, `must be at most ${MAX_ID_CHARS} characters`).optional(),
  ),
  resume: text.pipe(
    z.string().max(MAX_ID_CHARS, `must be at most ${MAX_ID_CHARS} characters`).optional(),
  ),
  cursor: text.pipe(
    z.string().regex(/^\d{1,9}$/, "must be a whole number from 0 to 999999999").optional(),
  ),
});

/**
 * Reads the query.
 *
 * @param mayClaim whether the client's wire knows sessions; else it is not asked about them
 * @returns `detail` names what is wrong, and not the secret
 */
export function readStreamQuery(
  given: Record<string, string>,
  mayClaim: boolean,
): StreamQuery | { readonly kind: "invalid"; readonly detail: string } {
  const query = QUERY.safeParse(given);
  if (!query.success) return invalid(query.error, given);
  const { profile } = query.data;
  const prompt = profile ? profileNamed(profile)!.prompt : null;
  if (!mayClaim) return { kind: "valid", prompt, claim: null };
  const claimed = CLAIM.safeParse(given);
  if (!claimed.success) return invalid(claimed.error, given);
  const { session, resume, cursor } = claimed.data;
  if (session === undefined && resume === undefined) return { kind: "valid", prompt, claim: null };
  if (session === undefined || resume === undefined) {
    const [missing, other] = session === undefined ? ["session", "resume"] : ["resume", "session"];
    const detail = `${missing} must be given beside ${other}: current value is missing`;
    return { kind: "invalid", detail };
  }
  const claim = { sessionId: session, secret: resume, cursor: Number(cursor ?? 0) };
  return { kind: "valid", prompt, claim };
}

function invalid(error: z.ZodError, given: Record<string, string>) {
  const { path, message } = error.issues[0]!;
  const name = String(path[0]);
  const value = name === "resume" ? "hidden, as it is a secret" : JSON.stringify(given[name]);
  const detail = `${name} ${message}: current value is ${value}`;
  return { kind: "invalid", detail } as const;
}
