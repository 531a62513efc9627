/**
 * The HTTPS endpoint of each served class (SPEC M5 to M7), in the clear on the loopback: as Modal's
 * proxy and `modal/serving/endpoint.py` are together, for the calls that the control plane takes too.
 *
 * @module
 */
import { Decoder, Encoder } from "cbor-x";
import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../clock.ts";
import { bindArguments, PythonError, readRepr } from "./_binding.ts";
import type { Call } from "./_call.ts";
import type { Calls } from "./_calls.ts";
import type { Deployment, Deployments } from "./_deployments.ts";

const CBOR = "application/cbor";
const MAX_BODY_BYTES = 64 * 1024 * 1024;
const RETRY_AFTER_S = 1;
/** For ever, as far as `setTimeout` can tell. */
const NO_TIME_OUT_MS = 2 ** 31 - 1;
/** On the class, but not on the web. */
const NOT_SERVED = new Set(["close"]);

/** What the class raises where the arguments are no good; what it raises else is its own trouble. */
const REFUSALS = new Set(["BadArgument", "NoFrameDecodable", "PromptTooLong"]);
const OVERLOADS = new Set(["Overloaded", "Closed"]);

const encoder = new Encoder({ mapsAsObjects: true, useRecords: false, tagUint8Array: false });
const decoder = new Decoder({ mapsAsObjects: true, useRecords: false });

/** What the endpoints work on. */
export interface EndpointParts {
  readonly clock: Clock;
  readonly calls: Calls;
  readonly deployments: Deployments;
  /** Accepted secrets by proxy token id; null: every pair of two non-empty strings. */
  readonly proxyTokens: Readonly<Record<string, string>> | null;
}

/** What is answered instead of a result. */
class Refusal {
  constructor(
    readonly status: number,
    readonly name: string,
    readonly message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {}
}

/** Modal's proxy stands before the class and speaks no CBOR. */
class ProxyRefusal {
  constructor(readonly status: number, readonly text: string) {}
}

/** One listener for the endpoints of all classes, each at a path of its own. */
export class EndpointServer {
  readonly #parts: EndpointParts;
  #server: Server | null = null;
  #port = 0;

  constructor(parts: EndpointParts) {
    this.#parts = parts;
  }

  /** Where a class is served: what `MODAL_ENDPOINT_URL` must be. */
  urlOf({ app, name }: { readonly app: string; readonly name: string }): string {
    return `http://127.0.0.1:${this.#port}/${encodeURIComponent(app)}/${encodeURIComponent(name)}`;
  }

  /** Listens, on the port that it had before if there was one. */
  async start(): Promise<void> {
    if (this.#server) return;
    const server = createServer((request, response) => void this.#serve(request, response));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    server.listen(this.#port, "127.0.0.1", resolve);
    await promise;
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Ends every connection at once, as a network failure would. */
  killConnections(): void {
    this.#server?.closeAllConnections();
  }

  /** Ends every connection; new ones are refused. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = null;
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    server.closeAllConnections();
    await promise;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const left = new AbortController();
    response.once("close", () => left.abort());
    try {
      const call = await this.#startCall(request);
      await call.settled(NO_TIME_OUT_MS, left.signal, this.#parts.clock);
      if (!call.isSettled) return this.#parts.calls.cancel(call);
      send(response, 200, resultOf(call));
    } catch (error) {
      if (left.signal.aborted) return;
      if (error instanceof Refusal) {
        const { status, name, message, headers } = error;
        send(response, status, encoder.encode({ error: { name, message } }), headers);
      } else {
        const { status, text } = error instanceof ProxyRefusal
          ? error
          : new ProxyRefusal(500, `modal-http: ${error}`);
        response.writeHead(status, { "content-type": "text/plain" }).end(text);
      }
    }
  }

  async #startCall(request: IncomingMessage): Promise<Call> {
    // First of all: what is answered before its body is read waits for seconds to be sent.
    const body = await bodyOf(request);
    const tokenId = this.#authorize(request);
    const [deployment, methodName] = this.#find(request);
    const method = deployment.served.methods[methodName]!;
    const args = decodeArguments(body);
    try {
      bindArguments(methodName, method.parameters, [], args);
    } catch (error) {
      if (error instanceof PythonError) throw new Refusal(422, "BadArgument", error.message);
      throw error;
    }
    const payload = encoder.encode([[], args]);
    return this.#parts.calls.start({ deployment, methodName, method, tokenId }, payload);
  }

  #authorize({ headers }: IncomingMessage): string {
    const [id, secret] = [String(headers["modal-key"] ?? ""), headers["modal-secret"] ?? ""];
    const { proxyTokens } = this.#parts;
    if (!id || !secret) {
      throw new ProxyRefusal(401, "modal-http: missing credentials for proxy authorization");
    }
    if (proxyTokens && proxyTokens[id] !== secret) {
      throw new ProxyRefusal(401, "modal-http: invalid credentials for proxy authorization");
    }
    return id;
  }

  #find({ url, method, headers }: IncomingMessage): [Deployment, string] {
    const [app, name, methodName, ...rest] = (url ?? "").slice(1).split("/").map(
      decoded,
    );
    const deployment = this.#parts.deployments.named(app ?? "", name ?? "");
    if (!deployment) throw new ProxyRefusal(404, "modal-http: invalid function call");
    const { methods } = deployment.served;
    if (
      !methodName || rest.length > 0 || NOT_SERVED.has(methodName) ||
      !Object.hasOwn(methods, methodName)
    ) {
      throw new Refusal(404, "NotServed", "Not Found");
    }
    if (method !== "POST") {
      throw new Refusal(405, "NotServed", "Method Not Allowed", { allow: "POST" });
    }
    if ((headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase() !== CBOR) {
      throw new Refusal(415, "UnsupportedMediaType", `The body must be ${CBOR}`);
    }
    return [deployment, methodName];
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // which names nothing
  }
}

/** The body; null where it is too long. Read to its end all the same. */
async function bodyOf(request: IncomingMessage): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Uint8Array>) {
    length += part.byteLength;
    if (length <= MAX_BODY_BYTES) parts.push(part);
  }
  return length <= MAX_BODY_BYTES ? Buffer.concat(parts) : null;
}

function decodeArguments(body: Uint8Array | null): Record<string, unknown> {
  if (!body) {
    throw new Refusal(413, "BodyTooLarge", `The body must be at most ${MAX_BODY_BYTES} bytes`);
  }
  try {
    const args = decoder.decode(body);
    if (typeof args === "object" && args !== null && !Array.isArray(args)) return args;
  } catch {
    // The same to the caller as what is CBOR, but no map.
  }
  const text = "Cannot answer as the body must be a map of arguments by their names, in CBOR";
  throw new Refusal(422, "BadArgument", text);
}

/** The CBOR of what a settled call returned. */
function resultOf(call: Call): Uint8Array {
  if (call.state.kind !== "finished") throw new ProxyRefusal(500, "modal-http: cancelled");
  const { output } = call.state;
  switch (output.kind) {
    case "success":
      return output.data;
    case "failure": {
      const { name, message } = readRepr(output.exception);
      if (OVERLOADS.has(name)) {
        throw new Refusal(503, name, message, { "retry-after": String(RETRY_AFTER_S) });
      }
      throw new Refusal(REFUSALS.has(name) ? 422 : 500, name, message);
    }
    case "timeout":
    case "internalFailure":
      throw new ProxyRefusal(500, `modal-http: ${output.exception}`);
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": CBOR, ...headers }).end(body);
}
