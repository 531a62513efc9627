/**
 * Unary gRPC over `fetch`, for Modal's control plane (MODAL facts: denoland/deno#33709 and #36788
 * speak against grpc-js on Deno).
 *
 * The wire, https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: POST, one message in a
 * five-byte frame each way. `fetch` cannot read trailers, which is enough: a success carries a
 * message, and a failure without one carries its status in the headers.
 *
 * @module
 */
import { MODAL_CODECS, type ModalMethod } from "./modal_messages.ts";
import type { Rpc, RpcClient } from "./_call_scope.ts";
import type { Clock } from "../clock.ts";

const FRAME_HEADER_BYTES = 5;
const MAX_RETRIES = 3;
const FIRST_RETRY_DELAY_MS = 100;

/** Status codes of gRPC that we name (https://grpc.io/docs/guides/status-codes/). */
export const GRPC_STATUS = {
  unknown: 2,
  notFound: 5,
  permissionDenied: 7,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** Codes after which the same request may succeed: those that the SDK's own channel retries. */
const RETRYABLE = new Set<number>([
  GRPC_STATUS.unknown,
  GRPC_STATUS.internal,
  GRPC_STATUS.unavailable,
]);

/** A failed RPC. */
export class GrpcError extends Error {
  override readonly name = "GrpcError";
  constructor(readonly code: number, message: string) {
    super(message);
  }
}

/** What the transport needs. */
export interface GrpcFetchOptions {
  /** `https://host:port` of the plane that is called. */
  readonly serverUrl: string;
  /** Sends a request over HTTP/2. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Metadata of one call; `method` because fetching the token must not need the token. */
  readonly metadata: (method: ModalMethod) => Promise<Record<string, string>>;
  readonly clock: Clock;
  readonly newId: () => string;
}

/**
 * A client for the SDK (`cpClient`) whose RPCs travel over `fetch`.
 *
 * Lost connections and transient codes are tried again with the same idempotency key, as the SDK's
 * own channel does.
 *
 * @throws {GrpcError} from each RPC
 */
export function createGrpcFetchClient(options: GrpcFetchOptions): RpcClient {
  const client: Record<string, Rpc> = {};
  for (const method of Object.keys(MODAL_CODECS) as ModalMethod[]) {
    client[method] = (request, { signal } = {}) =>
      callWithRetries(options, method, request, signal);
  }
  return client;
}

async function callWithRetries(
  options: GrpcFetchOptions,
  method: ModalMethod,
  request: Record<string, unknown>,
  signal: AbortSignal | undefined,
): Promise<Record<string, unknown>> {
  const codec = MODAL_CODECS[method];
  const url = new URL(codec.path, options.serverUrl).href;
  const body = frameOf(codec.request.encode(request));
  const headers: Record<string, string> = {
    ...await options.metadata(method),
    "content-type": "application/grpc+proto",
    "te": "trailers",
    "x-idempotency-key": options.newId(),
  };
  for (let attempt = 0;; attempt++) {
    headers["x-retry-attempt"] = String(attempt);
    try {
      return codec.response.decode(await unary(options.fetch, url, { headers, body, signal }));
    } catch (error) {
      signal?.throwIfAborted();
      const isTransient = error instanceof GrpcError && RETRYABLE.has(error.code);
      if (!isTransient || attempt === MAX_RETRIES) throw error;
      await pause(options.clock, FIRST_RETRY_DELAY_MS * 2 ** attempt, signal);
    }
  }
}

interface UnaryInit {
  readonly headers: Record<string, string>;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly signal: AbortSignal | undefined;
}

/** One request, one message. */
async function unary(
  fetch: GrpcFetchOptions["fetch"],
  url: string,
  { headers, body, signal }: UnaryInit,
): Promise<Uint8Array> {
  let response: Response;
  let bytes: Uint8Array;
  try {
    response = await fetch(url, { method: "POST", headers, body, signal: signal ?? null });
    bytes = new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    signal?.throwIfAborted();
    throw new GrpcError(GRPC_STATUS.unavailable, `Modal cannot be reached: ${causeOf(error)}`);
  }
  throwIfFailed(response, bytes);
  return messageOf(bytes);
}

function throwIfFailed(response: Response, bytes: Uint8Array): void {
  const status = response.headers.get("grpc-status");
  if (status !== null && status !== "0") {
    const code = /^\d+$/.test(status) ? Number(status) : GRPC_STATUS.unknown;
    throw new GrpcError(code, grpcMessageOf(response) || `gRPC status ${status}`);
  }
  if (!response.ok) {
    const code = response.status === 401
      ? GRPC_STATUS.unauthenticated
      : response.status === 403
      ? GRPC_STATUS.permissionDenied
      : GRPC_STATUS.unavailable;
    throw new GrpcError(code, `Modal answered HTTP ${response.status}`);
  }
  if (bytes.byteLength === 0) {
    throw new GrpcError(GRPC_STATUS.unknown, "Modal answered without a message");
  }
}

function grpcMessageOf(response: Response): string {
  const encoded = response.headers.get("grpc-message") ?? "";
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

/** The five-byte prefix: not compressed, length. */
function frameOf(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + message.byteLength);
  new DataView(frame.buffer).setUint32(1, message.byteLength);
  frame.set(message, FRAME_HEADER_BYTES);
  return frame;
}

function messageOf(bytes: Uint8Array): Uint8Array {
  const lengthBytes = bytes.byteLength >= FRAME_HEADER_BYTES
    ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(1)
    : -1;
  const end = FRAME_HEADER_BYTES + lengthBytes;
  if (bytes[0] !== 0 || end !== bytes.byteLength) {
    throw new GrpcError(GRPC_STATUS.internal, "Modal answered with a message that is cut off");
  }
  return bytes.subarray(FRAME_HEADER_BYTES, end);
}

/** `fetch` hides why in the error's cause. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

async function pause(clock: Clock, delayMs: number, signal: AbortSignal | undefined) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(delayMs, resolve);
  signal?.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  cancel();
  signal?.throwIfAborted();
}
