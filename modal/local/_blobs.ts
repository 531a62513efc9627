/**
 * Arguments and results too large for a message: PUT to and GET from an HTTP server of their own,
 * as Modal does with S3.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { GRPC_STATUS, GrpcStatusError } from "./_grpc_status.ts";
import { newId } from "./_ids.ts";

/** What is never fetched is dropped from here on, the oldest first. */
const MAX_BLOBS = 256;
const MAX_BLOB_BYTES = 100 * 1024 * 1024;

type Blob =
  | { readonly kind: "awaited"; readonly contentMd5: string; readonly lengthBytes: number }
  | { readonly kind: "stored"; readonly bytes: Uint8Array };

/** The blobs of one stand-in. A blob is gone once it was used. */
export class BlobStore {
  readonly #blobs = new Map<string, Blob>();
  readonly #closing = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** Listens at once, on a free port of 127.0.0.1. */
  constructor() {
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      signal: this.#closing.signal,
      onListen: () => {},
      // An upload that breaks off is the client's trouble, not a line on our console.
      onError: () => respond(400),
    }, (request, info) => this.#serve(request, info));
  }

  /** How many blobs are held. */
  get size(): number {
    return this.#blobs.size;
  }

  /**
   * Makes room for an upload.
   *
   * @param contentMd5 base64, as the header `Content-MD5` will carry it
   * @throws {GrpcStatusError} invalid argument when it is too large
   */
  create(contentMd5: string, lengthBytes: number): { blobId: string; uploadUrl: string } {
    if (!(lengthBytes >= 0 && lengthBytes <= MAX_BLOB_BYTES)) {
      const text = `Cannot create blob as content_length must be 0 to ${MAX_BLOB_BYTES}: ` +
        `current value is ${lengthBytes}`;
      throw new GrpcStatusError(GRPC_STATUS.invalidArgument, text);
    }
    const blobId = this.#keep({ kind: "awaited", contentMd5, lengthBytes });
    return { blobId, uploadUrl: this.#urlOf(blobId) };
  }

  /** Stores bytes for download; answers their blob id. */
  put(bytes: Uint8Array): string {
    return this.#keep({ kind: "stored", bytes });
  }

  /**
   * Where a stored blob can be fetched, once.
   *
   * @throws {GrpcStatusError} not found
   */
  downloadUrl(blobId: string): string {
    this.#stored(blobId);
    return this.#urlOf(blobId);
  }

  /**
   * The bytes of an uploaded blob, which is gone with that.
   *
   * @throws {GrpcStatusError} not found
   */
  take(blobId: string): Uint8Array {
    const { bytes } = this.#stored(blobId);
    this.#blobs.delete(blobId);
    return bytes;
  }

  /** Stops listening, ends transfers under way and drops every blob. */
  async close(): Promise<void> {
    this.#blobs.clear();
    this.#closing.abort();
    await this.#server.finished;
  }

  #keep(blob: Blob): string {
    const oldest = this.#blobs.size >= MAX_BLOBS ? this.#blobs.keys().next().value : undefined;
    if (oldest !== undefined) this.#blobs.delete(oldest);
    const blobId = newId("bl");
    this.#blobs.set(blobId, blob);
    return blobId;
  }

  #stored(blobId: string): Extract<Blob, { kind: "stored" }> {
    const blob = this.#blobs.get(blobId);
    if (blob?.kind === "stored") return blob;
    throw new GrpcStatusError(GRPC_STATUS.notFound, `Blob ${blobId} not found`);
  }

  #urlOf(blobId: string): string {
    return `http://127.0.0.1:${this.#server.addr.port}/${blobId}`;
  }

  async #serve(request: Request, info: Deno.ServeHandlerInfo): Promise<Response> {
    const blobId = new URL(request.url).pathname.slice(1);
    const blob = this.#blobs.get(blobId);
    if (request.method === "PUT" && blob?.kind === "awaited") {
      return await this.#upload(request, blobId, blob);
    }
    await request.body?.cancel();
    if (request.method === "GET" && blob?.kind === "stored") {
      info.completed.then(() => this.#blobs.delete(blobId), () => {});
      return respond(200, blob.bytes);
    }
    return respond(404);
  }

  async #upload(
    request: Request,
    blobId: string,
    awaited: Extract<Blob, { kind: "awaited" }>,
  ): Promise<Response> {
    if (Number(request.headers.get("content-length")) !== awaited.lengthBytes) {
      await request.body?.cancel();
      return respond(400);
    }
    const bytes = new Uint8Array(await request.arrayBuffer());
    const md5 = createHash("md5").update(bytes).digest("base64");
    const matches = md5 === awaited.contentMd5 && request.headers.get("content-md5") === md5;
    if (!matches) return respond(400);
    this.#blobs.set(blobId, { kind: "stored", bytes });
    // S3 says 200, but the SDK never reads that answer's body: with 204 there is none to be left.
    return respond(204);
  }
}

function respond(status: number, body: Uint8Array | null = null): Response {
  return new Response(body as BodyInit | null, { status });
}
