/**
 * Lets frames out no faster than the server takes them and the network carries them.
 *
 * @module
 */
import type { FrameBook } from "./_frames.ts";
import type { Line } from "./_line.ts";
import { Pace } from "./_pace.ts";
import type { Limits } from "./messages.ts";
import type { Clock } from "./platform.ts";

/** Below the server's limit, as the network delivers in bursts. */
const RATE_SHARE = 0.8;
/** Nothing says when a socket's buffer is empty. */
const BUFFER_LOOK_MS = 20;

/** How much may be under way. */
export interface SendBounds {
  /** Frames that the server has not acknowledged. */
  readonly maxUnacked: number;
  /** Bytes in the socket that the network has not taken; one frame may always go. */
  readonly maxBufferedBytes: number;
}

/** Sends the frames of a book over the connection that stands. */
export class Sender {
  readonly #clock: Clock;
  readonly #book: FrameBook;
  readonly #bounds: SendBounds;
  readonly #sent: (number: number, given: number) => void;
  #line: Line | null = null;
  #pace: Pace;
  #maxBytes = 0;
  #isHeld = false;
  #cancelLook: () => void = () => {};

  /** @param sent hears of each frame as it goes out */
  constructor(
    clock: Clock,
    book: FrameBook,
    bounds: SendBounds,
    sent: (number: number, given: number) => void,
  ) {
    this.#clock = clock;
    this.#book = book;
    this.#bounds = bounds;
    this.#sent = sent;
    this.#pace = new Pace(clock, 0, 0);
  }

  /** Frames may go out over this connection. */
  open(line: Line, { max_fps, max_frame_bytes }: Limits): void {
    this.#line = line;
    this.#isHeld = false;
    this.#maxBytes = max_frame_bytes;
    this.#pace = new Pace(this.#clock, max_fps * RATE_SHARE, max_fps);
  }

  /** The server goes away and would drop them: they wait for the next connection. */
  hold(): void {
    this.#isHeld = true;
  }

  /** There is no connection. */
  close(): void {
    this.#line = null;
    this.#cancelLook();
  }

  /** Sends what may go now. */
  pump(): void {
    this.#cancelLook();
    const waitMs = this.#sendAll();
    if (waitMs > 0) this.#cancelLook = this.#clock.after(waitMs, () => this.pump());
    this.#book.trim();
  }

  /** Milliseconds until it is worth looking again; 0: something else will say so. */
  #sendAll(): number {
    const line = this.#line;
    if (!line?.isReady || this.#isHeld) return 0;
    for (let kept = this.#book.next(); kept; kept = this.#book.next()) {
      const bytes = kept.bytes!;
      if (this.#maxBytes > 0 && bytes.byteLength > this.#maxBytes) {
        this.#book.refuseNext();
        continue;
      }
      if (this.#book.unacked >= this.#bounds.maxUnacked) return 0;
      const buffered = line.bufferedBytes;
      if (buffered > 0 && buffered + bytes.byteLength > this.#bounds.maxBufferedBytes) {
        return BUFFER_LOOK_MS;
      }
      const waitMs = this.#pace.take();
      if (waitMs > 0) return waitMs;
      const { given, capturedAtMs } = kept;
      this.#sent(this.#book.take(this.#clock.monotonicMs()), given);
      line.send(JSON.stringify({ type: "frame", captured_at_ms: capturedAtMs }));
      line.send(bytes);
    }
    return 0;
  }
}
