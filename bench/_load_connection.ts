/**
 * One client of the load: a raw TCP connection that sends the same frame again and again.
 *
 * @module
 */
import { AckLedger } from "./_ack_ledger.ts";
import { encodeClose, OPCODE, ServerMessages, upgradeRequest } from "./_websocket.ts";

const READ_BUFFER_BYTES = 64 * 1024;
const SWITCHING_PROTOCOLS = "HTTP/1.1 101 ";
const END_OF_HEAD = "\r\n\r\n";
/** A server that does not end a connection for so long is left alone. */
const CLOSE_TIMEOUT_MS = 2000;

/** Where to connect. */
export interface LoadTarget {
  /** `http://host:port/path` of the stream. */
  readonly url: string;
  /** Sent with the handshake: who we are. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What one connection is to send. */
export interface LoadPlan {
  readonly frames: number;
  /** Size of one frame, without its WebSocket header. */
  readonly frameBytes: number;
  /** Frames that may be unacknowledged at a time. */
  readonly window: number;
  /** `window` encoded frames one after another, so that several leave with one write. */
  readonly encoded: Uint8Array;
  /** Hears of each ack how long it took, in milliseconds since its frame was given to the socket. */
  readonly acked: (ms: number) => void;
}

/** An open connection. It serves one plan. */
export class LoadConnection {
  readonly #tcp: Deno.TcpConn;
  readonly #buffer = new Uint8Array(READ_BUFFER_BYTES);
  readonly #messages = new ServerMessages();
  readonly #decoder = new TextDecoder();
  #isClosed = false;
  #wakeWriter: () => void = () => {};

  private constructor(tcp: Deno.TcpConn) {
    this.#tcp = tcp;
  }

  /**
   * Connects and upgrades.
   *
   * @throws {Error} if the server refuses, with what it says
   */
  static async open({ url, headers }: LoadTarget): Promise<LoadConnection> {
    const address = new URL(url);
    const tcp = await Deno.connect({ hostname: address.hostname, port: Number(address.port) });
    const connection = new LoadConnection(tcp);
    try {
      // With Nagle on, the last piece of a frame waits for the peer's delayed TCP ack, 40 ms.
      tcp.setNoDelay(true);
      await connection.#writeAll(upgradeRequest(address, headers));
      await connection.#readUpgrade();
      return connection;
    } catch (error) {
      connection.abort();
      throw error;
    }
  }

  /**
   * Sends the frames and checks the acks; resolves with the last.
   *
   * @throws {Error} if an ack is wrong, or the server ends the connection
   */
  async run(plan: LoadPlan): Promise<AckLedger> {
    const ledger = new AckLedger(plan.frameBytes);
    const sentAtMs = new Float64Array(plan.window);
    const writing = this.#sendFrames(plan, ledger, sentAtMs);
    await Promise.all([writing, this.#hearAcks(plan, ledger, sentAtMs)]);
    return ledger;
  }

  /** Leaves as the protocol asks, so that the server's stream ends in order. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    const timer = setTimeout(() => this.abort(), CLOSE_TIMEOUT_MS);
    try {
      await this.#writeAll(encodeClose());
      while (await this.#tcp.read(this.#buffer) !== null);
    } catch {
      // The server was faster, or too slow.
    } finally {
      clearTimeout(timer);
      this.abort();
    }
  }

  /** Lets go at once; whatever waits on this connection rejects. */
  abort(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#tcp.close();
    this.#wakeWriter();
  }

  async #sendFrames(plan: LoadPlan, ledger: AckLedger, sentAtMs: Float64Array): Promise<void> {
    const { frames, window, encoded } = plan;
    const encodedFrameBytes = encoded.byteLength / window;
    for (let sent = 0; sent < frames;) {
      const count = Math.min(frames - sent, window - (sent - ledger.acked));
      if (count === 0) {
        await new Promise<void>((resolve) => this.#wakeWriter = resolve);
        if (this.#isClosed) return;
        continue;
      }
      const nowMs = performance.now();
      for (let each = 0; each < count; each++) sentAtMs[sent++ % window] = nowMs;
      await this.#writeAll(encoded.subarray(0, count * encodedFrameBytes));
    }
  }

  async #hearAcks(plan: LoadPlan, ledger: AckLedger, sentAtMs: Float64Array): Promise<void> {
    while (ledger.acked < plan.frames) {
      const piece = await this.#readPiece();
      const nowMs = performance.now();
      for (const { opcode, payload } of this.#messages.read(piece)) {
        // No pong: a server pings where nothing comes, and here frames do.
        if (opcode === OPCODE.ping) continue;
        const text = this.#decoder.decode(payload);
        if (opcode !== OPCODE.text) {
          throw new Error(`The server ended the stream: ${text.slice(2)}`);
        }
        const frame = ledger.acked;
        if (ledger.take(text)) plan.acked(nowMs - sentAtMs[frame % plan.window]!);
      }
      this.#wakeWriter();
    }
  }

  async #readUpgrade(): Promise<void> {
    let head = "";
    while (!head.includes(END_OF_HEAD)) head += this.#decoder.decode(await this.#readPiece());
    // No server speaks before the client does on this wire, so nothing follows the head.
    if (head.startsWith(SWITCHING_PROTOCOLS)) return;
    throw new Error(`Cannot open a stream as the server answered ${head.split("\r\n")[0]}`);
  }

  async #readPiece(): Promise<Uint8Array> {
    const length = await this.#tcp.read(this.#buffer);
    if (length === null) throw new Error("The server ended the connection");
    return this.#buffer.subarray(0, length);
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength;) at += await this.#tcp.write(bytes.subarray(at));
  }
}
