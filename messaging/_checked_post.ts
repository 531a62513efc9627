/**
 * A POST over a connection that was checked.
 *
 * @module
 */
import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { closeQuietly, connectChecked, type ConnectOptions } from "./_checked_connection.ts";

/** What is sent, and to where. The signal ends it. */
export interface CheckedPost extends ConnectOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** So much of the answer is read. */
  readonly maxAnswerBytes: number;
}

/** What came of it. */
export type PostOutcome =
  | {
    readonly kind: "answered";
    readonly status: number;
    readonly retryAfter: string | null;
    /** The beginning of the body; empty where it was lost. */
    readonly text: string;
  }
  /** Nothing has left. `fault` names no address. */
  | { readonly kind: "not_connected"; readonly fault: string; readonly isForbidden: boolean }
  /** The connection was made, and no answer came. */
  | { readonly kind: "lost" };

/** Posts. Redirects are not followed. Resolves always. */
export async function postChecked(post: CheckedPost): Promise<PostOutcome> {
  const connected = await connectChecked(post.url, post);
  if (connected.kind !== "connected") return connected;
  const { connection } = connected;
  try {
    const request = requestOver(connection, post);
    const response = await responseOf(request);
    if (response === null) return { kind: "lost" };
    const text = await textOf(response, post.maxAnswerBytes);
    request.destroy();
    const retryAfter = response.headers["retry-after"] ?? null;
    return { kind: "answered", status: response.statusCode ?? 0, retryAfter, text };
  } finally {
    closeQuietly(connection);
  }
}

function requestOver(
  { readable, writable }: Deno.Conn,
  { url, headers, body, signal }: CheckedPost,
): ClientRequest {
  const socket = Duplex.fromWeb({ readable, writable } as Parameters<typeof Duplex.fromWeb>[0]);
  const request = httpRequest({
    method: "POST",
    path: url.pathname + url.search,
    headers: {
      host: url.host,
      ...headers,
      "content-length": String(new TextEncoder().encode(body).length),
      connection: "close",
    },
    signal,
    createConnection: () => socket as Socket,
  });
  request.end(body);
  return request;
}

/** Null: none came. */
function responseOf(request: ClientRequest): Promise<IncomingMessage | null> {
  return new Promise((resolve) => {
    request.on("response", resolve);
    // It may be told again, when the body is cut.
    request.on("error", () => resolve(null));
    request.on("close", () => resolve(null));
  });
}

/** Never rejects: the status has said what matters. */
async function textOf(response: IncomingMessage, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let leftBytes = maxBytes;
  try {
    for await (const part of response as AsyncIterable<Uint8Array>) {
      text += decoder.decode(part.subarray(0, leftBytes), { stream: true });
      leftBytes -= part.length;
      if (leftBytes <= 0) return text;
    }
    return text + decoder.decode();
  } catch {
    return text;
  }
}
