/**
 * Finds the peers that have gone without a word: a half-open connection looks like a silent one until
 * a ping stays unanswered.
 *
 * @module
 */
import type { Cancel, Clock } from "../clock.ts";

/** A peer is asked whether it is there after so much silence. */
export const PING_AFTER_MS = 15_000;
/** A peer that is silent for so long is gone. */
export const GONE_AFTER_MS = 30_000;
/** How exact the two are. */
const SWEEP_MS = 5000;

/** A connection as seen from here. */
export interface Peer {
  /**
   * Bytes received so far, those of pongs and of half a message included. Read instead of told, so
   * that a frame costs nothing here, and a slow uplink that is still sending one is not taken for gone.
   */
  readonly receivedBytes: number;
  ping(): void;
  terminate(): void;
}

interface Silence {
  receivedBytes: number;
  sinceMs: number;
  isPinged: boolean;
}

/** Watches all peers of a process with one timer. */
export class IdlePeers {
  readonly #clock: Clock;
  readonly #silences = new Map<Peer, Silence>();
  #cancelSweep: Cancel | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins to watch. */
  add(peer: Peer): void {
    const { receivedBytes } = peer;
    const sinceMs = this.#clock.monotonicMs();
    this.#silences.set(peer, { receivedBytes, sinceMs, isPinged: false });
    this.#cancelSweep ??= this.#clock.after(SWEEP_MS, () => this.#sweep());
  }

  /** Watches no more. */
  remove(peer: Peer): void {
    this.#silences.delete(peer);
    if (this.#silences.size > 0) return;
    this.#cancelSweep?.();
    this.#cancelSweep = null;
  }

  #sweep(): void {
    this.#cancelSweep = this.#clock.after(SWEEP_MS, () => this.#sweep());
    const nowMs = this.#clock.monotonicMs();
    for (const [peer, silence] of this.#silences) listenTo(peer, silence, nowMs);
  }
}

function listenTo(peer: Peer, silence: Silence, nowMs: number): void {
  const { receivedBytes } = peer;
  if (receivedBytes !== silence.receivedBytes) {
    silence.receivedBytes = receivedBytes;
    silence.sinceMs = nowMs;
    silence.isPinged = false;
    return;
  }
  const silentMs = nowMs - silence.sinceMs;
  if (silentMs >= GONE_AFTER_MS) return peer.terminate();
  if (silentMs < PING_AFTER_MS || silence.isPinged) return;
  silence.isPinged = true;
  peer.ping();
}
