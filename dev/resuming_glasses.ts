/**
 * Glasses that lose nothing: over `foresight.v2` they keep every frame until a result accounts for
 * it, come back to their session after a lost connection, and send again what was lost with it.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { connectGlasses, type Ending, type Glasses } from "./glasses.ts";

/** As a phone knows it: from the contract, not from the server's code. */
const PROTOCOL_V2 = "foresight.v2";
/** A phone has so much memory for frames that no result accounts for. */
const MAX_KEPT_FRAMES = 600;
/** The network may have been lost on the way. */
const HANDSHAKE_TIMEOUT_MS = 5_000;
/** A server that acknowledges nothing for so long is not there, whatever the socket says. */
const ANSWER_TIMEOUT_MS = 5_000;
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;
/** Frames are sent again at so much of the rate that the server takes, beside those that are new. */
const RESEND_SHARE = 0.8;

/** Any message of the server. */
export type Message = Readonly<Record<string, unknown>> & { readonly type: string };

/** What a client remembers of its session. */
export interface Remembered {
  readonly session: string;
  readonly resume: string;
}

/** What happens on the line. Connections count from 1, and frames of the footage too. */
export type LineEvent =
  | { readonly kind: "connecting"; readonly claim: Claimed | null }
  /** `number` is the frame as the server counts it. */
  | { readonly kind: "sent"; readonly number: number; readonly footage: number }
  | { readonly kind: "heard"; readonly message: Message }
  | { readonly kind: "ended"; readonly code: number; readonly reason: string };

/** What a connection asked to go on with. */
export interface Claimed {
  readonly session: string;
  readonly cursor: number;
}

/** What they are made of. */
export interface ResumingOptions {
  /** Where to connect next: the same server, or another on the same database. */
  readonly nextUrl: () => string;
  readonly magicWord: string;
  readonly clock: Clock;
  /** Hears all that happens on connection `connection`. */
  readonly onEvent?: (connection: number, event: LineEvent) => void;
}

interface Kept {
  /** Its place in the footage, from 1. */
  readonly footage: number;
  readonly bytes: Uint8Array;
  readonly capturedAtMs: number;
  /** As the server counts it; null: it is still to be sent. */
  number: number | null;
}

/** One connection, from the moment it is tried. */
interface Line {
  readonly id: number;
  /** Resolves when the client takes the connection for lost, whatever the network says. */
  readonly givenUp: Promise<Ending>;
  giveUp(): void;
  glasses: Glasses | null;
  isGreeted: boolean;
  /** When the first frame was sent that nothing has been heard behind; null: there is none. */
  unansweredSinceMs: number | null;
}

/** One wearer's glasses, over as many connections as it takes. */
export class ResumingGlasses {
  /** Results that were heard in this session; each counts once. */
  cursor = 0;
  /** Frames that were given up because too many were kept. */
  forgotten = 0;
  connections = 0;
  /** Sessions that began anew though the client wanted to go on. */
  lostSessions = 0;
  remembered: Remembered | null = null;
  readonly #options: ResumingOptions;
  readonly #abandoned: Glasses[] = [];
  #line: Line | null = null;
  #kept: Kept[] = [];
  #footage = 0;
  #next = 1;
  #maxFps = 0;
  #permits = 0;
  #filledAtMs = 0;
  #isPumping = false;
  #leaving: "no" | "asked" | "said" = "no";
  #isOver = false;

  constructor(options: ResumingOptions) {
    this.#options = options;
  }

  /** Frames that no result accounts for yet. */
  get unaccounted(): number {
    return this.#kept.length;
  }

  /** Frames given to {@link send} so far. */
  get footage(): number {
    return this.#footage;
  }

  /** Connects, and goes on connecting until {@link leave} is answered. */
  async run(): Promise<void> {
    let failures = 0;
    while (!this.#isOver) {
      const line = this.#createLine();
      try {
        line.glasses = await this.#connect(line);
        if (this.#isOver) line.glasses.vanish();
        // Where hello came with the handshake, nothing could be sent yet.
        this.#pump();
        const { code, reason } = await this.#ending(line, line.glasses);
        failures = line.isGreeted ? 0 : failures + 1;
        this.#tell(line, { kind: "ended", code, reason });
        if (this.#leaving === "said" && code === 1000) this.#isOver = true;
      } catch (error) {
        failures++;
        this.#tell(line, { kind: "ended", code: 0, reason: String(error) });
      }
      this.#line = null;
      if (this.#leaving === "said") this.#leaving = "asked";
      if (!this.#isOver) await this.#pause(failures);
    }
    for (const glasses of this.#abandoned) glasses.vanish();
  }

  /** Sends a frame, now or when there is a connection again. */
  send(bytes: Uint8Array): void {
    const capturedAtMs = this.#options.clock.epochMs();
    this.#kept.push({ footage: ++this.#footage, bytes, capturedAtMs, number: null });
    if (this.#kept.length > MAX_KEPT_FRAMES) {
      this.#kept.shift();
      this.forgotten++;
    }
    this.#pump();
  }

  /** Cuts the connection, as a lift does. */
  cut(): void {
    this.#line?.glasses?.vanish();
  }

  /** Takes the connection for lost and makes another; the old one stays as it is: half-open. */
  giveUp(): void {
    if (!this.#line?.glasses) return;
    this.#line.glasses.pause();
    this.#abandoned.push(this.#line.glasses);
    this.#line.giveUp();
  }

  /** Says goodbye when all frames are sent, and hears what is still to come. */
  leave(): void {
    if (this.#leaving === "no") this.#leaving = "asked";
    this.#pump();
  }

  /** Leaves at once, without a word. */
  stop(): void {
    this.#isOver = true;
    this.cut();
  }

  #createLine(): Line {
    const { promise: givenUp, resolve } = Promise.withResolvers<Ending>();
    const giveUp = () => resolve({ code: 0, reason: "given up by the client" });
    const id = ++this.connections;
    const fresh = { glasses: null, isGreeted: false, unansweredSinceMs: null };
    return this.#line = { id, givenUp, giveUp, ...fresh };
  }

  async #connect(line: Line): Promise<Glasses> {
    const { nextUrl, magicWord } = this.#options;
    const { remembered, cursor } = this;
    const claim = remembered && { session: remembered.session, cursor };
    this.#tell(line, { kind: "connecting", claim });
    return await connectGlasses(nextUrl(), {
      magicWord,
      protocol: PROTOCOL_V2,
      handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
      query: remembered ? { ...remembered, cursor: String(cursor) } : {},
      onAck: (message) => this.#hear(line, message as unknown as Message),
    });
  }

  /** A server that does not even greet is as good as none. */
  async #ending(line: Line, glasses: Glasses): Promise<Ending> {
    const cancel = this.#options.clock.after(HANDSHAKE_TIMEOUT_MS, () => {
      if (!line.isGreeted) glasses.vanish();
    });
    return await Promise.race([glasses.ended, line.givenUp]).finally(cancel);
  }

  #hear(line: Line, message: Message): void {
    this.#tell(line, { kind: "heard", message });
    line.unansweredSinceMs = null;
    // What a connection says that was given up comes again over the next one.
    if (this.#line !== line) return;
    switch (message.type) {
      case "hello":
        return this.#greeted(line, message);
      case "ack":
        // Told honestly, so there is nothing to be made good.
        if (message.status !== "queued") this.#forget(({ number }) => number === message.frame);
        return;
      case "result":
        this.cursor = Math.max(this.cursor, Number(message.cursor));
        this.#forget(({ number }) => number !== null && number <= Number(message.frame));
    }
  }

  /** What the server does not answer for is to be sent again, and counted on from there. */
  #greeted(line: Line, hello: Message): void {
    const session = String(hello.session);
    const isNew = this.remembered?.session !== session;
    if (isNew && this.remembered) this.lostSessions++;
    if (isNew) this.cursor = 0;
    this.remembered = { session, resume: String(hello.resume) };
    const accounted = Number(hello.frame);
    for (const kept of this.#kept) {
      // What is accounted for stays until its result has been heard.
      if (isNew || (kept.number ?? Infinity) > accounted) kept.number = null;
    }
    this.#next = accounted + 1;
    this.#maxFps = Number((hello.limits as Record<string, unknown>).max_fps);
    this.#permits = this.#maxFps;
    this.#filledAtMs = this.#options.clock.monotonicMs();
    line.isGreeted = true;
    this.#pump();
  }

  #forget(isSettled: (kept: Kept) => boolean): void {
    this.#kept = this.#kept.filter((kept) => !isSettled(kept));
  }

  /** Sends what is still to be sent, no faster than the server takes it. */
  #pump(): void {
    if (this.#isPumping) return;
    for (const kept of this.#kept) {
      if (kept.number !== null) continue;
      if (!this.#line?.isGreeted || !this.#line.glasses) return;
      if (!this.#takePermit()) return this.#pumpLater();
      kept.number = this.#next++;
      this.#transmit(this.#line, kept);
    }
    this.#sayBye();
  }

  #sayBye(): void {
    if (this.#leaving !== "asked" || !this.#line?.isGreeted || !this.#line.glasses) return;
    this.#leaving = "said";
    this.#line.glasses.send(JSON.stringify({ type: "bye" }));
  }

  #takePermit(): boolean {
    if (this.#maxFps === 0) return true;
    const nowMs = this.#options.clock.monotonicMs();
    const filled = this.#permits + (nowMs - this.#filledAtMs) * this.#maxFps * RESEND_SHARE / 1000;
    this.#filledAtMs = nowMs;
    this.#permits = Math.min(this.#maxFps, filled);
    if (this.#permits < 1) return false;
    this.#permits--;
    return true;
  }

  #pumpLater(): void {
    this.#isPumping = true;
    this.#options.clock.after(1000 / this.#maxFps, () => {
      this.#isPumping = false;
      this.#pump();
    });
  }

  #transmit(line: Line, { bytes, capturedAtMs, number, footage }: Kept): void {
    this.#tell(line, { kind: "sent", number: number!, footage });
    line.glasses!.send(JSON.stringify({ type: "frame", captured_at_ms: capturedAtMs }));
    line.glasses!.send(bytes);
    const nowMs = this.#options.clock.monotonicMs();
    line.unansweredSinceMs ??= nowMs;
    if (nowMs - line.unansweredSinceMs > ANSWER_TIMEOUT_MS) line.glasses!.vanish();
  }

  #tell(line: Line, event: LineEvent): void {
    this.#options.onEvent?.(line.id, event);
  }

  #pause(failures: number): Promise<void> {
    const delayMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
    return new Promise((resolve) => void this.#options.clock.after(delayMs, resolve));
  }
}
