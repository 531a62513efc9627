/**
 * The figures of a stream.
 *
 * @module
 */
import type { FrameCounts } from "../../client/glasses.ts";
import type { HeardAck, Trace } from "../../client/glasses_options.ts";
import type { Result } from "../../client/messages.ts";

/** How old a caption was when it was heard. */
export interface Age {
  readonly heardAtMs: number;
  readonly ageMs: number;
}

/** As they are shown. */
export interface Figures {
  readonly atMs: number;
  readonly counts: FrameCounts | null;
  /** Acks by what they said. */
  readonly queued: number;
  readonly skipped: number;
  readonly dropped: number;
  /** Frames that were not sent as the network was behind. */
  readonly heldBack: number;
  /** Acknowledged. */
  readonly bytes: number;
  readonly bytesPerSecond: number;
  /** Of the newest hundred acks; null: there was none. */
  readonly ackMs: { readonly median: number; readonly worst: number } | null;
  readonly results: number;
  readonly reconnects: number;
  readonly ages: readonly Age[];
}

/** The plot's width in time. */
export const AGES_FOR_MS = 60_000;
const KEPT_ACKS = 100;
const KEPT_TIMES = 2_000;
const RATE_OVER_MS = 3_000;

export const NO_FIGURES: Figures = {
  atMs: 0,
  counts: null,
  queued: 0,
  skipped: 0,
  dropped: 0,
  heldBack: 0,
  bytes: 0,
  bytesPerSecond: 0,
  ackMs: null,
  results: 0,
  reconnects: 0,
  ages: [],
};

/** Counts what one stream does. */
export class Tally {
  /** By the number that the client gave, and by the one that the server counts. */
  readonly #capturedAtMs = new Map<number, number>();
  readonly #seenAtMs = new Map<number, number>();
  readonly #acks = { queued: 0, skipped: 0, dropped: 0 };
  readonly #startedAtMs = Date.now();
  #ackMs: number[] = [];
  #arrivals: { readonly atMs: number; readonly bytes: number }[] = [];
  #ages: Age[] = [];
  #heldBack = 0;
  #bytes = 0;
  #results = 0;
  #hellos = 0;

  /** A frame is given to the client, under this number. */
  gave(given: number, capturedAtMs: number): void {
    this.#capturedAtMs.set(given, capturedAtMs);
    forgetOldest(this.#capturedAtMs);
  }

  heldBack(): void {
    this.#heldBack++;
  }

  traced(event: Trace): void {
    if (event.kind === "heard" && event.message.type === "hello") this.#hellos++;
    if (event.kind !== "sent") return;
    const capturedAtMs = this.#capturedAtMs.get(event.given);
    if (capturedAtMs !== undefined) this.#seenAtMs.set(event.number, capturedAtMs);
    forgetOldest(this.#seenAtMs);
  }

  acked({ status, bytes, latencyMs }: HeardAck): void {
    this.#acks[status]++;
    this.#bytes += bytes;
    this.#arrivals.push({ atMs: Date.now(), bytes });
    if (latencyMs === null) return;
    this.#ackMs.push(latencyMs);
    if (this.#ackMs.length > KEPT_ACKS) this.#ackMs.shift();
  }

  /** Milliseconds since its newest frame was seen; null: not known any more. */
  result({ frame }: Result): number | null {
    this.#results++;
    const heardAtMs = Date.now();
    const seenAtMs = this.#seenAtMs.get(frame);
    if (seenAtMs === undefined) return null;
    const ageMs = heardAtMs - seenAtMs;
    this.#ages.push({ heardAtMs, ageMs });
    return ageMs;
  }

  figures(counts: FrameCounts): Figures {
    const atMs = Date.now();
    this.#ages = this.#ages.filter(({ heardAtMs }) => heardAtMs > atMs - AGES_FOR_MS);
    this.#arrivals = this.#arrivals.filter((arrival) => arrival.atMs > atMs - RATE_OVER_MS);
    const overMs = Math.min(RATE_OVER_MS, Math.max(1, atMs - this.#startedAtMs));
    const recent = this.#arrivals.reduce((sum, { bytes }) => sum + bytes, 0);
    const sorted = this.#ackMs.toSorted((a, b) => a - b);
    return {
      atMs,
      counts,
      ...this.#acks,
      heldBack: this.#heldBack,
      bytes: this.#bytes,
      bytesPerSecond: recent * 1000 / overMs,
      ackMs: sorted.length === 0
        ? null
        : { median: sorted[Math.floor(sorted.length / 2)]!, worst: sorted.at(-1)! },
      results: this.#results,
      reconnects: Math.max(0, this.#hellos - 1),
      ages: this.#ages,
    };
  }
}

function forgetOldest(times: Map<number, number>): void {
  if (times.size > KEPT_TIMES) times.delete(times.keys().next().value!);
}
