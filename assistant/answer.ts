/**
 * One HTTP request of an assistant, answered: the Model Context Protocol over streamable HTTP
 * (https://modelcontextprotocol.io/specification/2026-07-28/basic/transports), without sessions.
 *
 * Clients of the revisions until 2025-11-25 begin with `initialize`, those of 2026-07-28 say with
 * each request what they are; both are served. Nothing outlives a request, so any process answers
 * any of them.
 *
 * Only this folder knows the SDK, and only the first request loads it.
 *
 * @module
 */
import {
  createMcpHandler,
  isLegacyRequest,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import { serverFor, type Serving } from "./_server.ts";

/** A client of 2025-03-26 may send so many messages in one request. */
const MAX_BATCH = 20;

/** A request that was let in and read. */
export interface AskedRequest {
  readonly url: string;
  readonly headers: Headers;
  /** The body, parsed: an object or a list. */
  readonly body: object;
}

/** What of the headers the protocol knows. The token is not for it. */
const HEADERS = /^(accept|content-type|mcp-.*)$/;

/** Answers with one JSON document, or 202 where nothing is to be said. */
export async function answerMcp(asked: AskedRequest, serving: Serving): Promise<Response> {
  const { url, body } = asked;
  const headers = [...asked.headers].filter(([name]) => HEADERS.test(name));
  const request = new Request(url, { method: "POST", headers });
  let problem: Error | null = null;
  const onerror = (error: Error) => problem = error;
  const answer = await isLegacyRequest(request, body)
    ? await answerLegacy(request, body, serving, onerror)
    : await createMcpHandler(() => serverFor(serving), { legacy: "reject", onerror })
      .fetch(request, { parsedBody: body });
  // What a client did wrong is told to the client alone.
  if (answer.status >= 500) serving.failed(problem);
  return answer;
}

/** The SDK's own way of serving the older revisions answers with a stream of events. */
async function answerLegacy(
  request: Request,
  body: object,
  serving: Serving,
  onerror: (error: Error) => void,
): Promise<Response> {
  const messages = Array.isArray(body) ? body : [body];
  if (messages.length > MAX_BATCH || messages.length === 0) {
    return refusal(400, -32600, `A batch must have 1 to ${MAX_BATCH} messages`);
  }
  // A request that is cancelled beside it would never be answered.
  const heard = messages.filter((message) => message?.method !== "notifications/cancelled");
  if (heard.length === 0) return new Response(null, { status: 202 });
  const server = serverFor(serving);
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  transport.onerror = onerror;
  await server.connect(transport);
  try {
    return await transport.handleRequest(request, {
      parsedBody: Array.isArray(body) ? heard : heard[0],
    });
  } finally {
    await server.close();
  }
}

/** An answer as the protocol has it to what is no message of it. */
function refusal(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: "2.0", error: { code, message }, id: null }, { status });
}
