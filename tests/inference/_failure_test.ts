import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DeadlineError } from "../../clock.ts";
import {
  failureOf,
  needsLookup,
  refusedKeyword,
  refusesQuestions,
} from "../../inference/_failure.ts";
import { GRPC_STATUS, GrpcError } from "../../inference/_grpc_fetch.ts";

const IDENTITY = {
  tokenId: "ak-do-not-tell",
  tokenSecret: "as-do-not-tell",
  appName: "app",
  className: "Eyes",
};

/** An error of the SDK, which is known by its name. */
function sdkError(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

/** The SDK's own `ClientError`: a gRPC status that its channel brought. */
function clientError(code: number, message: string): Error {
  return Object.assign(new Error(message), { code });
}

Deno.test("failureOf puts what the model said on the chunk, all else on the service [V5, V8]", () => {
  const cases: [error: unknown, scope: "chunk" | "service", reason: string][] = [
    [sdkError("RemoteError", "Remote error: ValueError('no')"), "chunk", "ValueError('no')"],
    [sdkError("RemoteError", "ValueError('no')"), "chunk", "ValueError('no')"],
    [sdkError("FunctionTimeoutError", "Timeout: fc-1"), "chunk", "The model ran out of time"],
    [sdkError("NotFoundError", "fu-1"), "service", "Modal has no class Eyes in app app"],
    [sdkError("InvalidError", "redeploy it"), "service", "redeploy it"],
    [sdkError("InternalFailure", "died"), "service", "died"],
    [new GrpcError(GRPC_STATUS.notFound, "x"), "service", "Modal has no class Eyes in app app"],
    [clientError(GRPC_STATUS.notFound, "x"), "service", "Modal has no class Eyes in app app"],
    [new GrpcError(GRPC_STATUS.unauthenticated, "x"), "service", "Modal refused the token"],
    [clientError(GRPC_STATUS.unauthenticated, "x"), "service", "Modal refused the token"],
    [new GrpcError(GRPC_STATUS.unavailable, "cut off"), "service", "cut off"],
    [new DeadlineError(1500), "service", "Modal did not answer within 1.5 s"],
    [new Error("the stream ended"), "service", "the stream ended"],
    ["a text", "service", "a text"],
    [undefined, "service", "undefined"],
    [{ code: GRPC_STATUS.notFound }, "service", "[object Object]"],
  ];
  for (const [error, scope, reason] of cases) {
    assertEquals(failureOf(error, IDENTITY), { kind: "failed", scope, reason });
  }
});

Deno.test("failureOf tells neither the token nor its secret [A4]", () => {
  const { tokenId, tokenSecret } = IDENTITY;
  const echo = `PermissionError('${tokenSecret} of ${tokenId}, ${
    encodeURIComponent(tokenSecret)
  }')`;
  const { reason } = failureOf(sdkError("RemoteError", `Remote error: ${echo}`), IDENTITY);
  assertEquals(reason, "PermissionError('[redacted] of [redacted], [redacted]')");
});

Deno.test("failureOf cuts long reasons, and shows no piece of a secret at the cut [A4]", () => {
  const padding = fc.integer({ min: 400, max: 520 });
  fc.assert(fc.property(padding, (length) => {
    const message = `${"x".repeat(length)}${IDENTITY.tokenSecret}${"y".repeat(5000)}`;
    const { reason } = failureOf(new Error(message), IDENTITY);
    assertEquals(reason.length, 500);
    assert(!reason.includes("as-"), reason);
  }));
});

Deno.test("needsLookup is true where the class or the login is not good any more", () => {
  const stale = [
    sdkError("NotFoundError", "gone"),
    new GrpcError(GRPC_STATUS.notFound, "gone"),
    clientError(GRPC_STATUS.notFound, "gone"),
    new GrpcError(GRPC_STATUS.unauthenticated, "expired"),
    clientError(GRPC_STATUS.unauthenticated, "expired"),
  ];
  const good = [
    new GrpcError(GRPC_STATUS.unavailable, "busy"),
    new GrpcError(GRPC_STATUS.permissionDenied, "no"),
    sdkError("RemoteError", "NotFoundError('a file')"),
    new DeadlineError(1),
    Object.assign(new Error("system"), { code: "ENOENT" }),
    { name: "NotFoundError" },
    null,
  ];
  assertEquals(stale.map(needsLookup), stale.map(() => true));
  assertEquals(good.map(needsLookup), good.map(() => false));
});

Deno.test("refusedKeyword knows the class that takes no history, session_id or questions [M1, M10]", () => {
  const said = (argument: string) =>
    `Remote error: TypeError("Eyes.infer_chunk() got an unexpected keyword argument '${argument}'")`;
  const names = ["history", "session_id", "questions"];
  const older = names.map((name) => sdkError("RemoteError", said(name)));
  const other = [
    sdkError("RemoteError", said("temperature")),
    sdkError("RemoteError", "Remote error: ValueError('history')"),
    new Error(said("history")),
    said("history"),
  ];
  assertEquals(older.map(refusedKeyword), names);
  assertEquals(other.map(refusedKeyword), other.map(() => null));
});

Deno.test("refusesQuestions knows the class that takes questions, but not these [M10]", () => {
  const said = (text: string) => `Remote error: BadArgument('Cannot answer as ${text}')`;
  const these = [
    "questions must be at most 16 long: current value is 20",
    "questions[3].text must be at most 8000 characters: current value is 9000",
  ];
  assertEquals(these.map((text) => refusesQuestions(sdkError("RemoteError", said(text)))), [
    true,
    true,
  ]);
  const other = [
    sdkError("RemoteError", said("frames must be at most 256 long")),
    sdkError("RemoteError", said("questionsome must be")),
    new Error(said(these[0]!)),
  ];
  assertEquals(other.map(refusesQuestions), other.map(() => false));
});
