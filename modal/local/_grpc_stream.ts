/**
 * One unary gRPC exchange on one HTTP/2 stream: the request's message in, an answer or a status out.
 *
 * Wire: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 *
 * @module
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { GRPC_STATUS, GrpcStatusError } from "./_grpc_status.ts";

/** One byte that says whether the message is compressed, four for its length. */
export const GRPC_PREFIX_BYTES = 5;

const CONTENT_TYPE = "application/grpc+proto";

/** What a handler is told of one call. */
export interface GrpcRequest {
  /** `/modal.client.ModalClient/FunctionMap` and the like. */
  readonly path: string;
  /** A metadata value by its lower-case name; null where the client sent none. */
  metadata(name: string): string | null;
  /** The protobuf bytes. */
  readonly message: Uint8Array;
  /** Aborted when the client gives up or its connection is gone. */
  readonly signal: AbortSignal;
}

/** What goes back: a message, or bytes that break the protocol on purpose (faults). */
export type GrpcAnswer =
  | { readonly kind: "message"; readonly bytes: Uint8Array }
  | { readonly kind: "raw"; readonly bytes: Uint8Array };

/** Answers one call; throws {@link GrpcStatusError} for any other end than OK. */
export type GrpcHandler = (request: GrpcRequest) => Promise<GrpcAnswer>;

/** Reads, handles and answers one stream. Never throws: a stream that is gone needs no answer. */
export async function serveStream(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  maxMessageBytes: number,
  handle: GrpcHandler,
): Promise<void> {
  const gone = new AbortController();
  stream.on("error", () => gone.abort());
  stream.on("close", () => gone.abort());
  try {
    const message = await readMessage(stream, maxMessageBytes);
    const answer = await handle({
      path: String(headers[":path"] ?? ""),
      metadata: (name) => metadataValue(headers[name]),
      message,
      signal: gone.signal,
    });
    if (canAnswer(stream)) sendAnswer(stream, answer);
  } catch (error) {
    if (canAnswer(stream)) sendStatus(stream, statusOf(error));
  }
}

function canAnswer(stream: ServerHttp2Stream): boolean {
  return !stream.destroyed && !stream.closed && !stream.headersSent;
}

function metadataValue(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

function readMessage(stream: ServerHttp2Stream, maxMessageBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let receivedBytes = 0;
  return new Promise((resolve, reject) => {
    stream.on("data", (chunk: Uint8Array) => {
      receivedBytes += chunk.byteLength;
      if (receivedBytes > maxMessageBytes + GRPC_PREFIX_BYTES) {
        chunks.length = 0;
        const text = `Received message larger than max (${receivedBytes} vs ${maxMessageBytes})`;
        reject(new GrpcStatusError(GRPC_STATUS.resourceExhausted, text));
      } else {
        chunks.push(chunk);
      }
    });
    stream.on("end", () => {
      try {
        resolve(unframe(joined(chunks, receivedBytes)));
      } catch (error) {
        reject(error);
      }
    });
    stream.on("close", () => reject(new GrpcStatusError(GRPC_STATUS.cancelled, "stream closed")));
  });
}

function joined(chunks: readonly Uint8Array[], byteCount: number): Uint8Array {
  const whole = new Uint8Array(byteCount);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

function unframe(body: Uint8Array): Uint8Array {
  if (body.byteLength < GRPC_PREFIX_BYTES) {
    throw new GrpcStatusError(GRPC_STATUS.internal, "Missing gRPC message prefix");
  }
  if (body[0] !== 0) {
    throw new GrpcStatusError(GRPC_STATUS.unimplemented, "Compressed messages are not supported");
  }
  const declaredBytes = new DataView(body.buffer, body.byteOffset).getUint32(1);
  if (declaredBytes !== body.byteLength - GRPC_PREFIX_BYTES) {
    const text = `Cannot read a message of ${declaredBytes} bytes from a body of ` +
      `${body.byteLength - GRPC_PREFIX_BYTES}`;
    throw new GrpcStatusError(GRPC_STATUS.internal, text);
  }
  return body.subarray(GRPC_PREFIX_BYTES);
}

function sendAnswer(stream: ServerHttp2Stream, answer: GrpcAnswer): void {
  stream.respond({ ":status": 200, "content-type": CONTENT_TYPE }, { waitForTrailers: true });
  stream.on("wantTrailers", () => {
    if (!stream.destroyed) stream.sendTrailers({ "grpc-status": String(GRPC_STATUS.ok) });
  });
  stream.end(answer.kind === "message" ? frame(answer.bytes) : answer.bytes);
}

function frame(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(GRPC_PREFIX_BYTES + message.byteLength);
  new DataView(framed.buffer).setUint32(1, message.byteLength);
  framed.set(message, GRPC_PREFIX_BYTES);
  return framed;
}

function statusOf(error: unknown): GrpcStatusError {
  if (error instanceof GrpcStatusError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new GrpcStatusError(GRPC_STATUS.internal, text);
}

/** Trailers-only: status and message travel in the headers, where `fetch` can read them. */
function sendStatus(stream: ServerHttp2Stream, status: GrpcStatusError): void {
  stream.respond({
    ":status": 200,
    "content-type": CONTENT_TYPE,
    "grpc-status": String(status.code),
    "grpc-message": percentEncoded(status.message),
  }, { endStream: true });
}

/** gRPC's own percent encoding: everything outside printable ASCII, and the percent sign. */
export function percentEncoded(text: string): string {
  let encoded = "";
  for (const byte of new TextEncoder().encode(text)) {
    const printable = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += printable
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}
