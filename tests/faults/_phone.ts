/**
 * A phone as shipped (WIRE V): it knows no sessions, connects again when it is cut off, and counts
 * each connection from 1.
 *
 * @module
 */
import { systemClock } from "../../clock.ts";
import { type Ack, connectGlasses, type Glasses } from "../../dev/glasses.ts";
import { MAGIC_WORD } from "../_foresight.ts";
import { frameOf, readCaption } from "./_eyes.ts";
import type { Figures } from "./_figures.ts";

const RETRY_MS = 200;
const HANDSHAKE_TIMEOUT_MS = 5_000;

/** What one connection has sent and heard. */
interface Line {
  readonly glasses: Glasses | null;
  readonly footage: number[];
  acked: number;
  endS: number;
}

/** One wearer of a phone as shipped. */
export class Phone {
  readonly id: number;
  readonly log: string[] = [];
  violation: Error | null = null;
  readonly #figures: Figures;
  readonly #nextUrl: () => string;
  readonly #running: Promise<void>;
  #line: Line | null = null;
  #footage = 0;
  #isOver = false;

  constructor(id: number, nextUrl: () => string, figures: Figures) {
    this.id = id;
    this.#nextUrl = nextUrl;
    this.#figures = figures;
    this.#running = this.#run();
  }

  /** The next frame; where there is no connection, it is lost. */
  look(): void {
    const line = this.#line;
    if (!line?.glasses) return this.#figures.add("v1 frames without a connection");
    this.#figures.add("v1 frames sent");
    line.footage.push(++this.#footage);
    line.glasses.send(frameOf(this.id, this.#footage));
  }

  /** Leaves; resolves when the connection has ended. */
  async close(): Promise<void> {
    this.#isOver = true;
    await this.#line?.glasses?.leave();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const line: Line = { glasses: null, footage: [], acked: 0, endS: 0 };
      try {
        const glasses = await connectGlasses(this.#nextUrl(), {
          magicWord: MAGIC_WORD,
          handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
          onAck: (ack) => this.#hear(line, ack),
        });
        if (this.#isOver) glasses.vanish();
        this.#line = Object.assign(line, { glasses });
        this.#figures.add("v1 connections");
        await glasses.ended;
      } catch {
        // The server is down: again in a moment.
      }
      this.#line = null;
      if (!this.#isOver) await new Promise<void>((done) => void systemClock.after(RETRY_MS, done));
    }
  }

  #hear(line: Line, ack: Ack): void {
    this.log.push(JSON.stringify(ack));
    const isFlush = ack.frame === line.acked && ack.caption !== undefined ||
      ack.inference_error !== undefined;
    if (ack.frame === line.acked + 1) line.acked++;
    else if (!isFlush) this.#violate(`ack ${line.acked + 1} comes next, not ${ack.frame} [V1]`);
    if (line.acked > line.footage.length) this.#violate(`frame ${ack.frame} was not sent yet`);
    if (ack.type !== undefined) this.#violate("a v1 client hears acks alone [V]");
    if (typeof ack.inference_error === "string") this.#figures.add("v1 inference errors");
    if (typeof ack.caption === "string") this.#caption(line, ack.caption, ack);
  }

  #caption(line: Line, caption: string, ack: Ack): void {
    this.#figures.add("v1 captions");
    const seen = readCaption(caption);
    const isOurs = seen?.wearers.every((wearer) => wearer === this.id) &&
      seen.after.every((wearer) => wearer === this.id);
    if (!isOurs) this.#violate(`a caption is the wearer's own: ${caption} [V11]`);
    const isHere = seen?.footage.every((at) => line.footage.includes(at));
    if (!isHere) this.#violate(`a caption is of this connection's frames: ${caption}`);
    if (Number(ack.chunk_start_s) < line.endS) this.#violate(`chunks do not overlap: ${caption}`);
    line.endS = Number(ack.chunk_end_s);
  }

  #violate(reason: string): void {
    this.violation ??= new Error(reason);
  }
}
