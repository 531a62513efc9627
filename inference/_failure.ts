/**
 * What a failed call means to the stream that made it.
 *
 * @module
 */
import { DeadlineError } from "../clock.ts";
import { createRedactor } from "../redact.ts";
import type { FailedOutcome, ModelIdentity } from "./client.ts";
import { GRPC_STATUS } from "./_grpc_fetch.ts";

/** Long tracebacks help nobody on a phone. */
const MAX_REASON_LENGTH = 500;

/** The SDK's errors, by `name` so that the SDK need not be loaded to know them. */
const SDK_ERRORS = {
  /** The method raised. */
  remote: "RemoteError",
  /** The method ran longer than the class allows. */
  timeout: "FunctionTimeoutError",
  /** The app, the class or the method is not there. */
  notFound: "NotFoundError",
  /** The class was deployed with an SDK that JavaScript cannot call. */
  invalid: "InvalidError",
} as const;

/** The class is there, but was deployed without the method. */
export class MissingMethodError extends Error {
  override readonly name = "MissingMethodError";
}

/** What a client is told of a class that has no `answer`. */
export const CANNOT_BE_ASKED = "This model takes no questions: it was deployed without them";

/** What a client is told of a class that has no `generate`. */
export const CANNOT_WRITE = "This model only looks at pictures: it was deployed without `generate`";

/** Says why a call failed, without secrets, and whether the next chunk may fare better. */
export function failureOf(error: unknown, identity: ModelIdentity): FailedOutcome {
  const redactor = createRedactor(identity.tokenSecret, identity.tokenId);
  const reason = redactor.text(reasonOf(error, identity)).slice(0, MAX_REASON_LENGTH);
  return { kind: "failed", scope: wasAnswered(error) ? "chunk" : "service", reason };
}

function reasonOf(error: unknown, { appName, className }: ModelIdentity): string {
  if (!(error instanceof Error)) return String(error);
  if (isNotFound(error)) return `Modal has no class ${className} in app ${appName}`;
  if (error instanceof DeadlineError) {
    return `Modal did not answer within ${error.timeoutMs / 1000} s`;
  }
  if (codeOf(error) === GRPC_STATUS.unauthenticated) return `Modal refused the token`;
  if (error.name === SDK_ERRORS.timeout) return `The model ran out of time`;
  return error.message.replace(/^Remote error: /, "");
}

/** Whether the class is there, and it is the call that did not do. */
function wasAnswered(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error instanceof MissingMethodError || error.name === SDK_ERRORS.remote ||
    error.name === SDK_ERRORS.timeout;
}

/** Whether the class or the login is not good any more, so that both must be got anew. */
export function needsLookup(error: unknown): boolean {
  return error instanceof Error &&
    (isNotFound(error) || codeOf(error) === GRPC_STATUS.unauthenticated);
}

/** What a class does not take by keyword, being older than that is (WIRE M1); null: it is not that. */
export function refusedKeyword(error: unknown): string | null {
  if (!(error instanceof Error) || error.name !== SDK_ERRORS.remote) return null;
  return unexpectedKeyword(error.message);
}

/** The keyword that Python names as unexpected; null: this is about something else. */
export function unexpectedKeyword(message: string): string | null {
  return /unexpected keyword argument '(history|session_id|questions)'/.exec(message)?.[1] ?? null;
}

/** Whether the class takes questions, but not these: too many, or too long (`modal/serving`). */
export function refusesQuestions(error: unknown): boolean {
  return error instanceof Error && error.name === SDK_ERRORS.remote &&
    isAboutQuestions(error.message);
}

/** As {@link refusesQuestions}, by what was said. */
export function isAboutQuestions(message: string): boolean {
  return /Cannot answer as questions\b/.test(message);
}

/** Whether the app, the class or the method is not there. */
export function isNotFound(error: unknown): boolean {
  return error instanceof Error &&
    (error.name === SDK_ERRORS.notFound || codeOf(error) === GRPC_STATUS.notFound);
}

/** The gRPC status of our transport's errors and of the SDK's own (`ClientError`) alike. */
function codeOf(error: Error): number | null {
  return "code" in error && typeof error.code === "number" ? error.code : null;
}
