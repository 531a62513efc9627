/**
 * What must hold for one wearer, whatever goes wrong: checked on each message as it comes.
 *
 * @module
 */
import type { Trace } from "../../client/glasses_options.ts";
import { readCaption } from "./_eyes.ts";
import type { Figures } from "./_figures.ts";

const LOG_LINES = 400;

/** Any message of the server. */
export type Message = Readonly<Record<string, unknown>> & { readonly type: string };

/** Something that must never be. */
export class Violation extends Error {
  override readonly name = "Violation";
}

interface Sent {
  readonly footage: number;
  readonly connection: number;
  /** As the ack said; null: none was heard. */
  fate: string | null;
}

/** A session as its client knows it. */
interface Life {
  readonly session: string;
  /** Frames by the number that the server gives them; the newest send counts. */
  readonly numbers: Map<number, Sent>;
  /** Results that were heard, in order, without what changes with the time of hearing. */
  readonly results: string[];
  /** Up to which frame, and which second, results account for. */
  frame: number;
  endS: number;
}

interface Line {
  readonly id: number;
  readonly claim: { readonly session: string; readonly cursor: number } | null;
  life: Life | null;
  nextAck: number;
  nextCursor: number;
  /** The newest result of before, as hello says. */
  earlierCursor: number;
  sent: number;
}

/** The books of one wearer, kept beside those of the server. */
export class Ledger {
  /** The first thing that must never be. */
  violation: Violation | null = null;
  /** Whether others claimed the wearer's sessions too. */
  hasRivals = false;
  readonly log: string[] = [];
  readonly lives: Life[] = [];
  readonly #lines = new Map<number, Line>();
  readonly #covered = new Map<number, string>();
  readonly #dropped = new Set<number>();
  readonly #wearer: number;
  readonly #figures: Figures;
  readonly #maxBufferFrames: number;

  constructor(wearer: number, figures: Figures, maxBufferFrames: number) {
    this.#wearer = wearer;
    this.#figures = figures;
    this.#maxBufferFrames = maxBufferFrames;
  }

  /** Hears what happens on the wearer's connections. */
  note(event: Trace): void {
    this.write(JSON.stringify(event));
    try {
      this.#note(event);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.violation ??= error;
    }
  }

  /** Adds a line to the log that a violation is shown with. */
  write(line: string): void {
    this.log.push(`${new Date().toISOString().slice(17)} ${line}`);
    if (this.log.length > LOG_LINES) this.log.shift();
  }

  /** Says that something must never be. */
  violate(reason: string): void {
    this.violation ??= new Violation(reason);
  }

  /** A result that another connection with the same claim heard: it must be what we hear. */
  sameResult(session: string, message: Message): void {
    const life = this.lives.find((life) => life.session === session);
    const known = life?.results[Number(message.cursor) - 1];
    if (known !== undefined && known !== fingerprint(message)) {
      this.violate(`result ${message.cursor} is two: ${known} and ${fingerprint(message)}`);
    }
  }

  /** Whether every frame up to `footage` has come to one end. */
  isComplete(footage: number): boolean {
    return this.missing(footage).length === 0;
  }

  /** Frames up to `footage` that no result covers, and that were not called dropped. */
  missing(footage: number): number[] {
    const missing: number[] = [];
    for (let at = 1; at <= footage; at++) {
      if (!this.#covered.has(at) && !this.#dropped.has(at)) missing.push(at);
    }
    return missing;
  }

  #note(event: Trace): void {
    const id = event.connection;
    if (event.kind === "connecting") {
      this.#figures.add("connections");
      const { claim } = event;
      const counts = { nextAck: 0, nextCursor: 0, earlierCursor: 0, sent: 0 };
      this.#lines.set(id, { id, claim, life: null, ...counts });
      return;
    }
    const line = this.#lines.get(id)!;
    if (event.kind === "sent") this.#sent(line, event.number, event.given);
    if (event.kind === "heard") this.#heard(line, event.message as unknown as Message);
    if (event.kind !== "ended") return;
    const { ending } = event;
    this.#figures.add(`ended ${ending.kind === "closed" ? ending.code : ending.kind}`);
  }

  #sent(line: Line, number: number, footage: number): void {
    this.#figures.add("frames sent");
    must(line.life !== null, "a frame goes out after hello");
    must(number === line.sent + 1, `frame ${number} is sent after ${line.sent}`);
    line.sent = number;
    line.life!.numbers.set(number, { footage, connection: line.id, fate: null });
  }

  #heard(line: Line, message: Message): void {
    if (message.type !== "hello") must(line.life !== null, "hello is said first [S1]");
    switch (message.type) {
      case "hello":
        return this.#hello(line, message);
      case "ack":
        return this.#ack(line, message);
      case "result":
        return this.#result(line, line.life!, message);
      case "error":
        throw new Violation(`the server calls us wrong: ${JSON.stringify(message)}`);
    }
  }

  #hello(line: Line, { session, frame, cursor }: Message): void {
    must(line.life === null, "hello is said once [S1]");
    const claimed = line.claim && this.lives.find(({ session }) => session === line.claim!.session);
    const [at, to] = [Number(frame), Number(cursor)];
    if (claimed?.session === session) {
      line.life = claimed!;
      this.#figures.add("resumed");
      must(to >= claimed!.results.length, `results up to ${claimed!.results.length} are stored`);
      must(at >= claimed!.frame, `frame ${claimed!.frame} is accounted for, hello says ${at}`);
    } else {
      if (claimed) {
        this.#figures.add("sessions that were never durable");
        must(claimed.results.length === 0, "a session with results is not lost");
      }
      must(at === 0 && to === 0, "a new session begins at 0");
      line.life = { session: String(session), numbers: new Map(), results: [], frame: 0, endS: 0 };
      this.lives.push(line.life);
    }
    line.nextAck = at + 1;
    line.sent = at;
    line.earlierCursor = to;
    line.nextCursor = (claimed === line.life ? line.claim!.cursor : 0) + 1;
  }

  #ack(line: Line, { frame, bytes, status, reason }: Message): void {
    const fate = reason ? `${status} ${reason}` : String(status);
    this.#figures.add(`ack ${fate}`);
    must(frame === line.nextAck, `ack ${line.nextAck} comes next, not ${frame} [V1]`);
    must(line.nextAck <= line.sent, `frame ${frame} was sent before its ack`);
    must(Number(bytes) > 0, `ack ${frame} says how long the frame was`);
    line.nextAck++;
    const sent = line.life!.numbers.get(Number(frame))!;
    if (sent.connection !== line.id) return;
    sent.fate = fate;
    if (status === "dropped") this.#dropped.add(sent.footage);
  }

  #result(line: Line, life: Life, message: Message): void {
    const cursor = Number(message.cursor);
    must(cursor === line.nextCursor, `cursor ${line.nextCursor} comes next, not ${cursor} [S3]`);
    line.nextCursor++;
    if (cursor <= line.earlierCursor) this.#figures.add("results replayed");
    const known = life.results[cursor - 1];
    if (known !== undefined) {
      must(known === fingerprint(message), `result ${cursor} is what it was: ${known}`);
      return;
    }
    this.#figures.add(message.inference_error === undefined ? "captions" : "inference errors");
    must(cursor === life.results.length + 1, `cursor ${cursor} follows ${life.results.length}`);
    life.results.push(fingerprint(message));
    this.#account(life, message);
  }

  /** Which frames a result stands for. */
  #account(life: Life, message: Message): void {
    const { cursor, frame, frames, chunk_start_s: startS, chunk_end_s: endS } = message;
    const overflows = Number(frames) === this.#maxBufferFrames;
    if (!overflows) must(startS === life.endS, `result ${cursor} begins at ${life.endS} s`);
    must(Number(endS) >= Number(startS), `result ${cursor} ends after it began`);
    must(Number(frame) > life.frame, `result ${cursor} accounts for frames after ${life.frame}`);
    const range: Sent[] = [];
    for (let number = life.frame + 1; number <= Number(frame); number++) {
      const sent = life.numbers.get(number);
      if (!sent) throw new Violation(`result ${cursor} accounts for ${number}, never sent`);
      range.push(sent);
    }
    life.frame = Number(frame);
    life.endS = Number(endS);
    const known = range.filter(({ fate }) => fate === "queued").length;
    const unknown = range.filter(({ fate }) => fate === null).length;
    if (!overflows) {
      must(known <= Number(frames), `result ${cursor} stands for ${known} queued frames`);
      must(known + unknown >= Number(frames), `result ${cursor} stands for no more than sent`);
    }
    for (const { footage, fate } of range) this.#cover(footage, fate, `${life.session} ${cursor}`);
    if (typeof message.caption === "string") this.#caption(range, message.caption);
  }

  #cover(footage: number, fate: string | null, by: string): void {
    if (fate !== null && fate !== "queued") return;
    const before = this.#covered.get(footage);
    must(before === undefined, `footage ${footage} is covered by ${before} and by ${by}`);
    this.#covered.set(footage, by);
  }

  /** The caption is about these frames, and about nobody else's. */
  #caption(range: readonly Sent[], caption: string): void {
    const seen = readCaption(caption);
    if (!seen) throw new Violation(`a caption is of our class: ${caption}`);
    const isOurs = (wearer: number) => wearer === this.#wearer;
    must(seen.wearers.length === 1 && seen.wearers.every(isOurs), `no other's frames: ${caption}`);
    must(seen.after.every(isOurs), `no other's history: ${caption}`);
    const footage = new Set(range.map(({ footage }) => footage));
    must(seen.footage.every((at) => footage.has(at)), `these frames alone: ${caption}`);
    const newest = range.findLast(({ fate }) => fate === null || fate === "queued");
    const isSure = range.every(({ fate }) => fate !== null);
    if (isSure) must(seen.footage.at(-1) === newest?.footage, `the newest frame: ${caption} [V4]`);
  }
}

function must(holds: boolean, rule: string): void {
  if (!holds) throw new Violation(rule);
}

/** A result without what changes with the time of hearing. */
export function fingerprint({ age_ms: _, ...message }: Message): string {
  return JSON.stringify(message);
}
