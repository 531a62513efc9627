/**
 * Errors as clients see them: JSON with `detail` (WIRE H2).
 *
 * @module
 */
import type { Context, ErrorHandler, NotFoundHandler } from "@hono/hono";
import type { z } from "zod";
import { type Logger, reasonOf } from "../log.ts";

/** One thing that is wrong with a body, in the form that clients of the first service know. */
export interface ValidationIssue {
  /** Where: `["body", "message"]`. */
  readonly loc: readonly (string | number)[];
  /** What it must be and what it is. */
  readonly msg: string;
  readonly type: string;
}

/** Longest piece of a client's own input that is quoted back. */
const MAX_QUOTED_LENGTH = 60;
const HIDDEN = "hidden, as it may be a secret";

/** A 422 that names each field, what it must be and what it is. */
export function invalidBody(context: Context, error: z.ZodError, body: unknown): Response {
  return unfitBody(context, error, body, quote);
}

/**
 * The same for bodies that bring a secret: of what they hold nothing is said but where it is missing,
 * as also a body that is none may be the secret.
 */
export function invalidSecret(context: Context, error: z.ZodError, body: unknown): Response {
  return unfitBody(context, error, body, (value) => value === undefined ? "missing" : HIDDEN);
}

function unfitBody(
  context: Context,
  error: z.ZodError,
  body: unknown,
  told: (value: unknown) => string,
): Response {
  const detail = error.issues.map((issue): ValidationIssue => {
    const path = issue.path.map((key) => typeof key === "symbol" ? String(key) : key);
    return {
      loc: ["body", ...path],
      msg: `${path.join(".") || "the body"} ${issue.message}: current value is ${
        told(valueAt(body, path))
      }`,
      type: issue.code,
    };
  });
  return context.json({ detail }, 422);
}

/** A 429 that says when to come back. */
export function tooMany(context: Context, detail: string, retryAfterMs: number): Response {
  context.header("Retry-After", String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
  return context.json({ detail }, 429);
}

/** A 503 that says when to come back. */
export function unavailable(context: Context, detail: string, retryAfterS: number): Response {
  context.header("Retry-After", String(retryAfterS));
  return context.json({ detail }, 503);
}

/** Answers paths that nobody serves. */
export const notFound: NotFoundHandler = (context) => context.json({ detail: "Not Found" }, 404);

/** Answers what went wrong on our side; the log says what, the client does not hear it. */
export function internalError(log: Logger): ErrorHandler {
  return (error, context) => {
    log.error("request.failed", { path: context.req.path, reason: reasonOf(error) });
    return context.json({ detail: "Internal Server Error" }, 500);
  };
}

function valueAt(body: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined,
    body,
  );
}

function quote(value: unknown): string {
  if (value === undefined) return "missing";
  if (typeof value === "string" && value.length > MAX_QUOTED_LENGTH) {
    return `a text of ${value.length} characters`;
  }
  const json = JSON.stringify(value);
  return json.length > MAX_QUOTED_LENGTH ? `${json.slice(0, MAX_QUOTED_LENGTH)}…` : json;
}
