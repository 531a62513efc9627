/**
 * A name for each request (WIRE H3) and a line in the log, without secrets (WIRE A4).
 *
 * @module
 */
import type { MiddlewareHandler } from "@hono/hono";
import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import { redactQuery } from "../redact.ts";

const HEADER = "x-request-id";
/** A proxy may have named the request already; anything that could forge log lines is not a name. */
const FIT_REQUEST_ID = /^[\w.:-]{1,128}$/;

/** What the middleware leaves in the context for the handlers behind it. */
export interface RequestVariables {
  readonly requestId: string;
}

/** Names each request and logs how it was answered. */
export function requestLog(
  { log, clock, newId }: { log: Logger; clock: Clock; newId: () => string },
): MiddlewareHandler<{ Variables: RequestVariables }> {
  return async (context, next) => {
    const given = context.req.header(HEADER) ?? "";
    const requestId = FIT_REQUEST_ID.test(given) ? given : newId();
    const startedAtMs = clock.monotonicMs();
    context.set("requestId", requestId);
    await next();
    // Not context.header(): it would copy the response, and an upgrade's cannot be copied.
    context.res.headers.set(HEADER, requestId);
    log.info("request", {
      request_id: requestId,
      method: context.req.method,
      path: redactQuery(new URL(context.req.url)),
      status: context.res.status,
      ms: Math.round((clock.monotonicMs() - startedAtMs) * 10) / 10,
    });
  };
}
