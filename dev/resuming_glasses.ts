/**
 * Glasses that lose nothing: over `foresight.v2` they keep every frame until a result accounts for
 * it, come back to their session after a lost connection, and send again what was lost with it.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { connectGlasses, type Glasses } from "./glasses.ts";

/** As a phone knows it: from the contract, not from the server's code. */
const PROTOCOL_V2 = "foresight.v2";
/** A phone has so much memory for frames that no result accounts for. */
const MAX_KEPT_FRAMES = 600;
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;

/** Any message of the server. */
export type Message = Readonly<Record<string, unknown>> & { readonly type: string };

/** What they are made of. */
export interface ResumingOptions {
  /** Where to connect next: the same server, or another on the same database. */
  readonly nextUrl: () => string;
  readonly magicWord: string;
  readonly clock: Clock;
  /** Hears each message as it comes. */
  readonly onMessage?: (message: Message) => void;
}

/** A result as it came. */
export interface Result extends Message {
  readonly cursor: number;
  /** The newest frame that is accounted for with it. */
  readonly frame: number;
  readonly frames: number;
  readonly chunk_start_s: number;
  readonly chunk_end_s: number;
}

interface Kept {
  /** As the server counts it. */
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly capturedAtMs: number;
}

type Connection =
  | { readonly kind: "none" }
  | { readonly kind: "greeting"; readonly glasses: Glasses }
  | { readonly kind: "open"; readonly glasses: Glasses };

/** One wearer's glasses, over as many connections as it takes. */
export class ResumingGlasses {
  readonly results: Result[] = [];
  /** Frames by what their newest ack said: `queued`, `skipped`, `dropped busy`, ... */
  readonly fates = new Map<number, string>();
  /** Frames that were given up because too many were kept. */
  forgotten = 0;
  connections = 0;
  /** Sessions that began anew though the client wanted to go on. */
  lostSessions = 0;
  readonly #options: ResumingOptions;
  #connection: Connection = { kind: "none" };
  #remembered: { session: string; resume: string } | null = null;
  #kept: Kept[] = [];
  #next = 1;
  #isLeaving = false;

  constructor(options: ResumingOptions) {
    this.#options = options;
  }

  /** The newest result that was heard. */
  get cursor(): number {
    return this.results.at(-1)?.cursor ?? 0;
  }

  /** Frames that no result accounts for yet. */
  get unaccounted(): number {
    return this.#kept.length;
  }

  /** Connects, and goes on connecting until {@link leave}. Resolves when it has left. */
  async run(): Promise<void> {
    let failures = 0;
    while (!this.#isLeaving) {
      try {
        const glasses = await this.#connect();
        failures = 0;
        await glasses.ended;
      } catch {
        failures++;
      }
      this.#connection = { kind: "none" };
      if (!this.#isLeaving) await this.#pause(failures);
    }
  }

  /** Sends a frame, now or when there is a connection again. */
  send(bytes: Uint8Array): void {
    const kept = { number: this.#next++, bytes, capturedAtMs: this.#options.clock.epochMs() };
    this.#kept.push(kept);
    if (this.#kept.length > MAX_KEPT_FRAMES) {
      this.#kept.shift();
      this.forgotten++;
    }
    if (this.#connection.kind === "open") transmit(this.#connection.glasses, kept);
  }

  /** Cuts the connection, as a lift does. */
  cut(): void {
    if (this.#connection.kind !== "none") this.#connection.glasses.vanish();
  }

  /** Says goodbye and hears what is still to come. */
  leave(): void {
    this.#isLeaving = true;
    if (this.#connection.kind === "open") {
      this.#connection.glasses.send(JSON.stringify({ type: "bye" }));
    } else this.cut();
  }

  async #connect(): Promise<Glasses> {
    const { nextUrl, magicWord } = this.#options;
    this.connections++;
    const glasses = await connectGlasses(nextUrl(), {
      magicWord,
      protocol: PROTOCOL_V2,
      query: this.#remembered ? { ...this.#remembered, cursor: String(this.cursor) } : {},
      onAck: (message) => this.#hear(message as unknown as Message, glasses),
    });
    if (this.#connection.kind === "none") this.#connection = { kind: "greeting", glasses };
    if (this.#isLeaving) glasses.vanish();
    return glasses;
  }

  #hear(message: Message, glasses: Glasses): void {
    this.#options.onMessage?.(message);
    switch (message.type) {
      case "hello":
        return this.#greeted(message, glasses);
      case "ack": {
        const { frame, status, reason } = message;
        this.fates.set(Number(frame), reason ? `${status} ${reason}` : String(status));
        // Told honestly, so there is nothing to be made good.
        if (status !== "queued") this.#kept = this.#kept.filter((kept) => kept.number !== frame);
        return;
      }
      case "result":
        return this.#account(message as Result);
    }
  }

  /** Sends again what the server does not answer for. */
  #greeted(hello: Message, glasses: Glasses): void {
    const session = String(hello.session);
    if (this.#remembered && this.#remembered.session !== session) {
      this.lostSessions++;
      this.results.length = 0;
      this.fates.clear();
    }
    this.#remembered = { session, resume: String(hello.resume) };
    const accounted = Number(hello.frame);
    const again = this.#kept.filter(({ number }) => number > accounted);
    // Numbers go on from what the server counts, also where a frame in between is gone for good.
    this.#kept = again.map((kept, at) => ({ ...kept, number: accounted + 1 + at }));
    this.#next = accounted + 1 + this.#kept.length;
    this.#connection = { kind: "open", glasses };
    for (const kept of this.#kept) transmit(glasses, kept);
  }

  #account(result: Result): void {
    this.results.push(result);
    this.#kept = this.#kept.filter(({ number }) => number > result.frame);
  }

  #pause(failures: number): Promise<void> {
    const delayMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
    return new Promise((resolve) => void this.#options.clock.after(delayMs, resolve));
  }
}

function transmit(glasses: Glasses, { bytes, capturedAtMs }: Kept): void {
  glasses.send(JSON.stringify({ type: "frame", captured_at_ms: capturedAtMs }));
  glasses.send(bytes);
}
