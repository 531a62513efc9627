/**
 * One wearer: v2 glasses behind a weak line, between servers that share one database.
 *
 * @module
 */
import { connect, type Glasses as Client, type Remembered } from "../../client/glasses.ts";
import { systemClock } from "../../clock.ts";
import { connectGlasses, type Glasses } from "../../dev/glasses.ts";
import { PROTOCOL_V2 } from "../../stream/wire_v2.ts";
import { MAGIC_WORD } from "../_foresight.ts";
import { createSockets } from "../client/_sockets.ts";
import { frameOf } from "./_eyes.ts";
import type { Figures } from "./_figures.ts";
import { Ledger, type Message } from "./_ledger.ts";
import type { Random } from "./_random.ts";
import { WeakLine } from "./_weak_line.ts";
import type { World } from "./_world.ts";

const pause = (ms: number) => new Promise<void>((done) => void systemClock.after(ms, done));

/** As a phone that loses nothing, and is in a hurry. */
const OPTIONS = {
  maxWaiting: 600,
  maxUnacked: 600,
  handshakeTimeoutMs: 5_000,
  answerTimeoutMs: 5_000,
  backOff: { firstMs: 100, maxMs: 1_000 },
  // Others claim the session all the time.
  maxTakeovers: Infinity,
};

/** What may happen to one wearer. */
export const WEARER_FAULTS = [
  "cut",
  "half-open",
  "reorder",
  "delay",
  "duplicate",
  "stale claim",
  "twins",
  "hop",
] as const;

/** One of {@link WEARER_FAULTS}. */
export type WearerFault = typeof WEARER_FAULTS[number];

/** A wearer and the books about it. */
export class Wearer {
  readonly id: number;
  readonly ledger: Ledger;
  readonly glasses: Client;
  readonly #sockets = createSockets();
  readonly #world: World;
  readonly #figures: Figures;
  readonly #line: WeakLine;
  readonly #intruders = new Set<Promise<void>>();
  readonly #undo = new Set<() => void>();
  #server: number;

  /** @param hops whether each connection goes to another server than the one before */
  constructor(id: number, world: World, figures: Figures, hops: boolean) {
    this.id = id;
    this.#world = world;
    this.#figures = figures;
    this.#server = id % world.urls().length;
    this.ledger = new Ledger(id, figures, world.maxBufferFrames);
    this.#line = new WeakLine(() => {
      if (hops) this.hop();
      return world.urls()[this.#server]!;
    });
    this.glasses = connect({
      ...OPTIONS,
      url: () => this.#line.url,
      access: { kind: "word", word: MAGIC_WORD },
      platform: { WebSocket: this.#sockets.WebSocket },
      trace: (event) => this.ledger.note(event),
    });
  }

  /** Frames that it has looked at. */
  get footage(): number {
    return this.glasses.counts.given;
  }

  /** The next frame of the footage. */
  look(): void {
    this.glasses.send(frameOf(this.id, this.footage + 1));
  }

  /** Lets it happen. */
  suffer(fault: WearerFault, random: Random): void {
    this.#figures.add(`fault: ${fault}`);
    this.ledger.write(`FAULT ${fault}`);
    switch (fault) {
      case "cut":
        return this.#line.cut();
      case "half-open":
        this.#line.freeze();
        return this.#giveUp();
      case "reorder":
        this.#later(random.between(20, 500), this.#line.freeze());
        this.hop();
        return this.#giveUp();
      case "delay":
        return this.#later(random.between(20, 400), this.#line.delay());
      case "duplicate":
        return this.#intrude(this.#cursor, random);
      case "stale claim":
        return this.#intrude(random.between(0, this.#cursor), random);
      case "twins":
        this.#line.cut();
        this.#intrude(this.#cursor, random);
        return this.#intrude(0, random);
      case "hop":
        this.hop();
        return this.#line.cut();
    }
  }

  /** The next connection goes to the next server. */
  hop(): void {
    this.#server = (this.#server + 1) % this.#world.urls().length;
  }

  /** The faults are over: what was held up passes. */
  async calm(): Promise<void> {
    for (const undo of [...this.#undo]) undo();
    await Promise.all(this.#intruders);
  }

  /** Says goodbye; false: it was not answered in time. */
  async leave(limitMs: number): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<false>();
    const cancel = systemClock.after(limitMs, () => resolve(false));
    const left = await Promise.race([this.glasses.bye().then(() => true), late]);
    cancel();
    if (!left) this.ledger.violate(`bye was not answered within ${limitMs} ms`);
    return left;
  }

  /** Ends all that is left. */
  async close(): Promise<void> {
    await this.glasses.close();
    this.#sockets.close();
    await this.calm();
    await this.#line.close();
  }

  get #cursor(): number {
    return this.glasses.remembered?.cursor ?? 0;
  }

  /** Takes the connection for lost and makes another; the old one stays as it is: half-open. */
  #giveUp(): void {
    this.#sockets.abandon();
    this.glasses.reconnect();
  }

  #later(delayMs: number, undo: () => void): void {
    const cancel = systemClock.after(delayMs, () => once());
    const once = () => {
      cancel();
      this.#undo.delete(once);
      undo();
    };
    this.#undo.add(once);
  }

  /** Another connection with the same claim, to any server: it must hear what we heard. */
  #intrude(cursor: number, random: Random): void {
    const { remembered } = this.glasses;
    if (!remembered) return;
    this.ledger.hasRivals = true;
    const url = random.pick(this.#world.urls());
    const staysMs = random.between(0, 300);
    const intrusion = this.#intruder(url, remembered, cursor, staysMs)
      .catch((error) => this.ledger.write(`intruder: ${error}`))
      .finally(() => this.#intruders.delete(intrusion));
    this.#intruders.add(intrusion);
  }

  async #intruder(
    url: string,
    { session, resume }: Omit<Remembered, "cursor">,
    cursor: number,
    staysMs: number,
  ) {
    this.#figures.add("connections with the same claim");
    let next = cursor + 1;
    let hello: Message | null = null;
    const { ledger } = this;
    const hear = (message: Message) => {
      if (message.type === "hello") hello = message;
      if (message.type !== "result" || hello?.session !== session) return;
      if (message.cursor !== next) {
        ledger.violate(`${next} is replayed next, not ${message.cursor}`);
      }
      next++;
      ledger.sameResult(session, message);
    };
    const glasses: Glasses = await connectGlasses(url, {
      magicWord: MAGIC_WORD,
      protocol: PROTOCOL_V2,
      query: { session, resume, cursor: String(cursor) },
      onAck: (message) => hear(message as unknown as Message),
    });
    await Promise.race([glasses.ended, pause(staysMs)]);
    glasses.vanish();
    await glasses.ended;
    ledger.write(`intruder: from ${cursor}, heard up to ${next - 1}`);
  }
}
