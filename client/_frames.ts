/**
 * The books of frames: which wait, which are on their way, and what became of the others. Each frame
 * that was given comes to exactly one end (SPEC S2, S3, S4).
 *
 * @module
 */
import type { Ack } from "./messages.ts";

/** How many frames of each kind may be kept. */
export interface FrameBounds {
  /** Frames that wait to be sent; the newest stay. */
  readonly maxWaiting: number;
  /** Frames that were sent and may have to be sent again: so many, and so many bytes of them. */
  readonly maxKept: number;
  readonly maxKeptBytes: number;
  /** What becomes of frames that were lost with a connection. */
  readonly lostFrames: "again" | "count";
}

/** A frame that was given and never described. */
export interface Loss {
  /**
   * `overtaken`: newer ones came before it could be sent. `too_large`: the server does not take it.
   * `lost`: with a connection, and not sent again.
   */
  readonly kind: "overtaken" | "too_large" | "lost";
  /** As `send` numbered it. */
  readonly given: number;
  readonly capturedAtMs: number;
}

/** How many frames came to which end. `given` is the sum of those below it. */
export interface FrameCounts {
  /** Frames that were sent, each time that they were. */
  readonly sent: number;
  readonly given: number;
  /** Results account for them. */
  readonly accounted: number;
  readonly skipped: number;
  readonly dropped: number;
  readonly overtaken: number;
  readonly too_large: number;
  readonly lost: number;
  /** Still to be sent, again or for the first time. */
  readonly waiting: number;
  /** Sent, and no result accounts for them yet. */
  readonly unaccounted: number;
}

/** A frame in the books. */
export interface Kept {
  readonly given: number;
  readonly capturedAtMs: number;
  /** Null: let go of, as too much was kept. */
  bytes: Uint8Array<ArrayBuffer> | null;
  /** As the server counts it; null: to be sent. */
  number: number | null;
  sentAtMs: number;
  isAcked: boolean;
}

type End = "accounted" | "skipped" | "dropped" | Loss["kind"];

/** All frames of one wearer. */
export class FrameBook {
  readonly #bounds: FrameBounds;
  readonly #tell: (loss: Loss) => void;
  readonly #ends: Record<End, number> = {
    accounted: 0,
    skipped: 0,
    dropped: 0,
    overtaken: 0,
    too_large: 0,
    lost: 0,
  };
  /** In the order in which they were given: on their way, to be sent again, never sent. */
  #sent: Kept[] = [];
  #again: Kept[] = [];
  #fresh: Kept[] = [];
  #given = 0;
  #sends = 0;
  #next = 1;
  #unacked = 0;

  constructor(bounds: FrameBounds, tell: (loss: Loss) => void) {
    this.#bounds = bounds;
    this.#tell = tell;
  }

  /** Frames sent over this connection that it has not acknowledged. */
  get unacked(): number {
    return this.#unacked;
  }

  get hasWaiting(): boolean {
    return this.next() !== null;
  }

  get counts(): FrameCounts {
    return {
      sent: this.#sends,
      given: this.#given,
      ...this.#ends,
      waiting: this.#again.length + this.#fresh.length,
      unaccounted: this.#sent.length,
    };
  }

  /** A new frame; {@link trim} decides later whether it may wait. */
  give(bytes: Uint8Array<ArrayBuffer>, capturedAtMs: number): number {
    const given = ++this.#given;
    this.#fresh.push({ given, bytes, capturedAtMs, number: null, sentAtMs: 0, isAcked: false });
    return given;
  }

  /** The newest frame comes too late: nothing is sent any more. */
  loseNewest(): void {
    const newest = this.#fresh.pop();
    if (newest) this.#lose("lost", newest);
  }

  /** The frame that goes next; null: none waits. */
  next(): Kept | null {
    return this.#again[0] ?? this.#fresh[0] ?? null;
  }

  /** The next frame goes out now, under its number. */
  take(nowMs: number): number {
    const kept = (this.#again.length > 0 ? this.#again : this.#fresh).shift()!;
    this.#sent.push(Object.assign(kept, { number: this.#next, sentAtMs: nowMs, isAcked: false }));
    this.#sends++;
    this.#unacked++;
    this.#forgetBytes();
    return this.#next++;
  }

  /** The next frame is larger than the server takes. */
  refuseNext(): void {
    this.#lose("too_large", (this.#again.length > 0 ? this.#again : this.#fresh).shift()!);
  }

  /** The connection ended on a frame that is too large: the first that was not acknowledged. */
  refuseUnacked(): void {
    const at = this.#sent.findIndex(({ isAcked }) => !isAcked);
    if (at !== -1) this.#lose("too_large", ...this.#sent.splice(at, 1));
  }

  /** What may not wait any longer is overtaken by what is newer. */
  trim(): void {
    const over = this.#fresh.length - this.#bounds.maxWaiting;
    if (over > 0) this.#lose("overtaken", ...this.#fresh.splice(0, over));
  }

  /** The frame that it is about; null: none that is known. */
  ack({ frame, status }: Ack): Kept | null {
    this.#unacked = Math.max(0, this.#unacked - 1);
    const at = this.#sent.findIndex(({ number }) => number === frame);
    const kept = this.#sent[at];
    if (!kept) return null;
    kept.isAcked = true;
    // Told honestly, so there is nothing to be made good.
    if (status !== "queued") {
      this.#sent.splice(at, 1);
      this.#ends[status]++;
    }
    return kept;
  }

  /** Results account for all up to `frame`. */
  account(frame: number): void {
    while (this.#sent[0] && this.#sent[0].number! <= frame) {
      this.#sent.shift();
      this.#ends.accounted++;
    }
  }

  /**
   * A connection begins. What the server does not answer for is to be sent again, and counted on from
   * there; what it answers for stays until its result is heard.
   */
  greet(frame: number, isNewSession: boolean): void {
    const isKnown = ({ number }: Kept) => !isNewSession && number! <= frame;
    const missing = this.#sent.filter((kept) => !isKnown(kept));
    this.#sent = this.#sent.filter(isKnown);
    for (const kept of this.#sent) kept.isAcked = true;
    const mayAgain = this.#bounds.lostFrames === "again";
    const again = missing.filter(({ bytes }) => mayAgain && bytes !== null);
    this.#lose("lost", ...missing.filter((kept) => !again.includes(kept)));
    for (const kept of again) kept.number = null;
    this.#again = [...again, ...this.#again];
    this.#next = frame + 1;
    this.#unacked = 0;
  }

  /** Nothing more will be heard. */
  close(): void {
    this.#lose("lost", ...this.#sent, ...this.#again, ...this.#fresh);
    this.#sent = [];
    this.#again = [];
    this.#fresh = [];
  }

  #lose(kind: Loss["kind"], ...frames: Kept[]): void {
    for (const { given, capturedAtMs } of frames) {
      this.#ends[kind]++;
      this.#tell({ kind, given, capturedAtMs });
    }
  }

  /** The oldest are let go of first: they are the likeliest to be described already. */
  #forgetBytes(): void {
    const held = this.#sent.filter(({ bytes }) => bytes !== null);
    let bytes = held.reduce((sum, kept) => sum + kept.bytes!.byteLength, 0);
    let count = held.length + this.#again.length;
    bytes += this.#again.reduce((sum, kept) => sum + kept.bytes!.byteLength, 0);
    for (const kept of held) {
      if (count <= this.#bounds.maxKept && bytes <= this.#bounds.maxKeptBytes) return;
      bytes -= kept.bytes!.byteLength;
      count--;
      kept.bytes = null;
    }
  }
}
