/**
 * gRPC's status codes, as far as they are used here, and the error that carries one.
 *
 * @module
 */

/** Codes of https://grpc.io/docs/guides/status-codes/. */
export const GRPC_STATUS = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** Thrown by a handler: the client gets this code and message. */
export class GrpcStatusError extends Error {
  override readonly name = "GrpcStatusError";

  constructor(readonly code: number, message: string) {
    super(message);
  }
}
