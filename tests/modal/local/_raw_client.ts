/**
 * A bare gRPC caller over `fetch`, for what the SDK would hide: statuses, keys, metadata.
 *
 * @module
 */
import { Decoder, Encoder } from "cbor-x";
import { MODAL_CODECS, type ModalMethod } from "../../../inference/modal_messages.ts";

const CBOR_OPTIONS = { mapsAsObjects: true, useRecords: false, tagUint8Array: false };
const encoder = new Encoder(CBOR_OPTIONS);
const decoder = new Decoder(CBOR_OPTIONS);

const PREFIX_BYTES = 5;
const CONTROL_TIMEOUT_S = 10;

/** What the tests read of answers, whichever RPC gave them. */
// deno-lint-ignore no-explicit-any
export type Answer = any;

/** A gRPC status other than OK. */
export class StatusError extends Error {
  constructor(readonly code: number, message: string) {
    super(message);
  }
}

/** Where a call goes and what goes with it. */
export interface RawOptions {
  readonly url?: string;
  readonly metadata?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** Calls RPCs of one server, logged in or not. */
export class RawClient implements Disposable {
  metadata: Record<string, string> = { "x-modal-token-id": "ak-1", "x-modal-token-secret": "as-1" };
  readonly #url: string;
  readonly #http = Deno.createHttpClient({ http1: false, http2: true });

  constructor(url: string) {
    this.#url = url;
  }

  [Symbol.dispose](): void {
    this.#http.close();
  }

  /** Sends one message to a path; answers the body's bytes. */
  async post(path: string, body: Uint8Array, options: RawOptions = {}): Promise<Uint8Array> {
    const response = await fetch(`${options.url ?? this.#url}${path}`, {
      client: this.#http,
      method: "POST",
      headers: {
        "content-type": "application/grpc+proto",
        te: "trailers",
        ...this.metadata,
        ...options.metadata,
      },
      body: body as Uint8Array<ArrayBuffer>,
      signal: options.signal ?? null,
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const status = response.headers.get("grpc-status");
    if (status === null) return bytes;
    const message = decodeURIComponent(response.headers.get("grpc-message") ?? "");
    throw new StatusError(Number(status), message);
  }

  /** One RPC. */
  async rpc(
    method: ModalMethod,
    request: Record<string, unknown> = {},
    options?: RawOptions,
  ): Promise<Answer> {
    const codec = MODAL_CODECS[method];
    const answer = await this.post(codec.path, framed(codec.request.encode(request)), options);
    return codec.response.decode(answer.subarray(PREFIX_BYTES));
  }

  /** Logs in; later calls carry the JWT. */
  async login(): Promise<string> {
    const { token } = await this.rpc("authTokenGet");
    this.metadata = { ...this.metadata, "x-modal-auth-token": token };
    return token;
  }

  /** The function id of a class, after a login. */
  async open(app = "app", className = "Counter"): Promise<string> {
    await this.login();
    return (await this.look(app, className)).functionId;
  }

  /** `FunctionGet`. */
  look(appName: string, className: string, environmentName = ""): Promise<Answer> {
    return this.rpc("functionGet", { appName, objectTag: `${className}.*`, environmentName });
  }

  /** `FunctionMap`; answers its response. */
  map(functionId: string, methodName: string, input: CallInput, options?: RawOptions) {
    return this.rpc("functionMap", {
      functionId,
      pipelinedInputs: [{ idx: 0, input: functionInput(methodName, input) }],
    }, options);
  }

  /** `FunctionGetOutputs`; answers the first output, if there is one in time. */
  async output(functionCallId: string, timeout = CONTROL_TIMEOUT_S): Promise<Answer> {
    const answer = await this.rpc("functionGetOutputs", { functionCallId, maxValues: 1, timeout });
    return answer.outputs[0];
  }

  /** Calls a method and waits for its output. */
  async call(functionId: string, methodName: string, input: CallInput): Promise<Answer> {
    return await this.output((await this.map(functionId, methodName, input)).functionCallId);
  }
}

/** Arguments of a call. */
export interface CallInput {
  readonly args?: readonly unknown[];
  readonly kwargs?: Record<string, unknown>;
  /** Instead of `args` and `kwargs`, encoded and uploaded before. */
  readonly blobId?: string;
}

/** `FunctionInput`. */
export function functionInput(methodName: string, input: CallInput): Record<string, unknown> {
  const { args = [], kwargs = {}, blobId } = input;
  const data = blobId ? { argsBlobId: blobId } : { args: encoder.encode([args, kwargs]) };
  return { ...data, dataFormat: 4, methodName };
}

/** CBOR of `value`. */
export function toCbor(value: unknown): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(encoder.encode(value));
}

/** The value of a successful output. */
export function valueOf(output: Answer): Answer {
  return decoder.decode(output.result.data);
}

/** A gRPC message with its prefix. */
export function framed(message: Uint8Array): Uint8Array {
  const body = new Uint8Array(PREFIX_BYTES + message.byteLength);
  new DataView(body.buffer).setUint32(1, message.byteLength);
  body.set(message, PREFIX_BYTES);
  return body;
}
